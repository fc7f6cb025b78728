//! What was done, by whom, and between which instants: what a judge has to know
//! of a play beside what its sessions heard.

use super::{heard::Told, schedule::Wish};
use heim_common::MediaId;
use heim_tests::packets::Packets;
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Instant,
};

/// Something took its effect between these instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

/// A session, from its handshake to its end.
#[derive(Debug)]
pub(crate) struct Session {
    /// For people.
    pub(crate) name: String,
    /// The agent's place; a bystander is none of them.
    pub(crate) agent: Option<usize>,
    pub(crate) wish: Wish,
    /// From before its handshake until its snapshot was there.
    pub(crate) joined: Span,
    /// When it asked for something about media for the first time.
    pub(crate) asked: OnceLock<Instant>,
    /// When it left; not set if it stayed.
    pub(crate) left: OnceLock<Instant>,
    pub(crate) heard: Arc<Packets>,
    /// As the server calls it, and its agent.
    pub(crate) id: String,
    pub(crate) user: String,
}

impl Session {
    pub(crate) fn stayed(&self) -> bool {
        self.left.get().is_none()
    }
}

/// A media object.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) id: MediaId,
    pub(crate) agent: usize,
    /// What became available, and when the first call that says so ran.
    pub(crate) available: Mutex<Vec<(String, Span)>>,
}

impl Object {
    /// Notes that a transcoding is available; what is told twice began with the
    /// first call, and was over with the first that ended.
    pub(crate) fn is_available(&self, name: &str, span: Span) {
        let mut available = self.available.lock().expect("no step panics while it writes");
        match available.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => {
                *known = Span { began: known.began.min(span.began), ended: known.ended.min(span.ended) };
            }
            None => available.push((name.to_owned(), span)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.available().iter().any(|(known, _)| known == name)
    }

    pub(crate) fn available(&self) -> Vec<(String, Span)> {
        self.available.lock().expect("no step panics while it writes").clone()
    }
}

/// A message that was stored.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) id: String,
    /// The session that sent it.
    pub(crate) by: String,
    pub(crate) media: Vec<MediaId>,
    pub(crate) sent: Span,
    /// Its deletions and restorations, as far as they were carried out.
    pub(crate) turns: Mutex<Vec<Turn>>,
    /// The newest change that is known.
    pub(crate) edit: Mutex<Option<String>>,
}

/// A message was deleted or restored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) deleted: bool,
    pub(crate) announced: bool,
    pub(crate) span: Span,
}

impl Said {
    /// Notes a turn, and the change that made it where that is known.
    pub(crate) fn turned(&self, turn: Turn, edit: Option<&str>) {
        self.turns.lock().expect("no step panics while it writes").push(turn);
        if let Some(edit) = edit {
            *self.edit.lock().expect("no step panics while it writes") = Some(edit.to_owned());
        }
    }

    fn turns(&self) -> Vec<Turn> {
        self.turns.lock().expect("no step panics while it writes").clone()
    }

    /// Whether it was certainly deleted all the time between two instants.
    pub(crate) fn was_deleted(&self, from: Instant, to: Instant) -> bool {
        let turns = self.turns();
        let restored = |since: Instant| {
            turns.iter().any(|turn| !turn.deleted && turn.span.ended >= since && turn.span.began <= to)
        };
        turns.iter().any(|turn| turn.deleted && turn.span.ended <= from && !restored(turn.span.began))
    }

    /// Whether it was certainly there all the time between two instants.
    pub(crate) fn was_live(&self, from: Instant, to: Instant) -> bool {
        self.sent.ended <= from && !self.turns().iter().any(|turn| turn.deleted && turn.span.began <= to)
    }

    /// When it was last restored without a word to anybody, if it may have been.
    pub(crate) fn restored_in_silence(&self) -> Option<Instant> {
        let turns = self.turns();
        let may_restore = |turn: &&Turn| {
            let before = |other: &Turn| other.deleted && other.span.began <= turn.span.ended;
            !turn.deleted && !turn.announced && turns.iter().any(before)
        };
        turns.iter().filter(may_restore).map(|turn| turn.span.ended).max()
    }
}

/// A question about media or messages, and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) session: String,
    pub(crate) agent: Option<usize>,
    pub(crate) question: Question,
    pub(crate) span: Span,
    pub(crate) reply: Value,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Media(MediaId),
    Message(String),
    Log,
}

/// All of a play.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) sessions: Vec<Arc<Session>>,
    pub(crate) objects: Vec<Arc<Object>>,
    pub(crate) messages: Vec<Arc<Said>>,
    pub(crate) answers: Vec<Answered>,
}

impl History {
    /// All of it as text, each line with the microseconds since the beginning.
    pub(crate) fn told(&self) -> String {
        let began = self.sessions.iter().map(|session| session.joined.began).min();
        let since = |at: Instant| began.map_or(0, |began| (at - began).as_micros());
        let span = |span: &Span| (since(span.began), format!("{:>8} to {:>8}", since(span.began), since(span.ended)));
        let mut lines = Vec::new();
        for object in &self.objects {
            for (name, at) in object.available() {
                lines.push((span(&at), format!("{name} of {} of agent {}", object.id, object.agent)));
            }
        }
        for said in &self.messages {
            lines.push((span(&said.sent), format!("{} sent by {} with {:?}", said.id, said.by, said.media)));
            for turn in said.turns() {
                lines.push((span(&turn.span), format!("{} {turn:?}", said.id)));
            }
        }
        for session in &self.sessions {
            let Session { name, id, joined, .. } = &**session;
            lines.push((span(joined), format!("{name} joins as {id}")));
            for Told { at, what, .. } in super::heard::told(session) {
                lines.push((span(&Span { began: at, ended: at }), format!("{name} hears {what:?}")));
            }
        }
        lines.sort();
        lines.iter().fold(String::new(), |text, ((_, at), line)| text + at + " " + line + "\n")
    }
}
