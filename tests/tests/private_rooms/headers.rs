//! The headers of every answer by which media leave: none can be taken for a
//! page, run anything, or be kept where it must not be.

use crate::{
    operator::{API, Operator, admitted},
    pictures::pixel,
    wire::url,
};
use heim_common::wire::MediaView;
use heim_tests::{
    client::{Client, Entrance},
    sharing::{finished, share_accepted},
    standalone::Standalone,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;

const FOREIGN: &str = "https://elsewhere.example";

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Everybody.
    ForEver,
    /// The browser that asked, for as long as it shows it.
    Nowhere,
}

fn assert_safe(what: &str, got: &Answer, kept: Kept) {
    assert_eq!(got.header("x-content-type-options"), "nosniff", "{what}: {got:?}");
    let policy = got.header("content-security-policy");
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{what}: {got:?}");
    assert!(!policy.contains("allow-"), "{what}: {got:?}");
    let caching = got.header("cache-control");
    match kept {
        Kept::ForEver => assert_eq!(caching, "public, max-age=31536000, immutable", "{what}"),
        Kept::Nowhere if got.status < 400 => assert_eq!(caching, "private, no-store", "{what}"),
        Kept::Nowhere => assert!(caching.contains("no-store"), "{what}: {got:?}"),
    }
    let origin = got.header("access-control-allow-origin");
    assert!(!origin.contains("elsewhere"), "{what}: any site may read it: {got:?}");
    assert!(origin != "*" || got.header("access-control-allow-credentials").is_empty(), "{what}: {got:?}");
    assert_eq!(got.header("set-cookie"), "", "{what}");
}

/// Every answer that a download URL can get while its object is shown.
async fn look_at(url: &str, kept: Kept) {
    let web = Web::default();
    let ask = async |method: Method, url: &str, headers: &[(&str, &str)]| {
        let request = web.request(method, url).header("origin", FOREIGN);
        answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let whole = ask(Method::GET, url, &[]).await;
    let etag = whole.header("etag").to_owned();
    let size = whole.body.len();
    let outside = format!("bytes={size}-");
    let forged = url.replace("&s=", "&s=A");
    let unsigned = url.split_once("&s=").expect("it is signed").0;
    let (place, query) = url.split_once('?').expect("it has a query");
    let (folder, _) = place.rsplit_once('/').expect("it has a path");
    let (_, id) = folder.rsplit_once('/').expect("it has an id");
    let nameless = format!("{folder}/nothing-of-this-name?{query}");
    let unknown = url.replace(id, "0zzzzzzzzzzzz");
    let garbled = format!("{folder}/%ff?{query}");
    for (what, expected, got) in [
        ("whole", 200, whole),
        ("head", 200, ask(Method::HEAD, url, &[]).await),
        ("range", 206, ask(Method::GET, url, &[("range", "bytes=1-3")]).await),
        ("known", 304, ask(Method::GET, url, &[("if-none-match", &etag)]).await),
    ] {
        assert_eq!(got.status, expected, "{what}: {got:?}");
        assert_safe(what, &got, kept);
        assert_eq!(got.header("content-disposition"), "inline", "{what}: a picture");
    }
    for (what, expected, got) in [
        ("outside", 416, ask(Method::GET, url, &[("range", &outside)]).await),
        ("forged", 403, ask(Method::GET, &forged, &[]).await),
        ("unsigned", 403, ask(Method::GET, unsigned, &[]).await),
        ("another name", 403, ask(Method::GET, &nameless, &[]).await),
        ("unknown", 404, ask(Method::GET, &unknown, &[]).await),
        ("unknown, head", 404, ask(Method::HEAD, &unknown, &[]).await),
        ("garbled", 400, ask(Method::GET, &garbled, &[]).await),
        ("post", 405, ask(Method::POST, url, &[]).await),
        ("preflight", 405, ask(Method::OPTIONS, url, &[("access-control-request-method", "GET")]).await),
    ] {
        assert_eq!(got.status, expected, "{what}: {got:?}");
        assert_safe(what, &got, Kept::Nowhere);
    }
}

/// Every answer of the stable link.
async fn look_at_link(base: &str, room: &str, client: &Client, media: &MediaView) {
    let web = Web::default();
    let link = |name: &str| format!("{base}/room/{room}/media/{}/{name}", media.id);
    let cookie = client.cookie();
    let ask =
        async |method: Method, name: &str| answer(web.request(method, &link(name)).header("cookie", &cookie)).await;
    for (expected, name, method) in [
        (302, "original", Method::GET),
        (404, "nothing-of-this-name", Method::GET),
        (404, "%20", Method::GET),
        (405, "original", Method::POST),
    ] {
        let got = ask(method, name).await;
        assert_eq!(got.status, expected, "{got:?}");
        assert_safe(&format!("link to {name}"), &got, Kept::Nowhere);
    }
}

async fn shared(client: &Client, comment: &str) -> MediaView {
    let id = share_accepted(client, pixel(comment)).await;
    finished(client, id).await
}

#[tokio::test]
async fn safe_headers_are_on_every_answer() {
    let heim = Standalone::with(&[API]).await;
    let operator = Operator::of(heim.base());
    operator.make_private("vault", "sesame").await;
    let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "hall", Entrance::aware(), "ben").await;
    for (room, client, kept) in [("vault", &ana, Kept::Nowhere), ("hall", &ben, Kept::ForEver)] {
        let media = shared(client, room).await;
        for transcoding in media.transcodings.values() {
            look_at(&transcoding.url, kept).await;
        }
        look_at_link(heim.base(), room, client, &media).await;
        // Where the store has something else than what the row says.
        let original = url(&media, "original");
        let id = media.id.to_string();
        let ours = |file: &&String| file.contains(&id) && file.contains("original");
        let file = heim.store().join(heim.stored().iter().find(ours).expect("it is stored"));
        std::fs::write(&file, "something else").unwrap();
        let broken = Web::default().get(original).await;
        assert_eq!(broken.status, 500, "{broken:?}");
        assert_safe("broken", &broken, Kept::Nowhere);
        std::fs::remove_file(&file).unwrap();
        let lost = Web::default().get(original).await;
        assert_eq!(lost.status, 404, "{lost:?}");
        assert_safe("lost", &lost, Kept::Nowhere);
        let told = client.heard.of("send-reply");
        operator.delete_message(room, told[0]["id"].as_str().unwrap()).await;
        let deleted = Web::default().get(url(&media, "thumb-160")).await;
        assert_eq!(deleted.status, 404, "{deleted:?}");
        assert_safe("deleted", &deleted, Kept::Nowhere);
    }
}

#[tokio::test]
async fn safe_headers_are_on_what_has_expired() {
    let heim = Standalone::with(&[API, ("limits.download_handle_s", "1")]).await;
    Operator::of(heim.base()).make_private("vault", "sesame").await;
    let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
    let media = shared(&ana, "expires").await;
    let url = url(&media, "original");
    let expired = until("the handle has expired", async || {
        let got = Web::default().get(url).await;
        (got.status != 200).then_some(got)
    })
    .await;
    assert_eq!(expired.refusal(), (403, "handle-expired".into()));
    assert_safe("expired", &expired, Kept::Nowhere);
}
