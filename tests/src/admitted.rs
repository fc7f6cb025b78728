//! Comes into private rooms.

use crate::client::{Client, Entrance};
use serde_json::{Value, json};

/// Comes to a private room, and waits until it is asked for the passcode.
pub async fn knock(base: &str, room: &str, entrance: Entrance) -> Client {
    let client = Client::connect(base, room, entrance).await.expect("everybody may knock");
    assert_eq!(client.event("bounce-event").await, json!({ "reason": "authentication required" }));
    client
}

/// Says a passcode; returns what is answered.
pub async fn say(client: &Client, passcode: &str) -> Value {
    client.command("auth", json!({ "type": "passcode", "passcode": passcode })).await
}

/// Comes to a private room, says the passcode, which must be right, and takes a
/// nick.
pub async fn admitted(base: &str, room: &str, passcode: &str, entrance: Entrance, nick: &str) -> Client {
    let client = knock(base, room, entrance).await;
    assert_eq!(say(&client, passcode).await, json!({ "success": true }));
    client.event("snapshot-event").await;
    client.command("nick", json!({ "name": nick })).await;
    client
}
