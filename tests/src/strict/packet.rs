//! heim's packets as types that say no. Every field that heim always sends is
//! required; one that it leaves out when it is empty must not be `null`.

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

/// heim's ids: base 36, thirteen digits. Clients keep them as signed numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Snowflake(u64);

impl TryFrom<String> for Snowflake {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = text.len() == 13 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'));
        let number = u64::from_str_radix(&text, 36).ok().filter(|number| i64::try_from(*number).is_ok());
        number.filter(|_| is_plain).map(Self).ok_or_else(|| format!("`{text}` is no id"))
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct SessionView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) server_id: String,
    pub(super) server_era: String,
    pub(super) session_id: String,
    #[serde(default)]
    is_staff: bool,
    #[serde(default)]
    is_manager: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Message {
    pub(super) id: Snowflake,
    #[serde(default, deserialize_with = "given")]
    parent: Option<Snowflake>,
    #[serde(default, deserialize_with = "given")]
    previous_edit_id: Option<Snowflake>,
    time: i64,
    sender: SessionView,
    pub(super) content: String,
    #[serde(default, deserialize_with = "given")]
    encryption_key_id: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    edited: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) deleted: Option<i64>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Edit {
    edit_id: Snowflake,
    #[serde(flatten)]
    pub(super) message: Message,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Nick {
    pub(super) session_id: String,
    id: String,
    from: String,
    pub(super) to: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Network {
    Partition,
}

/// What comes to sessions that have sent the commands of a client in a room.
/// A type that is not here is one that stock heim would not have sent.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub(super) enum Packet {
    HelloEvent {
        id: String,
        session: SessionView,
        room_is_private: bool,
        version: String,
    },
    PingEvent {
        time: i64,
        next: i64,
    },
    SnapshotEvent {
        identity: String,
        session_id: String,
        version: String,
        listing: Vec<SessionView>,
        log: Vec<Message>,
        #[serde(default, deserialize_with = "given")]
        nick: Option<String>,
    },
    BounceEvent {
        reason: String,
    },
    DisconnectEvent {
        reason: String,
    },
    JoinEvent(SessionView),
    PartEvent(SessionView),
    NetworkEvent {
        #[serde(rename = "type")]
        kind: Network,
        server_id: String,
        server_era: String,
    },
    NickEvent(Nick),
    SendEvent(Message),
    EditMessageEvent(Edit),
    AuthReply {
        success: bool,
        #[serde(default, deserialize_with = "given")]
        reason: Option<String>,
    },
    PingReply {
        #[serde(deserialize_with = "Option::deserialize")]
        time: Option<i64>,
    },
    NickReply(Nick),
    SendReply(Message),
    EditMessageReply(Edit),
    GetMessageReply(Message),
    LogReply {
        log: Vec<Message>,
        #[serde(default, deserialize_with = "given")]
        before: Option<Snowflake>,
    },
    WhoReply {
        listing: Vec<SessionView>,
    },
    /// A command was refused. Not a type: told by the envelope's `error`.
    #[serde(skip)]
    Refused,
}

/// Replies that say no have no data, and may answer whatever was asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(default, deserialize_with = "given", rename = "id")]
    _id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    data: Value,
    #[serde(default, deserialize_with = "given")]
    error: Option<String>,
    #[serde(default, rename = "throttled")]
    _throttled: IgnoredAny,
    #[serde(default, rename = "throttled_reason")]
    _throttled_reason: IgnoredAny,
}

/// What a packet says; panics if it is not one of heim's.
pub(super) fn read(packet: &Value) -> Packet {
    let envelope = Envelope::deserialize(packet).unwrap_or_else(|error| panic!("{error}: {packet}"));
    if envelope.error.is_some() {
        assert!(envelope.data.is_null() && envelope.kind.ends_with("-reply"), "{packet}");
        return Packet::Refused;
    }
    Packet::deserialize(packet).unwrap_or_else(|error| panic!("{error}: {packet}"))
}

/// For fields that are left out when they are empty: `null` is not nothing.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::panic::catch_unwind;

    fn is_understood(packet: &Value) -> bool {
        catch_unwind(|| read(packet)).is_ok()
    }

    fn message() -> Value {
        let sender = json!({ "id": "bot:x", "name": "", "server_id": "s", "server_era": "e", "session_id": "i" });
        json!({ "id": "0c1ofyhbwak1s", "time": 1, "sender": sender, "content": "", "edited": null, "deleted": null,
            "attachments": [{ "id": "0c1ofyhbwak1s" }] })
    }

    #[test]
    fn what_heim_sends_is_understood_and_fields_it_does_not_know_are_passed_over() {
        assert!(is_understood(&json!({ "type": "send-event", "data": message() })));
        assert!(is_understood(&json!({ "id": "1", "type": "send-reply", "data": null, "error": "invalid parent ID" })));
        assert!(is_understood(&json!({ "type": "ping-event", "data": { "time": 1, "next": 31 } })));
    }

    #[test]
    fn everything_else_is_not() {
        for kind in ["media-upload-event", "media-upload-reply", "get-media-reply", "nonsense"] {
            assert!(!is_understood(&json!({ "type": kind, "data": {} })), "{kind}");
        }
        assert!(!is_understood(&json!({ "type": "ping-event", "data": { "time": 1.5, "next": 31 } })));
        assert!(!is_understood(&json!({ "type": "ping-event", "data": { "time": 1, "next": 31 }, "media": true })));
        assert!(!is_understood(&json!({ "type": "log-reply", "data": { "log": null } })));
        for (field, wrong) in [
            ("id", json!("c1ofyhbwak1s")),
            ("time", json!(null)),
            ("time", json!("1")),
            ("parent", json!(null)),
            ("parent", json!("")),
            ("content", json!(null)),
            ("sender", json!({})),
        ] {
            let mut data = message();
            data[field] = wrong.clone();
            assert!(!is_understood(&json!({ "type": "send-event", "data": data })), "{field}: {wrong}");
        }
        for field in ["edited", "deleted", "content", "sender"] {
            let mut data = message();
            data.as_object_mut().expect("a message has fields").remove(field);
            assert!(!is_understood(&json!({ "type": "send-event", "data": data })), "without {field}");
        }
    }
}
