//! What a client's connections have told it together. A connection may be lost,
//! and what is said meanwhile comes with the next one: of what a room was told,
//! a client that comes back misses nothing.

use super::Entry;
use crate::packets::{Heard, subject};
use heim_common::{MediaId, MessageId, Snowflake};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// How far behind another a message may still appear: its id is made before it
/// is committed, and by another clock.
const LATE_MAX: Duration = Duration::from_secs(30);

/// What there is to be heard in a room: messages, and by event, what became of
/// the media objects that they show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The messages.
    pub messages: BTreeSet<MessageId>,
    /// Transcodings that are there, or never will be.
    pub media: BTreeSet<(MediaId, String)>,
}

/// What one client knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    told: Told,
    /// A message says of these that they failed, and so will all that is missing.
    failed: BTreeSet<MediaId>,
    /// Shown, and not over as far as this client knows.
    open: BTreeMap<MediaId, MessageId>,
}

impl Known {
    /// Takes in a packet.
    pub fn hear(&mut self, packet: &Value) {
        let heard = Heard { at: Instant::now(), packet: packet.clone() };
        if let Some(event) = heard.media_event() {
            let (id, name) = subject(&event);
            self.told.media.insert((id, name.to_owned()));
            if matches!(heard.data()["state"].as_str(), Some("ready" | "failed")) {
                self.open.remove(&id);
            }
        }
        match heard.kind() {
            "send-event" | "send-reply" => self.read(heard.data()),
            "snapshot-event" | "log-reply" => messages(heard.data()).for_each(|message| self.read(message)),
            _ => {}
        }
    }

    fn read(&mut self, message: &Value) {
        // A refused command has no message.
        let Some(id) = message_id(message) else { return };
        self.told.messages.insert(id);
        for media in message["attachments"].as_array().into_iter().flatten() {
            let media_id = serde_json::from_value(media["id"].clone()).expect("media objects have ids");
            let names = media["transcodings"].as_object().into_iter().flatten();
            self.told.media.extend(names.map(|(name, _)| (media_id, name.clone())));
            match media["state"].as_str() {
                Some("failed") => {
                    self.failed.insert(media_id);
                }
                Some("ready") => {}
                _ => {
                    self.open.insert(media_id, id);
                    continue;
                }
            }
            self.open.remove(&media_id);
        }
    }

    /// Down to which message one that comes back has to read what it missed.
    #[must_use]
    pub fn back_to(&self) -> MessageId {
        let newest = self.told.messages.last().map_or(Snowflake(0), |newest| newest.0);
        let late = MessageId(Snowflake::earliest(newest.created().before(LATE_MAX)));
        self.open.values().copied().fold(late, Ord::min)
    }

    /// What it was told.
    #[must_use]
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// What was told in its room and not to it.
    #[must_use]
    pub fn misses(&self, told: &Told) -> Vec<String> {
        let messages = told.messages.difference(&self.told.messages).map(|id| format!("the message {id}"));
        let media = told.media.difference(&self.told.media).filter(|(id, _)| !self.failed.contains(id));
        messages.chain(media.map(|(id, name)| format!("{id}/{name}"))).collect()
    }
}

/// The messages of a list of them.
pub(super) fn messages(data: &Value) -> impl Iterator<Item = &Value> {
    data["log"].as_array().into_iter().flatten()
}

/// The id of a message.
pub(super) fn message_id(message: &Value) -> Option<MessageId> {
    serde_json::from_value(message["id"].clone()).ok()
}

/// What clients have missed, by the ledger: of each, what its connections told
/// together is held against what its room was told.
pub(super) fn missed(entries: &[Entry], rooms: &BTreeMap<String, Told>) -> Vec<String> {
    let (mut clients, mut sockets) = (BTreeMap::<u64, (&str, Known)>::new(), BTreeMap::new());
    for entry in entries {
        match entry {
            Entry::Joined { client, room, socket } => {
                clients.entry(*client).or_insert_with(|| (room.as_str(), Known::default()));
                sockets.insert(*socket, *client);
            }
            Entry::Heard { socket, packet } => {
                let client = sockets.get(socket).and_then(|client| clients.get_mut(client));
                client.expect("it joined before it heard").1.hear(packet);
            }
            _ => {}
        }
    }
    let missed = clients.iter().flat_map(|(client, (room, known))| {
        let missed = rooms.get(*room).map(|told| known.misses(told)).unwrap_or_default();
        missed.into_iter().map(move |what| format!("client {client} never heard of {what}"))
    });
    missed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PICTURE: MediaId = MediaId(Snowflake(7));

    fn id(number: u64) -> MessageId {
        MessageId(Snowflake(number))
    }

    fn heard(socket: u64, kind: &str, data: &Value) -> Entry {
        Entry::Heard { socket, packet: json!({ "type": kind, "data": data }) }
    }

    fn joined(socket: u64) -> Entry {
        Entry::Joined { client: 0, room: "one".to_owned(), socket }
    }

    fn shows(message: u64, state: &str, names: &[&str]) -> Value {
        let there: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        json!({ "id": id(message), "attachments": [{ "id": PICTURE, "state": state, "transcodings": there }] })
    }

    fn event(name: &str) -> Value {
        json!({ "media_id": PICTURE, "name": name, "error": "x", "state": "failed" })
    }

    /// Of two connections: a message and one event by the first, the rest by the second.
    fn entries() -> Vec<Entry> {
        vec![
            joined(1),
            heard(1, "snapshot-event", &json!({ "log": [] })),
            heard(1, "send-event", &shows(1, "uploaded", &["original"])),
            heard(1, "media-upload-event", &event("thumb-160")),
            joined(2),
            heard(2, "snapshot-event", &json!({ "log": [{ "id": id(3) }] })),
            heard(2, "log-reply", &json!({ "log": [{ "id": id(2) }] })),
            heard(2, "media-upload-event", &event("thumb-320")),
        ]
    }

    fn rooms() -> BTreeMap<String, Told> {
        let names = ["original", "thumb-160", "thumb-320"];
        let media = names.map(|name| (PICTURE, name.to_owned())).into();
        let elsewhere = Told { messages: [id(9)].into(), media: BTreeSet::new() };
        let told = Told { messages: [id(1), id(2), id(3)].into(), media };
        [("one".to_owned(), told), ("two".to_owned(), elsewhere)].into()
    }

    #[test]
    fn connections_that_miss_nothing_together_are_clean() {
        assert_eq!(missed(&entries(), &rooms()), Vec::<String>::new());
    }

    #[test]
    fn each_planted_gap_between_connections_is_found() {
        for (gap, misses) in [(2, 2), (3, 1), (5, 1), (6, 1), (7, 1)] {
            let mut entries = entries();
            entries.remove(gap);
            assert_eq!(missed(&entries, &rooms()).len(), misses, "without {gap}");
        }
    }

    #[test]
    fn a_message_that_says_that_a_picture_failed_says_it_of_all() {
        let mut entries = entries();
        entries.truncate(3);
        entries.push(heard(1, "log-reply", &json!({ "log": [shows(1, "failed", &["original"]), { "id": id(2) }] })));
        entries.push(heard(1, "send-event", &json!({ "id": id(3) })));
        assert_eq!(missed(&entries, &rooms()), Vec::<String>::new());
    }

    #[test]
    fn who_comes_back_reads_from_what_was_open_on() {
        let at = |s: i64| id(Snowflake::earliest(heim_common::Millis(1_800_000_000_000 + s * 1_000)).0);
        let mut known = Known::default();
        assert_eq!(known.back_to(), id(0));
        known.hear(&json!({ "type": "send-event", "data": shows(at(0).0.0, "uploaded", &[]) }));
        known.hear(&json!({ "type": "send-event", "data": { "id": at(100) } }));
        assert_eq!(known.back_to(), at(0));
        known.hear(&json!({ "type": "media-upload-event", "data": event("thumb-160") }));
        assert_eq!(known.back_to(), at(70));
    }
}
