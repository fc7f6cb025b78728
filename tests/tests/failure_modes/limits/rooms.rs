//! What one session may ask for and say.

use heim_tests::{
    client::{Client, Entrance},
    packets::Ending,
    standalone::Standalone,
};
use serde_json::{Value, json};

#[tokio::test]
async fn pending_per_agent_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.pending_per_agent", "2")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    for _ in 0..2 {
        ana.upload_handle().await;
    }
    assert_eq!(ana.refused("media-upload", json!({})).await, "too many unfinished uploads");
}

#[tokio::test]
async fn attachments_max_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.attachments_max", "2")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ana.upload_handle().await.id);
    }
    let refused = ana.refused("send", json!({ "content": "", "attachments": ids })).await;
    assert_eq!(refused, "too many attachments");
    assert_eq!(ana.send("", &ids[..2]).await["attachments"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn frame_bytes_max_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.frame_bytes_max", "2000")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let frame = |length: usize| format!("{:<length$}", json!({ "id": "x", "type": "who", "data": {} }).to_string());
    assert!(ana.text(frame(2_000)).await);
    ana.event("who-reply").await;
    ana.command("who", Value::Null).await;
    ana.text(frame(2_001)).await;
    assert_eq!(ana.heard.ending().await, Ending::Cut, "as heim does");
}

#[tokio::test]
async fn sockets_per_agent_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.sockets_per_agent", "2")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let again = || Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() };
    let second = Client::join(heim.base(), "elsewhere", again()).await;
    let refused = Client::connect(heim.base(), "welcome", again()).await.expect_err("two is what there may be");
    assert_eq!((refused.status, refused.code.as_str()), (429, "too-many-sockets"));
    Client::join(heim.base(), "welcome", Entrance::aware()).await;
    second.cut();
    heim_tests::until::until("the place is given back", async || {
        Client::connect(heim.base(), "welcome", again()).await.ok()
    })
    .await;
}
