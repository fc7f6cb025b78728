//! Hooks and workers' calls that are not to be trusted, or not to be read.

use crate::aftermath::{Scene, still_serves};
use heim_common::media::MediaState;
use heim_tests::{
    corpus,
    sharing::finished,
    standalone::{HOOKS, Standalone},
    truth,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

const UNKNOWN: &str = "0zzzzzzzzzzzz";

/// Every call that needs credentials, with a body that it would understand.
fn calls() -> Vec<(String, Value)> {
    let transcoded = json!({ "media_id": UNKNOWN, "name": "thumb-320", "content_type": "image/webp", "size": 1 });
    let uploaded = json!({ "content_type": "image/png", "size": 1, "sha256": "00" });
    vec![
        ("/room/welcome/media".to_owned(), transcoded),
        (format!("/room/welcome/media/{UNKNOWN}/uploaded"), uploaded),
        (format!("/store/jobs/{UNKNOWN}/claim"), json!({ "worker": "w", "engine": 1 })),
        (format!("/store/jobs/{UNKNOWN}/heartbeat"), json!({ "fence": 1 })),
        (format!("/store/jobs/{UNKNOWN}/finish"), json!({ "fence": 1, "verdict": "done" })),
    ]
}

async fn post(heim: &Standalone, path: &str, credentials: Option<(&str, &str)>, kind: &str, body: String) -> Answer {
    let request = Web::default().request(Method::POST, &format!("{}{path}", heim.base()));
    let request = request.header("content-type", kind).body(body);
    answer(match credentials {
        Some((key, secret)) => request.basic_auth(key, Some(secret)),
        None => request,
    })
    .await
}

#[tokio::test]
async fn a_hook_without_credentials() {
    let scene = Scene::new().await;
    for (path, body) in calls() {
        let refused = post(&scene.heim, &path, None, "application/json", body.to_string()).await;
        assert_eq!(refused.refusal(), (401, "authorization-required".into()), "{path}");
        assert!(refused.header("www-authenticate").starts_with("Basic "), "{path}");
        // Not even the body is looked at.
        let refused = post(&scene.heim, &path, None, "text/plain", "?".repeat(1 << 20)).await;
        assert_eq!(refused.status, 401, "{path}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_hook_with_wrong_credentials() {
    let scene = Scene::new().await;
    for (path, body) in calls() {
        for wrong in [(HOOKS.0, "a secret of the hook"), ("workes", HOOKS.1), ("", ""), (HOOKS.1, HOOKS.0)] {
            let refused = post(&scene.heim, &path, Some(wrong), "application/json", body.to_string()).await;
            assert_eq!(refused.refusal(), (403, "forbidden".into()), "{path} {wrong:?}");
        }
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_hook_about_an_unknown_media_object_or_job() {
    let scene = Scene::new().await;
    for (path, body) in calls() {
        let refused = post(&scene.heim, &path, Some(HOOKS), "application/json", body.to_string()).await;
        let expected = match path.rsplit('/').next() {
            Some("claim") => (409, "not-yours"),
            Some("heartbeat" | "finish") => (409, "lease-lost"),
            _ => (404, "media-not-found"),
        };
        assert_eq!((refused.status, refused.code().as_str()), expected, "{path}");
    }
    let garbage = post(&scene.heim, "/store/jobs/x..y/claim", Some(HOOKS), "application/json", "{}".to_owned()).await;
    assert!([400, 404].contains(&garbage.status), "{garbage:?}");
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_hook_that_is_not_json() {
    let scene = Scene::new().await;
    for (path, body) in calls() {
        let other_type = post(&scene.heim, &path, Some(HOOKS), "text/plain", body.to_string()).await;
        assert_eq!(other_type.refusal(), (400, "invalid-json".into()), "{path}");
        for broken in ["", "{", "null", "[]", "\u{1}", r#"{"media_id":5}"#, &"[".repeat(10_000)] {
            let refused = post(&scene.heim, &path, Some(HOOKS), "application/json", broken.to_owned()).await;
            assert_eq!(refused.refusal(), (400, "invalid-json".into()), "{path} {broken:.20}");
        }
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
        let refused = post(&scene.heim, &path, Some(HOOKS), "application/json", long).await;
        assert_eq!(refused.refusal(), (413, "too-large".into()), "{path}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_transcoding_of_which_nothing_is_stored() {
    let scene = Scene::new().await;
    let upload = Web::default().upload(&scene.handle, corpus::read(corpus::SMALL)).await;
    assert_eq!(upload.status, 201);
    assert_eq!(finished(&scene.ana, scene.handle.id).await.state, MediaState::Ready);
    let database = scene.heim.database().await;
    truth::settled(&database).await;
    let before = truth::rows(&database).await;
    for name in ["poster", "thumb-320", "original"] {
        let hook = json!({ "media_id": scene.handle.id, "name": name, "content_type": "image/webp", "size": 5,
            "version": 7 });
        let refused = post(&scene.heim, "/room/welcome/media", Some(HOOKS), "application/json", hook.to_string()).await;
        assert_eq!(refused.refusal(), (400, "bad-request".into()), "{name}");
        let elsewhere = post(&scene.heim, "/room/other/media", Some(HOOKS), "application/json", hook.to_string()).await;
        assert!([400, 404].contains(&elsewhere.status), "{elsewhere:?}");
    }
    let named = json!({ "media_id": scene.handle.id, "name": "../../x", "content_type": "image/webp", "size": 5 });
    let refused = post(&scene.heim, "/room/welcome/media", Some(HOOKS), "application/json", named.to_string()).await;
    assert_eq!(refused.refusal(), (400, "invalid-json".into()));
    assert_eq!(truth::rows(&database).await, before);
    assert_eq!(scene.heim.stored().len(), 5);
    still_serves(scene.heim).await;
}
