//! Downloads that are sent to the store's own server, and those that never are.

use heim_common::{problem::Code, wire::MediaView};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    operator::Operator,
    s3::S3,
    sharing::{finished, share_accepted},
    web::{Answer, Web, answer},
};
use reqwest::Method;

const ROOM: &str = "vault";
const PASSCODE: &str = "heron on the way";

/// A fleet over a server to which it sends who downloads.
async fn redirecting(s3: &S3) -> Fleet {
    let own = S3::settings("of/this/fleet", s3.port());
    let settings = own.iter().map(|(key, value)| (*key, value.as_str()));
    let redirects = [("store.presigned_redirects", "true"), ("store.presigned_s", "120")];
    let settings: Vec<_> = settings.chain(redirects).chain([("admin.token", TOKEN), ("keys.master", MASTER)]).collect();
    Fleet::with(1, 1, &settings).await
}

async fn shared(fleet: &Fleet, photo: Vec<u8>) -> (MediaView, String) {
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    let message = ana.send("look", &[handle.id]).await["id"].as_str().expect("it has an id").to_owned();
    assert_eq!(Web::default().upload(&handle, photo).await.status, 201);
    (finished(&ana, handle.id).await, message)
}

/// Where an answer leads to.
fn target(sent: &Answer) -> &str {
    assert_eq!((sent.status, sent.body.len()), (307, 0), "{sent:?}");
    assert_eq!(sent.header("cache-control"), "public, max-age=60", "shorter than the signature holds");
    sent.header("location")
}

#[tokio::test]
async fn a_public_picture_comes_from_the_stores_server_whole_in_part_and_as_a_head() {
    let s3 = S3::start();
    let fleet = redirecting(&s3).await;
    let photo = corpus::read(corpus::SMALL);
    let (media, message) = shared(&fleet, photo.clone()).await;
    let web = Web::default();
    for (name, view) in &media.transcodings {
        let sent = web.get(&view.url).await;
        assert!(target(&sent).starts_with(&format!("http://127.0.0.1:{}/", s3.port())), "{sent:?}");
        let got = web.get(target(&sent)).await;
        assert_eq!((got.status, got.body.len() as u64), (200, view.size), "{name}: {got:?}");
        assert_eq!(got.header("content-type"), view.content_type);
        assert_eq!(got.header("content-disposition"), "inline");
        assert!(!name.is_original() || got.body == photo);
    }
    let url = &media.transcodings[&"original".parse().expect("a name")].url;
    // A client asks there what it has asked here.
    let part = answer(web.request(Method::GET, target(&web.get(url).await)).header("range", "bytes=70-99")).await;
    assert!(part.status == 206 && part.body == photo[70..=99], "{part:?}");
    let sent = answer(web.request(Method::HEAD, url)).await;
    let head = answer(web.request(Method::HEAD, target(&sent))).await;
    assert_eq!((head.status, head.header("content-length")), (200, photo.len().to_string().as_str()), "{head:?}");
    // What has changed on the way is refused there, and nobody is sent there with
    // a handle that is not ours.
    let forged = target(&web.get(url).await).replace("X-Amz-Expires=120", "X-Amz-Expires=1200");
    assert_eq!(web.get(&forged).await.status, 403);
    let (start, signature) = url.rsplit_once('=').expect("a handle is signed");
    let other = format!("{start}={}", signature.chars().rev().collect::<String>());
    assert_eq!(web.get(&other).await.code(), Code::BadSignature.as_str());
    // The page may show what comes from there.
    let page = web.get(&format!("{}/room/welcome/", fleet.base(0))).await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains(&format!("img-src 'self' blob: data: http://127.0.0.1:{};", s3.port())), "{policy}");
    // The coordinator is asked first: what is deleted leads nowhere.
    Operator::new(fleet.base(0), TOKEN).delete_message("welcome", &message).await;
    assert_eq!(web.get(url).await.code(), Code::MediaNotFound.as_str());
}

#[tokio::test]
async fn nobody_is_sent_to_the_bytes_of_a_private_room() {
    let s3 = S3::start();
    let fleet = redirecting(&s3).await;
    Operator::new(fleet.base(0), TOKEN).make_private(ROOM, PASSCODE).await;
    let ana = admitted(fleet.base(0), ROOM, PASSCODE, Entrance::aware(), "ana").await;
    let photo = corpus::read(corpus::SMALL);
    let id = share_accepted(&ana, photo.clone()).await;
    for (name, view) in &finished(&ana, id).await.transcodings {
        for method in [Method::GET, Method::HEAD] {
            let got = answer(Web::default().request(method.clone(), &view.url)).await;
            assert_eq!((got.status, got.header("location")), (200, ""), "{name}");
            assert!(method == Method::HEAD || got.body.len() as u64 == view.size, "{name}");
            assert!(method == Method::HEAD || !name.is_original() || got.body == photo);
        }
    }
    let presigned = s3.seen().into_iter().filter(|seen| seen.target.contains("response-content-type"));
    assert_eq!(presigned.count(), 0, "nobody asked the server with a signed URL");
}
