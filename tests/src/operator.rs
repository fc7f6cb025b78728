//! Whoever holds `admin.token`: calls the HTTP API.

use crate::{
    keyed::TOKEN,
    web::{Answer, Web, answer},
};
use reqwest::{Method, RequestBuilder};
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

    /// Of the deployment at this address, with the token that tests give theirs.
    #[must_use]
    pub fn of(base: &str) -> Self {
        Self::new(base, TOKEN)
    }

    /// Where the deployment is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The request at a path below `/api/v1/`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.web.request(method, &format!("{}/api/v1/{path}", self.base)).bearer_auth(&self.token)
    }

    /// Calls the API at a path below `/api/v1/`, without a body.
    pub async fn call(&self, method: Method, path: &str) -> Answer {
        answer(self.request(method, path)).await
    }

    /// Looks at what is at a path below `/api/v1/`.
    pub async fn look(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// Calls the API at a path below `/api/v1/rooms/`.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        answer(self.request(method, &format!("rooms/{path}")).json(body)).await
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
