//! The replay as a text that a person can read.

use crate::{
    difference::Differences,
    plan::{Act, Expected},
    recording::Action,
};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fmt::Write as _};

/// heim's order of fields; what is not here follows by name.
const ORDER: &[&str] = &[
    "edit_id",
    "id",
    "type",
    "previous_edit_id",
    "parent",
    "time",
    "next",
    "sender",
    "data",
    "error",
    "session",
    "identity",
    "session_id",
    "version",
    "listing",
    "log",
    "content",
    "encryption_key_id",
    "edited",
    "deleted",
    "truncated",
    "throttled",
    "throttled_reason",
];
/// The fields of every session.
const SESSION: [&str; 5] = ["id", "name", "session_id", "server_id", "server_era"];
/// A text of one character that is longer than this is told by its length.
const SPELLED_OUT_MAX: usize = 100;
/// Lists with longer lines than this have a line for each value.
const LINE_MAX: usize = 110;

const HEAD: &str = "\
The steps of heim-transcript.txt, made on our server. This file is written by
the test `transcript` and compared with the recording of heim, packet by packet.

  A -> …   A sends as in the recording       A <- …   A hears
  A => …   A sends, not in the recording     heim: …  what heim sent there instead
  [key]    why it differs: see the reasons at the end

Ids have names: <message 3> is the third one that is spoken of, on both sides.
{<bot 1> \"ana\" <session 1> <server 1> <era 1>} is a session: the fields id, name,
session_id, server_id, server_era. \"z\"*5000 is a text of 5000 times z.
";

/// The text as it grows.
#[derive(Debug)]
pub(crate) struct Snapshot(String);

impl Snapshot {
    pub(crate) fn new() -> Self {
        Self(HEAD.to_owned())
    }

    /// A heading.
    pub(crate) fn section(&mut self, title: &str) {
        self.line(&format!("\n######## {title}"));
    }

    /// What was done. `text` is what was sent, with names.
    pub(crate) fn act(&mut self, socket: &str, act: &Act, text: &str) {
        let line = match act {
            Act::Recorded(Action::Connect { room, human, cookie_of }) => {
                let query = if *human { "?h=1" } else { "" };
                let cookie =
                    cookie_of.as_ref().map_or_else(String::new, |other| format!(", with the cookie of {other}"));
                format!("{socket} connects to {room}{query}{cookie}")
            }
            Act::Recorded(Action::Text(_)) => format!("{socket:>2} -> {}", sent(text)),
            Act::Recorded(Action::Close) => format!("{socket} closes"),
            Act::Besides(_, why) => format!("{socket:>2} => {}  [{why}]", sent(text)),
            Act::Close(why) => format!("{socket} closes  [{why}]"),
            Act::Manager { of, room, why } => format!("the API makes {of} a manager of {room}  [{why}]"),
        };
        self.line(&line);
    }

    /// What was heard, or was not.
    pub(crate) fn heard(&mut self, socket: &str, expected: &Expected, ours: Option<&Value>) {
        match (expected, ours) {
            (Expected::Heim(packet, why), _) => self.packet("      heim:", socket, packet, Some(why)),
            (Expected::Both(_), Some(ours)) => self.packet("", socket, ours, None),
            (Expected::Ours(_, why), Some(ours)) => self.packet("", socket, ours, Some(why)),
            (Expected::Both(packet) | Expected::Ours(packet, _), None) => {
                self.packet("      MISSING:", socket, packet, None);
            }
        }
    }

    /// What heim has in a place of the packet before.
    pub(crate) fn differs(&mut self, path: &str, heim: Option<&Value>, why: &str) {
        self.line(&format!("      heim: {path} {}  [{why}]", value(heim)));
    }

    /// A packet that nobody expected.
    pub(crate) fn surplus(&mut self, socket: &str, packet: &Value) {
        self.packet("      SURPLUS:", socket, packet, None);
    }

    /// The text with its reasons.
    pub(crate) fn with_reasons(mut self, differences: &Differences) -> String {
        self.line("\n######## Differences, and their reasons");
        for (key, reason) in differences.reasons {
            self.line(&format!("[{key}] {reason}"));
        }
        self.0
    }

    fn packet(&mut self, before: &str, socket: &str, packet: &Value, why: Option<&str>) {
        let why = why.map_or_else(String::new, |why| format!("  [{why}]"));
        let text = match packet["type"].as_str() {
            Some("handshake") => {
                format!("HTTP {}, cookie {}, subprotocol {}", packet["status"], packet["cookie"], packet["protocol"])
            }
            Some("closed") => format!("closed {}", packet["code"]),
            _ => spread(packet),
        };
        self.line(&format!("{before}{socket:>2} <- {text}{why}"));
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("a string takes everything");
    }
}

/// A value, or that there is none.
pub(crate) fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), compact)
}

/// What was sent, as JSON if it is.
fn sent(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |packet| compact(&packet))
}

/// A packet on one line, or with a line for each value of its lists.
fn spread(packet: &Value) -> String {
    let line = compact(packet);
    if line.chars().count() <= LINE_MAX {
        return line;
    }
    write(packet, "\n        ")
}

fn compact(value: &Value) -> String {
    write(value, "")
}

fn write(value: &Value, list: &str) -> String {
    match value {
        Value::Object(fields) => session(fields).unwrap_or_else(|| object(fields, list)),
        Value::Array(values) => {
            let list = if values.iter().all(Value::is_object) { list } else { "" };
            let values: Vec<_> = values.iter().map(|value| format!("{list}{}", compact(value))).collect();
            format!("[{}]", values.join(","))
        }
        Value::String(text) => string(text),
        _ => value.to_string(),
    }
}

fn object(fields: &Map<String, Value>, list: &str) -> String {
    let place = |key: &String| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len());
    let mut keys: Vec<_> = fields.keys().collect();
    keys.sort_by_key(|key| (place(key), key.as_str()));
    let fields: Vec<_> = keys.iter().map(|key| format!("{key}:{}", write(&fields[*key], list))).collect();
    format!("{{{}}}", fields.join(", "))
}

/// A session in short, if it is one and has nothing but what sessions have.
fn session(fields: &Map<String, Value>) -> Option<String> {
    let is_session = SESSION.iter().all(|key| fields.get(*key).is_some_and(Value::is_string));
    let mut words = is_session.then(|| SESSION.map(|key| &fields[key]).map(word).to_vec())?;
    let more: BTreeSet<_> = fields.keys().filter(|key| !SESSION.contains(&key.as_str())).collect();
    words.extend(more.into_iter().map(|key| format!("{key}:{}", fields[key])));
    Some(format!("{{{}}}", words.join(" ")))
}

/// A name without quotes, anything else with.
fn word(value: &Value) -> String {
    let name = value.as_str().filter(|text| text.starts_with('<'));
    name.map_or_else(|| value.to_string(), str::to_owned)
}

fn string(text: &str) -> String {
    let first = text.chars().next().map(String::from).unwrap_or_default();
    let count = text.chars().count();
    if count > SPELLED_OUT_MAX && first.repeat(count) == text {
        return format!("{}*{count}", Value::from(first));
    }
    word(&text.into())
}
