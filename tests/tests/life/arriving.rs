//! From the upload handle to the last thumbnail.

use heim_common::{media::MediaState, wire::MediaEvent};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::{NAMES, THUMBNAILS, all_heard, finished, names, share_accepted},
    standalone::Standalone,
    web::Web,
};
use serde_json::{Value, json};

/// What a media event says of a transcoding that is there.
fn available(event: &MediaEvent) -> (String, String, Option<u32>, Option<u32>) {
    let MediaEvent::Available { transcoding, .. } = event else { panic!("{event:?}") };
    (transcoding.name.to_string(), transcoding.content_type.clone(), transcoding.width, transcoding.height)
}

#[tokio::test]
async fn a_photo_of_12_megapixels_arrives_with_every_thumbnail_smallest_first() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let bot = Client::enter(heim.base(), "welcome", Entrance::unaware(), "bot").await;
    let photo = corpus::read(corpus::PHOTO);

    let handle = ana.upload_handle().await;
    assert_eq!((handle.method.as_str(), handle.max_size), ("PUT", 25 << 20));
    assert_eq!(handle.url, format!("{}/media/{}", heim.base(), handle.id), "no secret is in the URL");
    assert!(handle.headers["Authorization"][0].starts_with("Bearer "));

    let message = ana.send("look", &[handle.id]).await;
    let promised = &message["attachments"][0];
    assert_eq!((&promised["id"], &promised["state"]), (&json!(handle.id), &json!("created")));
    assert_eq!((&promised["uploaded"], &promised["transcodings"]), (&Value::Null, &json!({})));
    for other in [&ben, &bot] {
        assert_eq!(other.event("send-event").await["attachments"][0]["id"], json!(handle.id), "before the upload");
    }

    let answer = Web::default().upload(&handle, photo.clone()).await;
    assert_eq!((answer.status, answer.json()), (201, json!({ "id": handle.id })));

    for client in [&ana, &ben] {
        finished(client, handle.id).await;
    }
    all_heard(&bot, &ana).await;
    all_heard(&ana, &ben).await;
    all_heard(&ana, &bot).await;
    for client in [&ana, &ben] {
        let events = client.heard.media_events(handle.id);
        assert_eq!(names(client, handle.id), NAMES, "each once, in this order");
        let webp = |name: &str, width, height| (name.to_owned(), "image/webp".to_owned(), Some(width), Some(height));
        let told: Vec<_> = events.iter().map(|(_, event)| available(event)).collect();
        assert_eq!(told[0], ("original".to_owned(), "image/jpeg".to_owned(), Some(4032), Some(3024)));
        for ((name, side), told) in THUMBNAILS.iter().zip(&told[1..]) {
            assert_eq!(*told, webp(name, *side, side * 3 / 4));
        }
        let MediaEvent::Available { transcoding, .. } = &events[0].1 else { panic!("{events:?}") };
        assert_eq!(transcoding.size, photo.len() as u64);
        let MediaEvent::Available { description, .. } = &events[1].1 else { panic!("{events:?}") };
        let described = description.as_ref().expect("it comes with the first transcoding");
        assert_eq!((described.width, described.height, described.frames), (4032, 3024, 1));
        assert!(described.color.is_some() && !described.animated && !described.alpha, "{described:?}");
        let MediaEvent::Available { state, placeholder, .. } = &events[4].1 else { panic!("{events:?}") };
        assert_eq!(*state, MediaState::Ready);
        assert!(placeholder.as_ref().is_some_and(|hash| (5..=25).contains(&hash.0.len())), "{placeholder:?}");
    }
    assert_eq!(bot.heard.of("media-upload-event"), Vec::<Value>::new(), "it did not ask for media");
    assert_eq!(bot.heard.of("send-event").len(), 1);
    assert_eq!(heim.stored().len(), 5);
}

#[tokio::test]
async fn a_photo_that_lies_on_its_side_is_stood_up() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::TURNED)).await;
    let media = finished(&ana, id).await;

    let (_, original) = ana.media_event(id, "original").await;
    assert_eq!(available(&original), ("original".into(), "image/jpeg".into(), Some(3024), Some(4032)));
    assert_eq!((media.width, media.height), (Some(3024), Some(4032)));
    for (name, side) in THUMBNAILS {
        let thumbnail = &media.transcodings[&name.parse().unwrap()];
        assert_eq!((thumbnail.width, thumbnail.height), (Some(side * 3 / 4), Some(side)), "{name}");
        let webp = heim_tests::webp::read(&Web::default().get(&thumbnail.url).await.body).expect("WebP");
        assert_eq!((webp.width, webp.height), (side * 3 / 4, side), "{name}");
        let metadata = ["EXIF", "XMP ", "ICCP"];
        assert!(webp.chunks.iter().all(|chunk| !metadata.contains(&chunk.as_str())), "{:?}", webp.chunks);
    }
}

#[tokio::test]
async fn a_small_picture_is_never_enlarged() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read("photos/cmyk_icc.jpg")).await;
    let media = finished(&ana, id).await;
    assert_eq!((media.state, media.width, media.height), (MediaState::Ready, Some(388), Some(218)));
    let sizes: Vec<_> = THUMBNAILS.iter().map(|(name, _)| media.transcodings[&name.parse().unwrap()].width).collect();
    assert_eq!(sizes, [Some(160), Some(320), Some(388), Some(388)]);
}

#[tokio::test]
async fn every_kind_of_picture_that_is_promised_is_made() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    for (file, content_type) in [
        ("photos/png4k_screenshot_vec.png", "image/png"),
        ("photos/webp10_nikonp7000_or6.webp", "image/webp"),
        ("photos/gif_earth_400_44f.gif", "image/gif"),
        ("hostile/wuffs/bricks-nodither.bmp", "image/bmp"),
    ] {
        let id = share_accepted(&ana, corpus::read(file)).await;
        let media = finished(&ana, id).await;
        assert_eq!((media.state, media.content_type.as_deref()), (MediaState::Ready, Some(content_type)), "{file}");
        assert_eq!(media.transcodings.len(), NAMES.len(), "{file}");
    }
}

#[tokio::test]
async fn what_was_found_out_about_a_picture_comes_with_its_first_thumbnail_and_stays_with_it() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    for (file, (animated, frames, alpha)) in [
        ("photos/gif_earth_400_44f.gif", (true, 44, false)),
        ("hostile/pngsuite/tbyn3p08.png", (false, 1, true)),
        ("photos/cmyk_icc.jpg", (false, 1, false)),
    ] {
        let id = share_accepted(&ana, corpus::read(file)).await;
        let media = finished(&ana, id).await;
        let kept = media.description.expect("it is known of a finished picture");
        assert_eq!((kept.animated, kept.frames, kept.alpha), (animated, frames, alpha), "{file}");
        assert_eq!((Some(kept.width), Some(kept.height)), (media.width, media.height), "{file}");
        assert!(kept.color.is_some(), "{file}");
        let (_, first) = ana.media_event(id, NAMES[1]).await;
        let MediaEvent::Available { description, .. } = first else { panic!("{first:?}") };
        assert_eq!(description, Some(kept), "{file}");
    }
}
