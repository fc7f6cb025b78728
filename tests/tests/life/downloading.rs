//! What a download handle opens, and how.

use heim_common::wire::{MediaView, TranscodingView};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::{NAMES, finished, share_accepted},
    standalone::Standalone,
    web::{Answer, Web, answer},
    webp,
};
use reqwest::Method;

async fn shared(heim: &Standalone, file: &str) -> MediaView {
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(file)).await;
    finished(&ana, id).await
}

fn transcoding<'a>(media: &'a MediaView, name: &str) -> &'a TranscodingView {
    &media.transcodings[&name.parse().expect("a name")]
}

/// What every answer with content, or about it, must say.
fn is_safe_to_show(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
    assert_eq!(answer.header("content-security-policy"), "sandbox; default-src 'none'", "{answer:?}");
    assert_eq!(answer.header("content-disposition"), "inline", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{answer:?}");
}

#[tokio::test]
async fn every_transcoding_is_downloaded_as_its_handle_says() {
    let heim = Standalone::start().await;
    let media = shared(&heim, corpus::PHOTO).await;
    let web = Web::default();
    assert_eq!(media.transcodings.len(), NAMES.len());
    for (name, view) in &media.transcodings {
        assert!(view.headers.is_empty(), "a plain <img src> sends none");
        let got = web.get(&view.url).await;
        assert_eq!((got.status, got.body.len() as u64), (200, view.size), "{name}");
        assert_eq!(got.header("content-type"), view.content_type, "{name}");
        assert_eq!((got.header("content-length"), got.header("accept-ranges")), (&*view.size.to_string(), "bytes"));
        is_safe_to_show(&got);
        if name.is_original() {
            assert_eq!(got.body, corpus::read(corpus::PHOTO), "byte for byte what was uploaded");
        } else {
            let webp = webp::read(&got.body).expect("a whole WebP file");
            assert_eq!((Some(webp.width), Some(webp.height)), (view.width, view.height), "{name}");
        }
    }
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let heim = Standalone::start().await;
    let media = shared(&heim, corpus::SMALL).await;
    let (web, view) = (Web::default(), transcoding(&media, "thumb-320"));
    let etag = web.get(&view.url).await.header("etag").to_owned();
    assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for (known, status) in [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"other\", {etag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let got = answer(web.request(Method::GET, &view.url).header("If-None-Match", &known)).await;
        assert_eq!((got.status, got.body.is_empty()), (status, status == 304), "{known}");
        assert_eq!(got.header("etag"), etag);
        is_safe_to_show(&got);
    }
}

#[tokio::test]
async fn parts_are_sent_and_what_lies_outside_is_not() {
    let heim = Standalone::start().await;
    let media = shared(&heim, corpus::SMALL).await;
    let (web, view) = (Web::default(), transcoding(&media, "original"));
    let (whole, size) = (corpus::read(corpus::SMALL), usize::try_from(view.size).unwrap());
    let ranged = async |range: &str| answer(web.request(Method::GET, &view.url).header("Range", range)).await;
    for (range, start, end) in [
        ("bytes=0-99".to_owned(), 0, 100),
        ("bytes=100-".to_owned(), 100, size),
        ("bytes=-7".to_owned(), size - 7, size),
        (format!("bytes={}-", size - 1), size - 1, size),
        (format!("bytes=5-{}", size * 2), 5, size),
    ] {
        let got = ranged(&range).await;
        assert_eq!(got.status, 206, "{range}");
        assert_eq!(got.header("content-range"), format!("bytes {start}-{}/{size}", end - 1), "{range}");
        assert!(got.body == whole[start..end], "{range}: other bytes");
        is_safe_to_show(&got);
    }
    for outside in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
        let got = ranged(&outside).await;
        assert_eq!(got.refusal(), (416, "range-not-satisfiable".into()), "{outside}");
        assert_eq!(got.header("content-range"), format!("bytes */{size}"));
    }
    for ignored in ["bytes=0-1,3-4", "lines=1-2", "bytes=9-1"] {
        assert_eq!(ranged(ignored).await.status, 200, "{ignored}");
    }
    let stale = web.request(Method::GET, &view.url).header("Range", "bytes=0-9").header("If-Range", "\"other\"");
    assert_eq!(answer(stale).await.body.len(), size, "a part of something else is of no use");
}

#[tokio::test]
async fn a_head_request_tells_everything_but_the_content() {
    let heim = Standalone::start().await;
    let media = shared(&heim, corpus::SMALL).await;
    let (web, view) = (Web::default(), transcoding(&media, "thumb-640"));
    let (head, get) = (answer(web.request(Method::HEAD, &view.url)).await, web.get(&view.url).await);
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "etag", "accept-ranges"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    is_safe_to_show(&head);
}

#[tokio::test]
async fn a_download_handle_that_was_altered_opens_nothing() {
    let heim = Standalone::start().await;
    let media = shared(&heim, corpus::SMALL).await;
    let (web, url) = (Web::default(), transcoding(&media, "thumb-320").url.clone());
    let (address, query) = url.split_once('?').expect("a signed URL has a query");
    let part = |key: &str| {
        let pair = query.split('&').find(|pair| pair.starts_with(&format!("{key}="))).expect("it is there");
        pair[2..].to_owned()
    };
    let (expires, version, signature) = (part("e"), part("v"), part("s"));
    let later = expires.parse::<i64>().unwrap() + 1;
    for altered in [
        format!("{address}?e={later}&v={version}&s={signature}"),
        format!("{address}?e={expires}&v={}&s={signature}", version.parse::<u32>().unwrap() + 1),
        format!("{address}?e={expires}&v={version}&s={}", signature.chars().rev().collect::<String>()),
        format!("{address}?e={expires}&v={version}&s="),
        format!("{address}?e={expires}&v={version}"),
        format!("{address}?e=x&v={version}&s={signature}"),
        address.to_owned(),
        url.replace("thumb-320", "original"),
    ] {
        assert_eq!(web.get(&altered).await.refusal(), (403, "bad-signature".into()), "{altered}");
    }
    for nowhere in [url.replace(&media.id.to_string(), "0zzzzzzzzzzzz"), url.replace("thumb-320", "..")] {
        assert_eq!(web.get(&nowhere).await.status, 404, "{nowhere}");
    }
    assert_eq!(web.get(&url).await.status, 200, "the real one still does");
}

#[tokio::test]
async fn a_download_handle_ends_and_a_fresh_one_can_be_had() {
    let heim = Standalone::with(&[("limits.download_handle_s", "4")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let media = finished(&ana, id).await;
    let (web, view, database) = (Web::default(), transcoding(&media, "thumb-320"), heim.database().await);
    let now = async || database.now().await.expect("the database answers").0;
    let (expires, mut last) = (view.expires * 1_000, 0);
    let refused = heim_tests::until::until("the handle has expired", async || {
        let asked = now().await;
        let got = web.get(&view.url).await;
        if got.status == 200 {
            assert!(asked < expires, "served after its end");
            last = asked;
            return None;
        }
        assert!(now().await >= expires, "refused before its end: {got:?}");
        Some(got)
    });
    assert_eq!(refused.await.refusal(), (403, "handle-expired".into()));
    assert!(last >= expires - 1_000, "served in its last second: {} ms before", expires - last);
    let fresh = ana.media(id).await;
    assert_eq!(web.get(&transcoding(&fresh, "thumb-320").url).await.status, 200);
}
