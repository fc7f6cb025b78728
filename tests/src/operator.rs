//! Whoever holds `admin.token`: makes private rooms, changes passcodes, deletes.

use crate::web::{Answer, Web, answer};
use reqwest::Method;
use serde_json::{Value, json};

/// An operator of the deployment at an address.
#[derive(Clone, Debug)]
pub struct Operator {
    base: String,
    token: String,
    web: Web,
}

impl Operator {
    /// Of the deployment at this address, with this token.
    #[must_use]
    pub fn new(base: &str, token: &str) -> Self {
        Self { base: base.to_owned(), token: token.to_owned(), web: Web::default() }
    }

    /// Calls the API at a path below `/api/v1/rooms/`.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let url = format!("{}/api/v1/rooms/{path}", self.base);
        answer(self.web.request(method, &url).bearer_auth(&self.token).json(body)).await
    }

    /// Asks for a private room with this passcode; returns the status.
    pub async fn put_private(&self, room: &str, passcode: &str) -> u16 {
        self.ask(Method::PUT, room, &json!({ "private": true, "passcode": passcode })).await.status
    }

    /// Makes a private room.
    pub async fn make_private(&self, room: &str, passcode: &str) {
        assert_eq!(self.put_private(room, passcode).await, 201, "{room}");
    }

    /// Gives a private room another passcode.
    pub async fn change_passcode(&self, room: &str, passcode: &str) {
        assert_eq!(self.put_private(room, passcode).await, 200, "{room}");
    }

    /// Makes an agent a manager of a room.
    pub async fn make_manager(&self, room: &str, agent: &str) {
        let made = self.ask(Method::PUT, &format!("{room}/managers/{agent}"), &json!({})).await;
        assert_eq!(made.status, 204, "{made:?}");
    }

    /// Deletes a message.
    pub async fn delete_message(&self, room: &str, id: &str) {
        let deleted = self.ask(Method::DELETE, &format!("{room}/messages/{id}"), &json!({})).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
    }

    /// Deletes a room.
    pub async fn delete_room(&self, room: &str) {
        let deleted = self.ask(Method::DELETE, room, &json!({})).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
    }

    /// Gives a private room a new key.
    pub async fn rotate_key(&self, room: &str) {
        let made = self.ask(Method::POST, &format!("{room}/keys"), &json!({})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
}
