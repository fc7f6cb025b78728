//! Whoever holds `admin.token`, and whoever enters a private room.

use heim_tests::{
    client::{Client, Entrance},
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The API's token in deployments that are started with [`API`].
pub(crate) const TOKEN: &str = "the token of the operators of these tests";
/// The setting of a deployment that has the API.
pub(crate) const API: (&str, &str) = ("admin.token", TOKEN);

/// The setting of a deployment that has private rooms, where it makes no master
/// key by itself.
pub(crate) const MASTER: (&str, &str) =
    ("keys.master", "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90");

/// An operator of the deployment at an address.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    base: String,
    web: Web,
}

impl Operator {
    /// Of the deployment at this address.
    pub(crate) fn of(base: &str) -> Self {
        Self { base: base.to_owned(), web: Web::default() }
    }

    /// Calls the API at a path below `/api/v1/rooms/`.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let url = format!("{}/api/v1/rooms/{path}", self.base);
        answer(self.web.request(method, &url).bearer_auth(TOKEN).json(body)).await
    }

    /// Asks for a private room with this passcode; returns the status.
    pub(crate) async fn put_private(&self, room: &str, passcode: &str) -> u16 {
        self.ask(Method::PUT, room, &json!({ "private": true, "passcode": passcode })).await.status
    }

    /// Makes a private room.
    pub(crate) async fn make_private(&self, room: &str, passcode: &str) {
        assert_eq!(self.put_private(room, passcode).await, 201, "{room}");
    }

    /// Gives a private room another passcode.
    pub(crate) async fn change_passcode(&self, room: &str, passcode: &str) {
        assert_eq!(self.put_private(room, passcode).await, 200, "{room}");
    }

    /// Makes an agent a manager of a room.
    pub(crate) async fn make_manager(&self, room: &str, agent: &str) {
        let made = self.ask(Method::PUT, &format!("{room}/managers/{agent}"), &json!({})).await;
        assert_eq!(made.status, 204, "{made:?}");
    }

    /// Deletes a message.
    pub(crate) async fn delete_message(&self, room: &str, id: &str) {
        let deleted = self.ask(Method::DELETE, &format!("{room}/messages/{id}"), &json!({})).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
    }

    /// Deletes a room.
    pub(crate) async fn delete_room(&self, room: &str) {
        let deleted = self.ask(Method::DELETE, room, &json!({})).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
    }

    /// Gives a private room a new key.
    pub(crate) async fn rotate_key(&self, room: &str) {
        let made = self.ask(Method::POST, &format!("{room}/keys"), &json!({})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
}

/// Comes to a private room, says the passcode, and takes a nick.
pub(crate) async fn admitted(base: &str, room: &str, passcode: &str, entrance: Entrance, nick: &str) -> Client {
    let client = Client::connect(base, room, entrance).await.unwrap_or_else(|refused| panic!("{room}: {refused:?}"));
    client.event("bounce-event").await;
    let auth = client.command("auth", json!({ "type": "passcode", "passcode": passcode })).await;
    assert_eq!(auth, json!({ "success": true }), "{room}");
    client.event("snapshot-event").await;
    client.command("nick", json!({ "name": nick })).await;
    client
}
