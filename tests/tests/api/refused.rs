//! What the API refuses: by whom, and what was asked for.

use crate::start;
use heim_tests::{
    client::{Client, Entrance},
    keyed::TOKEN,
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn nobody_comes_in_without_the_token() {
    let (heim, _) = start(&[]).await;
    let web = Web::default();
    for path in ["overview", "jobs", "rooms/welcome/media/0c1oft7ew7ojk", "nothing"] {
        let url = format!("{}/api/v1/{path}", heim.base());
        let none = web.get(&url).await;
        assert_eq!(none.refusal(), (401, "authorization-required".to_owned()), "{path}");
        assert!(none.header("www-authenticate").starts_with("Bearer"), "{path}");
        for wrong in ["x", &TOKEN[1..], &format!("{TOKEN} ")[..3]] {
            let refused = answer(web.request(Method::GET, &url).bearer_auth(wrong)).await;
            assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused_by_name_and_nothing_is_done() {
    let (heim, operator) = start(&[]).await;
    Client::join(heim.base(), "welcome", Entrance::default()).await;
    for (method, path, named) in [
        (Method::GET, "jobs?stat=failed", "stat"),
        (Method::GET, "jobs?state=bored", "bored"),
        (Method::GET, "jobs?room=Not_A_Room", "room"),
        (Method::GET, "jobs?limit=1001", "limit"),
        (Method::GET, "jobs?worker=a%00b", "worker"),
        (Method::GET, "audit?before=x", "before"),
        (Method::GET, "usage?by=planet", "planet"),
        (Method::GET, "usage?by=agent&name=welcome", "name"),
        (Method::GET, "orphans?after=", "after"),
        (Method::GET, "rooms?after=A", "after"),
        (Method::GET, "overview?now=1", "now"),
        (Method::DELETE, "rooms/welcome?dry_run=true", "dry_run"),
        (Method::POST, "lanes/all/pause?dryrun=true", "dryrun"),
        (Method::POST, "workers/all/drain?dry_run=1", "dry_run"),
        (Method::POST, "jobs/retry", "all=true"),
        (Method::POST, "jobs/discard?dry_run=false", "all=true"),
        (Method::POST, "jobs/forget", "all=true"),
        (Method::POST, "jobs/retry?all=true&lane=bulk", "both"),
    ] {
        let refused = operator.call(method.clone(), path).await;
        assert_eq!(refused.refusal(), (400, "bad-request".to_owned()), "{method} {path}");
        let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(named), "{method} {path}: {detail}");
    }
    assert_eq!(operator.look("rooms/welcome").await["name"], "welcome", "it is still there");
    let lanes = operator.look("lanes").await;
    assert!(lanes["lanes"].as_array().expect("lanes").iter().all(|lane| lane["paused_since"].is_null()), "{lanes}");
    assert_eq!(operator.look("audit").await["audit"], json!([]), "and nothing was begun");
}

#[tokio::test]
async fn bodies_are_as_strict() {
    let (heim, operator) = start(&[]).await;
    Client::join(heim.base(), "welcome", Entrance::default()).await;
    let agent = "agent:9fX19fX19fU=";
    for (path, body, code) in [
        ("purge", json!({}), "invalid-json"),
        ("purge", json!({ "media": "0c1oft7ew7ojk", "room": "welcome" }), "invalid-json"),
        ("purge", json!({ "everything": true }), "invalid-json"),
        ("purge", json!({ "sha256": "12" }), "bad-request"),
        ("purge", json!({ "agent": "ana" }), "bad-request"),
        ("orphans/remove", json!({ "all": false }), "bad-request"),
        ("orphans/remove", json!({ "names": [] }), "bad-request"),
        ("orphans/remove", json!({ "names": ["a\u{0}"] }), "bad-request"),
        ("rooms/welcome/media", json!({}), "invalid-json"),
        ("rooms/welcome/media", json!({ "agent": "ana" }), "bad-request"),
        ("rooms/welcome/media", json!({ "agent": agent, "dry_run": true }), "invalid-json"),
        ("rooms/welcome/media", json!({ "agent": agent, "nick": "a".repeat(37) }), "bad-request"),
        ("rooms/welcome/media", json!({ "agent": agent, "size": -1 }), "invalid-json"),
    ] {
        let refused = answer(operator.request(Method::POST, path).json(&body)).await;
        assert_eq!(refused.refusal(), (400, code.to_owned()), "{path} {body}");
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{path} {body}");
    }
    let no_json = answer(operator.request(Method::POST, "purge").body("media=0c1oft7ew7ojk")).await;
    assert_eq!(no_json.refusal(), (400, "invalid-json".to_owned()));
    let long = json!({ "agent": agent, "name": "x".repeat(70_000) });
    let long = answer(operator.request(Method::POST, "rooms/welcome/media").json(&long)).await;
    assert_eq!(long.refusal(), (413, "too-large".to_owned()));
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let (heim, operator) = start(&[]).await;
    Client::join(heim.base(), "welcome", Entrance::default()).await;
    let wish = json!({ "agent": "agent:9fX19fX19fU=" });
    for (method, path, body, code) in [
        (Method::GET, "jobs/0c1oft7ew7ojk", Value::Null, "not-found"),
        (Method::GET, "jobs/x", Value::Null, "not-found"),
        (Method::POST, "jobs/0c1oft7ew7ojk/retry", Value::Null, "not-found"),
        (Method::POST, "lanes/fast/pause", Value::Null, "not-found"),
        (Method::POST, "workers/nobody/pause", Value::Null, "not-found"),
        (Method::POST, "workers/%00/pause", Value::Null, "not-found"),
        (Method::GET, "rooms/nowhere/media/0c1oft7ew7ojk", Value::Null, "room-not-found"),
        (Method::GET, "rooms/welcome/media/0c1oft7ew7ojk", Value::Null, "media-not-found"),
        (Method::DELETE, "rooms/nowhere/media/0c1oft7ew7ojk", Value::Null, "room-not-found"),
        (Method::DELETE, "rooms/welcome/media/x", Value::Null, "media-not-found"),
        (Method::POST, "rooms/nowhere/media", wish, "room-not-found"),
        (Method::POST, "purge", json!({ "media": "0c1oft7ew7ojk" }), "media-not-found"),
        (Method::POST, "orphans/remove", json!({ "names": ["media/nothing"] }), "not-found"),
    ] {
        let request = operator.request(method.clone(), path);
        let request = if body.is_null() { request } else { request.json(&body) };
        assert_eq!(answer(request).await.refusal(), (404, code.to_owned()), "{method} {path}");
    }
}
