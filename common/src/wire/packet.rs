//! The envelope of heim's socket packets.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A packet from a client.
#[derive(Clone, Debug, Deserialize)]
pub struct Packet {
    /// Echoed in the reply; absent, `""` and `null` all mean "none".
    #[serde(default)]
    pub id: Option<String>,
    /// The command.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its fields; `None` where the packet had none.
    #[serde(default)]
    pub data: Option<Value>,
}

/// A packet to a client: an event, or the reply to a command.
#[derive(Clone, Debug, Serialize)]
pub struct Reply<T> {
    /// The command's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `…-reply` or `…-event`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The fields; literally `null` in an error reply.
    pub data: Option<T>,
    /// Why the command was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `true` if the reply was held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled: Option<bool>,
    /// Why it was held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_reason: Option<&'static str>,
}

impl<T> Reply<T> {
    /// An event, which has no id.
    pub fn event(kind: &str, data: T) -> Self {
        Self::new(None, kind.to_owned(), Some(data), None)
    }

    /// The reply to a command that was carried out.
    pub fn ok(id: Option<String>, command: &str, data: T) -> Self {
        Self::new(id, format!("{command}-reply"), Some(data), None)
    }

    /// The reply to a command that was refused.
    pub fn refused(id: Option<String>, command: &str, error: impl Into<String>) -> Self {
        Self::new(id, format!("{command}-reply"), None, Some(error.into()))
    }

    /// The same reply, held back for this reason.
    #[must_use]
    pub fn throttled(self, reason: &'static str) -> Self {
        Self { throttled: Some(true), throttled_reason: Some(reason), ..self }
    }

    fn new(id: Option<String>, kind: String, data: Option<T>, error: Option<String>) -> Self {
        Self { id, kind, data, error, throttled: None, throttled_reason: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_replies_have_null_data() {
        let reply = Reply::<()>::refused(Some("1".into()), "send", "invalid parent ID");
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"id":"1","type":"send-reply","data":null,"error":"invalid parent ID"}"#
        );
    }

    #[test]
    fn a_reply_that_was_held_back_says_so() {
        let reply = Reply::ok(None, "who", 1).throttled("why");
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"type":"who-reply","data":1,"throttled":true,"throttled_reason":"why"}"#
        );
    }

    #[test]
    fn wrong_types_in_the_envelope_do_not_parse() {
        assert!(serde_json::from_str::<Packet>(r#"{"id":5,"type":"who"}"#).is_err());
        assert!(serde_json::from_str::<Packet>(r#"{"id":null,"type":"who"}"#).unwrap().id.is_none());
        assert!(serde_json::from_str::<Packet>("[]").is_err());
    }
}
