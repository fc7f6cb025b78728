//! Names instead of ids and times: `<message 3>` is the third message that is
//! spoken of, on a recorded heim as on our server.
//!
//! An id keeps its name, so a packet that speaks of another message, session or
//! agent than it should is still a difference. What has not the form that heim's
//! ids have gets no name, and is a difference too.

use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    iter,
};

/// Unix times are above this, and the times that clients make up are not.
const TIME_MIN: i64 = 1_000_000_000;
/// What heim promises: the next ping comes within this.
const PING_S: i64 = 30;

/// The names that were given on one side.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_id: HashMap<String, String>,
    counts: BTreeMap<&'static str, u32>,
    /// Ids that a client made up.
    made_up: HashSet<String>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    packet: &'a str,
    inside: &'a str,
    key: &'a str,
}

impl Names {
    /// A packet from the server, with names.
    pub(crate) fn packet(&mut self, packet: &Value) -> Value {
        let kind = packet["type"].as_str().unwrap_or_default();
        let mut named = self.value(Place { packet: kind, inside: "", key: "" }, packet);
        if kind == "ping-event"
            && packet["data"]["next"].as_i64() == packet["data"]["time"].as_i64().map(|t| t + PING_S)
        {
            named["data"]["next"] = format!("<time + {PING_S}>").into();
        }
        named
    }

    /// A text from the client, with names. Ids in it that nobody has told the
    /// client are its own.
    pub(crate) fn sent(&mut self, text: &str) -> String {
        if let Ok(packet) = serde_json::from_str::<Value>(text) {
            let ids = strings(&packet).filter(|text| is_snowflake(text) && !self.by_id.contains_key(*text));
            let ids: Vec<_> = ids.map(str::to_owned).collect();
            self.made_up.extend(ids);
        }
        self.replace(text, |_, name| name.to_owned())
    }

    /// The same text with the ids that `other` has under the same names.
    pub(crate) fn translate(&self, text: &str, other: &Self) -> String {
        self.replace(text, |id, name| {
            let found = other.by_id.iter().find(|(_, other)| *other == name);
            found.map_or_else(
                || panic!("{id} is {name} in the recording, which the replay has not"),
                |(id, _)| id.clone(),
            )
        })
    }

    /// The id that has this name.
    pub(crate) fn id(&self, name: &str) -> &str {
        let found = self.by_id.iter().find(|(_, other)| *other == name);
        found.map_or_else(|| panic!("nothing is called {name}"), |(id, _)| id)
    }

    fn replace(&self, text: &str, with: impl Fn(&str, &str) -> String) -> String {
        let ids = self.by_id.iter().filter(|(id, _)| (is_snowflake(id) || is_user(id)) && text.contains(id.as_str()));
        ids.fold(text.to_owned(), |text, (id, name)| text.replace(id, &with(id, name)))
    }

    fn value(&mut self, place: Place<'_>, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let inside = |key| Place { packet: place.packet, inside: place.key, key };
                let named = fields.iter().map(|(key, value)| (key.clone(), self.value(inside(key), value)));
                Value::Object(named.collect::<Map<_, _>>())
            }
            Value::Array(values) => values.iter().map(|value| self.value(place, value)).collect(),
            Value::String(text) => self.string(place, text).into(),
            Value::Number(number) if place.is_time() && number.as_i64().is_some_and(|time| time > TIME_MIN) => {
                "<time>".into()
            }
            _ => value.clone(),
        }
    }

    fn string(&mut self, place: Place<'_>, text: &str) -> String {
        match place.kind(text) {
            _ if self.made_up.contains(text) => text.to_owned(),
            None => text.to_owned(),
            // Secrets and addresses are another each time, and mean nothing.
            Some(kind @ ("url" | "secret" | "trace" | "version")) => format!("<{kind}>"),
            Some(kind) => {
                let count = &mut self.counts;
                let name = self.by_id.entry(text.to_owned()).or_insert_with(|| {
                    let count = count.entry(kind).or_default();
                    *count += 1;
                    format!("<{kind} {count}>")
                });
                name.clone()
            }
        }
    }
}

impl Place<'_> {
    fn is_time(self) -> bool {
        matches!(self.key, "time" | "next" | "edited" | "deleted" | "expires")
    }

    /// What an id is the id of.
    fn kind(self, text: &str) -> Option<&'static str> {
        if is_user(text) {
            return ["agent", "bot", "account"].into_iter().find(|kind| text.starts_with(kind));
        }
        match self.key {
            "session_id" => is_session(text).then_some("session"),
            "server_id" => (!text.is_empty()).then_some("server"),
            "server_era" => is_snowflake(text).then_some("era"),
            "encryption_key_id" => text.strip_prefix("v1/").is_some_and(is_snowflake).then_some("room key"),
            "version" => Some("version"),
            "url" => Some("url"),
            "Authorization" => Some("secret"),
            "traceparent" => text.parse::<heim_common::Trace>().is_ok().then_some("trace"),
            "account_id" => is_snowflake(text).then_some("account number"),
            "id" if self.inside == "account" => is_snowflake(text).then_some("account number"),
            "pm_id" => is_snowflake(text).then_some("private talk"),
            "edit_id" | "previous_edit_id" => is_snowflake(text).then_some("edit"),
            "id" if self.packet == "media-upload-reply" => is_snowflake(text).then_some("media object"),
            "id" | "parent" | "before" => is_snowflake(text).then_some("message"),
            _ => None,
        }
    }
}

/// Thirteen digits of base 36.
fn is_snowflake(text: &str) -> bool {
    text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// An agent's or account's id.
fn is_user(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
    match text.split_once(':') {
        Some(("agent" | "bot", id)) => id.len() == 12 && id.bytes().all(is_base64),
        Some(("account", id)) => is_snowflake(id),
        _ => false,
    }
}

/// The hex of an agent, and sixteen digits.
fn is_session(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    text.split_once('-')
        .is_some_and(|(agent, number)| agent.len() == 24 && is_hex(agent) && number.len() == 16 && is_hex(number))
}

fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(iter::once(text.as_str())),
        Value::Array(values) => Box::new(values.iter().flat_map(strings)),
        Value::Object(fields) => Box::new(fields.values().flat_map(strings)),
        _ => Box::new(iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_keeps_its_name_and_another_gets_another() {
        let mut names = Names::default();
        let mut shown = |id: &str, parent: &str| {
            names.packet(&json!({ "type": "send-event", "data": { "id": id, "parent": parent } }))["data"].clone()
        };
        assert_eq!(shown("0c1ofyfafs1z4", "0c1ofyfafs1z4"), json!({ "id": "<message 1>", "parent": "<message 1>" }));
        assert_eq!(shown("0c1ofyfyxa800", "0c1ofyfafs1z4"), json!({ "id": "<message 2>", "parent": "<message 1>" }));
        assert_eq!(shown("not an id", "0C1OFYFAFS1Z4"), json!({ "id": "not an id", "parent": "0C1OFYFAFS1Z4" }));
    }

    #[test]
    fn what_a_client_made_up_stays_and_what_it_was_told_is_translated() {
        let (mut heim, mut ours) = (Names::default(), Names::default());
        heim.packet(&json!({ "type": "send-reply", "data": { "id": "0c1ofyfafs1z4" } }));
        ours.packet(&json!({ "type": "send-reply", "data": { "id": "0zabcabcabcab" } }));
        let text = r#"{"type":"log","data":{"before":"0zzzzzzzzzzzz","id":"0c1ofyfafs1z4"}}"#;
        let sent = heim.sent(text);
        assert_eq!(sent, r#"{"type":"log","data":{"before":"0zzzzzzzzzzzz","id":"<message 1>"}}"#);
        assert_eq!(heim.translate(text, &ours), text.replace("0c1ofyfafs1z4", "0zabcabcabcab"));
        let reply = json!({ "type": "log-reply", "data": { "before": "0zzzzzzzzzzzz" } });
        assert_eq!(heim.packet(&reply), reply);
    }

    #[test]
    fn times_are_whole_seconds_and_the_next_ping_is_promised() {
        let named = |time: Value, next: i64| {
            Names::default().packet(&json!({ "type": "ping-event", "data": { "time": time, "next": next } }))["data"]
                .clone()
        };
        let (time, next) = (1_795_341_872, 1_795_341_902);
        assert_eq!(named(time.into(), next), json!({ "time": "<time>", "next": "<time + 30>" }));
        assert_eq!(named(time.into(), next + 1), json!({ "time": "<time>", "next": "<time>" }));
        assert_eq!(named(123.into(), next)["time"], 123, "what a client made up");
        assert_eq!(named(1_795_341_872.5.into(), next)["time"], 1_795_341_872.5);
    }
}
