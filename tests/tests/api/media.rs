//! Media objects of a chat server: made, uploaded, shown and removed by the API.

use crate::{enter, start};
use heim_common::{MediaId, wire::UploadHandle};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    operator::Operator,
    sharing::{NAMES, finished},
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn make(operator: &Operator, room: &str, wish: Value) -> Answer {
    answer(operator.request(Method::POST, &format!("rooms/{room}/media")).json(&wish)).await
}

fn handle(answer: &Answer) -> UploadHandle {
    assert_eq!(answer.status, 201, "{answer:?}");
    serde_json::from_slice(&answer.body).expect("an upload handle")
}

async fn remove(operator: &Operator, room: &str, id: MediaId) -> u16 {
    operator.call(Method::DELETE, &format!("rooms/{room}/media/{id}")).await.status
}

/// Waits until a media object is ready, by the API.
async fn ready(operator: &Operator, room: &str, id: MediaId) -> Value {
    until("the media object is ready", async || {
        let media = operator.look(&format!("rooms/{room}/media/{id}")).await;
        (media["state"] == "ready").then_some(media)
    })
    .await
}

#[tokio::test]
async fn a_chat_server_uploads_for_an_agent() {
    let (heim, operator) = start(&[]).await;
    let (ana, agent) = enter(heim.base(), "welcome", "ana").await;
    let wish = json!({ "agent": agent, "nick": " Ana  Smith ", "name": "photo.png", "content_type": "image/png" });
    let made = make(&operator, "welcome", wish).await;
    let upload = handle(&made);
    assert_eq!(upload.headers["Content-Type"], ["image/png"]);
    let shown = operator.look(&format!("rooms/welcome/media/{}", upload.id)).await;
    assert_eq!(
        (&shown["state"], &shown["uploaded"], &shown["transcodings"]),
        (&json!("created"), &Value::Null, &json!({}))
    );
    assert_eq!(shown["uploader"]["name"], "Ana Smith");

    assert_eq!(Web::default().upload(&upload, corpus::read(corpus::SMALL)).await.status, 201);
    let media = ready(&operator, "welcome", upload.id).await;
    let names: Vec<_> = media["transcodings"].as_object().expect("transcodings").keys().collect();
    assert_eq!(names.len(), NAMES.len(), "{names:?}");
    for (name, made) in media["transcodings"].as_object().expect("transcodings") {
        let bytes = Web::default().get(made["url"].as_str().expect("a URL")).await;
        assert_eq!((bytes.status, &json!(bytes.body.len())), (200, &made["size"]), "{name}");
    }
    // The agent was told as if it had asked by its socket, and sees the same.
    finished(&ana, upload.id).await;
    assert_eq!(ana.command("get-media", json!({ "id": upload.id })).await, media);
    let sent = ana.send("look", &[upload.id]).await;
    assert_eq!(sent["attachments"][0]["id"], json!(upload.id));

    let id = sent["id"].as_str().expect("an id");
    assert_eq!(operator.call(Method::DELETE, &format!("rooms/welcome/messages/{id}")).await.status, 204);
    let gone = operator.call(Method::GET, &format!("rooms/welcome/media/{}", upload.id)).await;
    assert_eq!(gone.refusal(), (404, "media-not-found".to_owned()), "what was deleted is nobody's to see");
}

#[tokio::test]
async fn limits_and_quotas_are_those_of_sockets() {
    let photo = corpus::read(corpus::SMALL);
    let one = photo.len() as u64;
    let (max, day) = (one.to_string(), (2 * one - 1).to_string());
    let settings =
        [("limits.pending_per_agent", "2"), ("limits.upload_bytes_max", &max), ("limits.bytes_per_agent_day", &day)];
    let (heim, operator) = start(&settings).await;
    let (ana, agent) = enter(heim.base(), "welcome", "ana").await;
    let wish = |size: u64, kind: &str| json!({ "agent": agent, "size": size, "content_type": kind });
    for (wish, status, code, words) in [
        (wish(one + 1, "image/png"), 413, "too-large", "media too large"),
        (wish(1, "text/html"), 415, "type-not-allowed", "media type not allowed"),
    ] {
        assert_eq!(make(&operator, "welcome", wish.clone()).await.refusal(), (status, code.to_owned()));
        let mut data = wish;
        data.as_object_mut().expect("an object").remove("agent");
        assert_eq!(ana.refused("media-upload", data).await, words);
    }
    // Made here and there, they count together.
    let upload = handle(&make(&operator, "welcome", wish(one, "")).await);
    ana.upload_handle().await;
    let refused = make(&operator, "welcome", wish(1, "")).await;
    assert_eq!(refused.refusal(), (429, "too-many-pending".to_owned()));
    assert_eq!(ana.refused("media-upload", json!({})).await, "too many unfinished uploads");
    assert_eq!(Web::default().upload(&upload, photo).await.status, 201);
    let refused = make(&operator, "welcome", wish(one, "")).await;
    assert_eq!(refused.refusal(), (429, "quota-exceeded".to_owned()));
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((80_000..=86_400).contains(&wait), "until it is a day old: {wait}");
    assert_eq!(make(&operator, "welcome", json!({ "agent": "bot:9fX19fX19fU=", "size": one })).await.status, 201);
    ready(&operator, "welcome", upload.id).await;
}

#[tokio::test]
async fn removing_takes_all_of_it_and_only_from_its_room() {
    let (heim, operator) = start(&[]).await;
    let (ana, agent) = enter(heim.base(), "welcome", "ana").await;
    let (bob, _) = enter(heim.base(), "welcome", "bob").await;
    Client::join(heim.base(), "elsewhere", Entrance::default()).await;
    let upload = handle(&make(&operator, "welcome", json!({ "agent": agent })).await);
    assert_eq!(Web::default().upload(&upload, corpus::read(corpus::SMALL)).await.status, 201);
    let media = ready(&operator, "welcome", upload.id).await;
    let url = media["transcodings"]["original"]["url"].as_str().expect("a URL");
    let message = ana.send("look", &[upload.id]).await;
    bob.event("send-event").await;

    assert_eq!(remove(&operator, "elsewhere", upload.id).await, 204, "there it is not, as was asked for");
    assert_eq!(Web::default().get(url).await.status, 200, "here it is");
    let there = operator.call(Method::GET, &format!("rooms/elsewhere/media/{}", upload.id)).await;
    assert_eq!(there.refusal(), (404, "media-not-found".to_owned()));

    assert_eq!(remove(&operator, "welcome", upload.id).await, 204);
    let edited = bob.event("edit-message-event").await;
    assert_eq!(edited["id"], message["id"], "viewers are told");
    assert!(!edited["deleted"].is_null(), "it showed nothing else: {edited}");
    assert_eq!(Web::default().get(url).await.status, 404);
    assert_eq!(heim.stored(), Vec::<String>::new(), "the bytes are gone");
    let shown = operator.call(Method::GET, &format!("rooms/welcome/media/{}", upload.id)).await;
    assert_eq!(shown.refusal(), (404, "media-not-found".to_owned()));
    assert_eq!(remove(&operator, "welcome", upload.id).await, 204, "again");
    let audit = operator.look("audit").await;
    let purged = audit["audit"].as_array().expect("rows").iter().filter(|row| row["action"] == "purge");
    let purged: Vec<_> = purged.map(|row| (row["subject"].clone(), row["affected"].clone())).collect();
    assert_eq!(purged, [(json!(format!("media={}", upload.id)), json!(1))]);
}

#[tokio::test]
async fn of_a_private_room_neither_the_picture_nor_a_way_to_it_is_shown() {
    let (heim, operator) = start(&[]).await;
    operator.make_private("vault", "sesame").await;
    let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
    let agent = ana.event("hello-event").await["session"]["id"].as_str().expect("an id").to_owned();
    let upload = handle(&make(&operator, "vault", json!({ "agent": agent })).await);
    assert_eq!(Web::default().upload(&upload, corpus::read(corpus::SMALL)).await.status, 201);
    let media = ready(&operator, "vault", upload.id).await;
    let seen = ana.command("get-media", json!({ "id": upload.id })).await;
    assert!(seen["placeholder"].is_string() && seen["description"]["color"].is_string(), "{seen}");
    // The same but for what shows it.
    let mut expected = seen.clone();
    expected.as_object_mut().expect("an object").remove("placeholder");
    expected["description"].as_object_mut().expect("an object").remove("color");
    for (_, made) in expected["transcodings"].as_object_mut().expect("transcodings") {
        let made = made.as_object_mut().expect("an object");
        assert!(made.remove("url").is_some() && made.remove("headers").is_some() && made.remove("expires").is_some());
    }
    assert_eq!(media, expected);
    assert_eq!(remove(&operator, "vault", upload.id).await, 204);
    assert_eq!(heim.stored(), Vec::<String>::new());
}
