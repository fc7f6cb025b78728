//! Upload handles that are no longer good, or never were.

use crate::aftermath::{Scene, still_serves};
use heim_common::{Millis, job::Reason, media::MediaState, wire::UploadHandle};
use heim_tests::{
    corpus, truth,
    until::until,
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::json;

fn token(handle: &UploadHandle) -> String {
    handle.headers["Authorization"][0].strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

fn with_token(handle: &UploadHandle, token: &str) -> UploadHandle {
    let mut altered = handle.clone();
    altered.headers.insert("Authorization".to_owned(), vec![format!("Bearer {token}")]);
    altered
}

#[tokio::test]
async fn an_expired_handle() {
    let scene = Scene::with(&[("limits.upload_handle_s", "1")]).await;
    let database = scene.heim.database().await;
    until("the handle has expired", async || {
        let Millis(now) = database.now().await.unwrap();
        (now / 1000 >= scene.handle.expires).then_some(())
    })
    .await;
    let refused = Web::default().upload(&scene.handle, corpus::read(corpus::SMALL)).await;
    assert_eq!(refused.refusal(), (403, "handle-expired".into()));
    assert!(scene.heim.stored().is_empty());
    assert_eq!(truth::rows(&database).await.lines().count(), 1, "until the sweep sees that it expired");
}

/// Nobody is told that it is in who tries again because the answer was lost.
#[tokio::test]
async fn a_handle_whose_upload_was_refused_for_good() {
    let scene = Scene::new().await;
    let (web, id) = (Web::default(), scene.handle.id);
    scene.ana.send("look", &[id]).await;
    let refused = web.upload(&scene.handle, "no picture, and long enough to be known for none").await;
    assert_eq!(refused.refusal(), (415, "type-not-allowed".into()));
    for _ in 0..2 {
        let again = web.upload(&scene.handle, corpus::read(corpus::SMALL)).await;
        assert_eq!(again.refusal(), (403, "handle-expired".into()));
    }
    let media = scene.ana.media(id).await;
    assert_eq!((media.state, media.failure.as_deref()), (MediaState::Failed, Some(Reason::UnsupportedType.sentence())));
    assert!(scene.heim.stored().is_empty());
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn an_altered_handle() {
    let scene = Scene::new().await;
    let (web, photo) = (Web::default(), corpus::read(corpus::SMALL));
    let token = token(&scene.handle);
    let parts: Vec<_> = token.splitn(3, '.').collect();
    let [expires, size, signature] = parts[..] else { panic!("{token}") };
    let later = expires.parse::<i64>().unwrap() + 1;
    let reversed: String = signature.chars().rev().collect();
    for altered in [
        format!("{later}.{size}.{signature}"),
        format!("{expires}.9{size}.{signature}"),
        format!("{expires}.{size}.{reversed}"),
        format!("{expires}.{size}."),
        format!("{expires}.{size}.{signature}A"),
        signature.to_owned(),
        "..".to_owned(),
        "x".repeat(4_000),
    ] {
        let refused = web.upload(&with_token(&scene.handle, &altered), photo.clone()).await;
        assert_eq!(refused.refusal(), (403, "bad-signature".into()), "{altered}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_handle_for_something_else() {
    let scene = Scene::new().await;
    let other = scene.ana.upload_handle().await;
    let refused = Web::default().upload(&with_token(&scene.handle, &token(&other)), corpus::read(corpus::SMALL)).await;
    assert_eq!(refused.refusal(), (403, "bad-signature".into()));
    assert!(scene.heim.stored().is_empty());
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn a_handle_without_its_secret() {
    let scene = Scene::new().await;
    let web = Web::default();
    for authorization in ["", "Basic YTpi", "Bearer"] {
        let request = web.request(Method::PUT, &scene.handle.url).header("Authorization", authorization);
        let refused = answer(request.body(corpus::read(corpus::SMALL))).await;
        assert_eq!(refused.refusal(), (401, "authorization-required".into()), "{authorization:?}");
    }
    let bare = answer(web.request(Method::PUT, &scene.handle.url).body(corpus::read(corpus::SMALL))).await;
    assert_eq!(bare.refusal(), (401, "authorization-required".into()));
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn another_method_than_the_handles() {
    let scene = Scene::new().await;
    let web = Web::default();
    for method in [Method::POST, Method::GET, Method::DELETE, Method::PATCH] {
        let refused = answer(web.request(method.clone(), &scene.handle.url)).await;
        assert_eq!(refused.refusal(), (405, "method-not-allowed".into()), "{method}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn an_unknown_media_object() {
    let scene = Scene::new().await;
    let web = Web::default();
    let url = |id: &str| format!("{}/media/{id}", scene.heim.base());
    let photo = corpus::read(corpus::SMALL);
    for id in ["0zzzzzzzzzzzz", "..%2f..", "%00", "zzzzzzzzzzzzzzzzzzzzzzzzzz"] {
        let handle = UploadHandle { url: url(id), ..scene.handle.clone() };
        let refused = web.upload(&handle, photo.clone()).await;
        let expected = if id.len() == 13 { (403, "bad-signature".into()) } else { (404, "media-not-found".into()) };
        assert_eq!(refused.refusal(), expected, "{id}");
        let refused = web.get(&format!("{}/thumb-320?e=1&v=1&s=x", url(id))).await;
        assert_eq!(refused.refusal(), (404, "media-not-found".into()), "{id}");
    }
    for id in ["0zzzzzzzzzzzz", "", "../..", "zzzzzzzzzzzzzzzzzzzzzzzzzz"] {
        assert_eq!(scene.ana.refused("get-media", json!({ "id": id })).await, "media not found", "{id}");
        let send = json!({ "content": "", "attachments": [id] });
        assert_eq!(scene.ana.refused("send", send).await, "media not found", "{id}");
    }
    assert_eq!(scene.ana.command("log", json!({ "n": 10 })).await["log"], json!([]), "no half of a message");
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn too_many_handles_and_too_many_attachments() {
    let scene = Scene::with(&[("limits.pending_per_agent", "3"), ("limits.attachments_max", "2")]).await;
    let mut ids = vec![scene.handle.id];
    for _ in 0..2 {
        ids.push(scene.ana.upload_handle().await.id);
    }
    assert_eq!(scene.ana.refused("media-upload", json!({})).await, "too many unfinished uploads");
    let refused = scene.ana.refused("send", json!({ "content": "", "attachments": ids })).await;
    assert_eq!(refused, "too many attachments");
    assert_eq!(scene.ana.send("", &ids[..2]).await["attachments"].as_array().unwrap().len(), 2);
    assert_eq!(truth::rows(&scene.heim.database().await).await.lines().count(), 3);
    still_serves(scene.heim).await;
}
