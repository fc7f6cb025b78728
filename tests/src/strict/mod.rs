//! A client that is as strict as the strictest ones of heim: it knows the types
//! of packets that heim has and gives up at any other, wants every field that
//! heim always sends, whole seconds, ids of thirteen characters, and lists that
//! are lists. Fields that it does not know it passes over, as they all do.
//!
//! It knows nothing of media, and keeps what such clients keep: who is there,
//! and what was said.

mod packet;

use crate::client::{Client, Entrance};
use packet::{Message, Packet, SessionView, Snowflake};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_tungstenite::tungstenite;

/// A session of the strict client.
#[derive(Debug)]
pub struct Strict {
    /// Its connection.
    pub client: Client,
    others: BTreeMap<String, SessionView>,
    log: BTreeMap<Snowflake, Message>,
    /// How many packets it has looked at.
    looked: usize,
}

/// Fails if a packet is not one of stock heim's, to the letter.
pub fn understand(packet: &Value) {
    packet::read(packet);
}

impl Strict {
    /// Enters a public room.
    pub async fn enter(base: &str, room: &str, nick: &str) -> Self {
        Self::over(Client::enter(base, room, Entrance::unaware(), nick).await)
    }

    /// Looks through the eyes of a session that has never asked for media.
    #[must_use]
    pub fn over(client: Client) -> Self {
        Self { client, others: BTreeMap::new(), log: BTreeMap::new(), looked: 0 }
    }

    /// Reads what came since it last did, and fails at the first packet that it
    /// does not understand.
    pub fn look(&mut self) {
        let all = self.client.heard.all();
        for heard in &all[self.looked..] {
            self.take(packet::read(&heard.packet));
        }
        self.looked = all.len();
    }

    /// Shows that it is alive as cove does, which leaves unless both answers
    /// come and the second one names the time that it asked with.
    pub async fn keep_alive(&self, time: i64) {
        assert!(self.client.frame(tungstenite::Message::Ping("strict".into())).await);
        assert_eq!(self.client.command("ping", json!({ "time": time })).await, json!({ "time": time }));
        assert_eq!(self.client.heard.pong().await, "strict");
    }

    /// The nicks of the others that it believes to be there, sorted.
    #[must_use]
    pub fn others(&self) -> Vec<&str> {
        let mut nicks: Vec<_> = self.others.values().map(|view| view.name.as_str()).collect();
        nicks.sort_unstable();
        nicks
    }

    /// What it believes was said and not deleted, in order.
    #[must_use]
    pub fn log(&self) -> Vec<&str> {
        self.log.values().map(|message| message.content.as_str()).collect()
    }

    fn take(&mut self, packet: Packet) {
        match packet {
            Packet::SnapshotEvent { listing, log, .. } => {
                self.others = listing.into_iter().map(|view| (view.session_id.clone(), view)).collect();
                self.keep(log);
            }
            Packet::JoinEvent(view) => {
                self.others.insert(view.session_id.clone(), view);
            }
            Packet::PartEvent(view) => {
                self.others.remove(&view.session_id);
            }
            Packet::NetworkEvent { server_id, server_era, .. } => {
                self.others.retain(|_, view| (&view.server_id, &view.server_era) != (&server_id, &server_era));
            }
            Packet::NickEvent(nick) => {
                if let Some(view) = self.others.get_mut(&nick.session_id) {
                    view.name = nick.to;
                }
            }
            Packet::LogReply { log, .. } => self.keep(log),
            Packet::SendEvent(message) | Packet::SendReply(message) | Packet::GetMessageReply(message) => {
                self.keep(vec![message]);
            }
            Packet::EditMessageEvent(edit) | Packet::EditMessageReply(edit) => self.keep(vec![edit.message]),
            Packet::HelloEvent { .. }
            | Packet::PingEvent { .. }
            | Packet::BounceEvent { .. }
            | Packet::DisconnectEvent { .. }
            | Packet::AuthReply { .. }
            | Packet::PingReply { .. }
            | Packet::NickReply(_)
            | Packet::WhoReply { .. }
            | Packet::Refused => {}
        }
    }

    fn keep(&mut self, messages: Vec<Message>) {
        for message in messages {
            if message.deleted.is_some() {
                self.log.remove(&message.id);
            } else {
                self.log.insert(message.id, message);
            }
        }
    }
}
