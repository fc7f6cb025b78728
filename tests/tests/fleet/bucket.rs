//! A fleet whose bytes are on an S3 server.

use crate::round::Pair;
use heim_common::wire::MediaView;
use heim_tests::{
    admitted::admitted,
    client::Entrance,
    corpus,
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    operator::Operator,
    s3::S3,
    sharing::{THUMBNAILS, finished, share_accepted},
    web::{Web, answer},
};
use reqwest::Method;

const ROOM: &str = "vault";
const PASSCODE: &str = "heron on the bucket";

/// Downloads the original, whole and in part, and every transcoding.
async fn downloads(media: &MediaView, original: &[u8]) {
    let web = Web::default();
    for (name, transcoding) in &media.transcodings {
        let whole = web.get(&transcoding.url).await;
        assert_eq!(whole.status, 200, "{name}: {whole:?}");
        assert_eq!(whole.body.len() as u64, transcoding.size, "{name}");
    }
    let url = &media.transcodings.get(&"original".parse().expect("a name")).expect("it is there").url;
    assert!(web.get(url).await.body == original, "as it was uploaded");
    let part = answer(web.request(Method::GET, url).header("range", "bytes=70000-200001")).await;
    assert_eq!(part.status, 206);
    assert!(part.body == original[70_000..=200_001]);
}

#[tokio::test]
async fn photos_go_through_a_fleet_over_s3_and_private_ones_encrypted() {
    let s3 = S3::start();
    let own = S3::settings("of/this/fleet", s3.port());
    let settings = own.iter().map(|(key, value)| (*key, value.as_str()));
    let settings: Vec<_> = settings.chain([("admin.token", TOKEN), ("keys.master", MASTER)]).collect();
    let fleet = Fleet::with(2, 2, &settings).await;
    let ready = Web::default().get(&format!("{}/readyz", fleet.base(0))).await;
    assert_eq!((ready.status, &ready.json()["store"]), (200, &"ok".into()), "{ready:?}");

    let pair = Pair::enter(&fleet, "welcome").await;
    for name in [corpus::SMALL, corpus::LARGE] {
        let photo = corpus::read(name);
        let id = pair.share(&photo).await;
        let media = pair.see_it_ready(id).await;
        downloads(&media, &photo).await;
    }

    Operator::new(fleet.base(0), TOKEN).make_private(ROOM, PASSCODE).await;
    let ana = admitted(fleet.base(1), ROOM, PASSCODE, Entrance::aware(), "ana").await;
    for name in [corpus::SMALL, corpus::LARGE] {
        let photo = corpus::read(name);
        let id = share_accepted(&ana, photo.clone()).await;
        let media = finished(&ana, id).await;
        downloads(&media, &photo).await;
        for key in s3.objects().iter().filter(|key| key.contains(&id.to_string())) {
            let stored = std::fs::read(s3.path(key)).expect("it is listed");
            assert!(stored.starts_with(b"HEIMENC1"), "{key}");
        }
    }

    let objects = s3.objects();
    assert_eq!(objects.len(), 4 * (THUMBNAILS.len() + 1), "{objects:?}");
    assert!(objects.iter().all(|key| key.starts_with("of/this/fleet/media/")), "{objects:?}");
    assert!(s3.unfinished().is_empty() && fleet.stored().is_empty());
}
