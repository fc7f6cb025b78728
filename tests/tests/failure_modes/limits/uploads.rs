//! What is uploaded: how large, how much in a day, for how long.

use heim_common::{Millis, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::finished,
    standalone::{HOOKS, Standalone},
    until::until,
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::json;

async fn enter(heim: &Standalone, room: &str, nick: &str) -> Client {
    Client::enter(heim.base(), room, Entrance::aware(), nick).await
}

#[tokio::test]
async fn upload_bytes_max_at_and_past_its_edge() {
    let photo = corpus::read(corpus::SMALL);
    let heim = Standalone::with(&[("limits.upload_bytes_max", &photo.len().to_string())]).await;
    let (ana, web) = (enter(&heim, "welcome", "ana").await, Web::default());
    let longer = [photo.as_slice(), b"x"].concat();
    assert_eq!(web.upload(&ana.upload_handle().await, longer).await.refusal(), (413, "too-large".into()));
    ana.command("media-upload", json!({ "size": photo.len() })).await;
    assert_eq!(ana.refused("media-upload", json!({ "size": photo.len() + 1 })).await, "media too large");
    let handle = ana.upload_handle().await;
    assert_eq!(web.upload(&handle, photo).await.status, 201);
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
}

#[tokio::test]
async fn pixels_max_at_and_past_its_edge() {
    for (most, expected) in [(1_800 * 1_200, MediaState::Ready), (1_800 * 1_200 - 1, MediaState::Failed)] {
        let heim = Standalone::with(&[("limits.pixels_max", &most.to_string())]).await;
        let ana = enter(&heim, "welcome", "ana").await;
        let handle = ana.upload_handle().await;
        assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SMALL)).await.status, 201);
        ana.send("look", &[handle.id]).await;
        assert_eq!(finished(&ana, handle.id).await.state, expected, "{most}");
    }
}

#[tokio::test]
async fn upload_handle_s_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.upload_handle_s", "5")]).await;
    let (ana, web) = (enter(&heim, "welcome", "ana").await, Web::default());
    let (early, late) = (ana.upload_handle().await, ana.upload_handle().await);
    assert_eq!(web.upload(&early, corpus::read(corpus::SMALL)).await.status, 201);
    let database = heim.database().await;
    until("the other handle has expired", async || {
        let Millis(now) = database.now().await.unwrap();
        (now / 1000 >= late.expires).then_some(())
    })
    .await;
    let refused = web.upload(&late, corpus::read(corpus::SMALL)).await;
    assert_eq!(refused.refusal(), (403, "handle-expired".into()));
}

#[tokio::test]
async fn json_bytes_max_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.json_bytes_max", "1000")]).await;
    let url = format!("{}/room/welcome/media", heim.base());
    let hook = json!({ "media_id": "0zzzzzzzzzzzz", "name": "thumb-320", "content_type": "image/webp", "size": 1, "version": 1, "uri": "x" });
    for (length, expected) in [(1_000, false), (1_001, true)] {
        let body = format!("{hook:<length$}", hook = hook.to_string());
        assert_eq!(body.len(), length);
        let request = Web::default().request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1));
        let refused = answer(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(refused.refusal() == (413, "too-large".into()), expected, "{length}: {refused:?}");
    }
}

#[tokio::test]
async fn bytes_per_agent_day_at_and_past_its_edge() {
    let photo = corpus::read(corpus::SMALL);
    let (one, two) = (photo.len().to_string(), (2 * photo.len()).to_string());
    let heim = Standalone::with(&[("limits.upload_bytes_max", &one), ("limits.bytes_per_agent_day", &two)]).await;
    let (ana, ben) = (enter(&heim, "welcome", "ana").await, enter(&heim, "welcome", "ben").await);
    day(&heim, [&ana, &ana, &ana], &ben).await;
}

#[tokio::test]
async fn bytes_per_room_day_at_and_past_its_edge() {
    let photo = corpus::read(corpus::SMALL);
    let (one, two) = (photo.len().to_string(), (2 * photo.len()).to_string());
    let heim = Standalone::with(&[("limits.upload_bytes_max", &one), ("limits.bytes_per_room_day", &two)]).await;
    let (ana, ben) = (enter(&heim, "welcome", "ana").await, enter(&heim, "welcome", "ben").await);
    let elsewhere = enter(&heim, "elsewhere", "ana").await;
    day(&heim, [&ana, &ben, &ana], &elsewhere).await;
}

/// Two pictures are a day's worth: the third is refused, and one that counts
/// elsewhere is not.
async fn day(heim: &Standalone, clients: [&Client; 3], free: &Client) {
    let (web, photo) = (Web::default(), corpus::read(corpus::SMALL));
    let mut handles = Vec::new();
    for client in clients {
        handles.push(client.upload_handle().await);
    }
    for handle in &handles[..2] {
        assert_eq!(web.upload(handle, photo.clone()).await.status, 201);
    }
    let refused = web.upload(&handles[2], photo.clone()).await;
    assert_eq!(refused.refusal(), (429, "quota-exceeded".into()));
    let seconds: u64 = refused.header("retry-after").parse().expect("a number of seconds");
    assert!((86_000..=86_400).contains(&seconds), "until the first of them is a day old: {seconds}");
    assert_eq!(clients[2].refused("media-upload", json!({})).await, "too much was uploaded today");
    let handle = free.upload_handle().await;
    assert_eq!(web.upload(&handle, photo).await.status, 201);
    finished(free, handle.id).await;
    until("nothing is stored of what was refused", async || (heim.stored().len() == 15).then_some(())).await;
}
