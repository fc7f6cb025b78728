//! The sessions that are connected to this coordinator, by room.

use axum::extract::ws::Utf8Bytes;
use heim_common::{MessageId, RoomName, SessionId, UserId};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Packets that may wait for one session before it is dropped as too slow.
pub(crate) const OUTGOING_MAX: usize = 256;

/// A packet on its way to a session.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) text: Utf8Bytes,
    pub(crate) about: About,
}

/// What a packet tells: a session that learnt it from its snapshot does not
/// hear it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// This message was sent.
    Message(MessageId),
    /// This session joined.
    Join(SessionId),
    /// Anything else.
    Else,
}

/// One session of this coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user: UserId,
    /// How its client reaches this coordinator.
    pub(crate) base: Arc<str>,
    /// Whether it asked for media events.
    pub(crate) media_aware: Arc<AtomicBool>,
    pub(crate) outgoing: mpsc::Sender<Outgoing>,
    /// Ends the session.
    pub(crate) end: CancellationToken,
}

impl Member {
    pub(crate) fn is_media_aware(&self) -> bool {
        self.media_aware.load(Ordering::Relaxed)
    }
}

type Sessions = HashMap<SessionId, Member>;

/// All sessions of this coordinator.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    rooms: Mutex<HashMap<RoomName, Sessions>>,
}

impl Hub {
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomName, Sessions>> {
        // Every change is a single insertion or removal: whole even after a panic.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn join(&self, room: &RoomName, session: SessionId, member: Member) {
        self.rooms().entry(room.clone()).or_default().insert(session, member);
    }

    pub(crate) fn part(&self, room: &RoomName, session: &SessionId) {
        let mut rooms = self.rooms();
        if let Some(sessions) = rooms.get_mut(room) {
            sessions.remove(session);
            if sessions.is_empty() {
                rooms.remove(room);
            }
        }
    }

    /// The sessions of a room that `wanted` chooses.
    pub(crate) fn members(&self, room: &RoomName, wanted: impl Fn(&SessionId, &Member) -> bool) -> Vec<Member> {
        self.rooms().get(room).map_or_else(Vec::new, |sessions| {
            sessions.iter().filter(|(id, member)| wanted(id, member)).map(|(_, member)| member.clone()).collect()
        })
    }

    /// Whether anybody is in the room here.
    pub(crate) fn is_occupied(&self, room: &RoomName) -> bool {
        self.rooms().contains_key(room)
    }
}

/// Sends a packet to each of `members`, made once for each address by which
/// they reach this coordinator. Who cannot keep up is dropped: healing from the
/// database costs less than an unbounded queue.
pub(crate) fn tell(members: &[Member], about: &About, mut packet: impl FnMut(&str) -> Option<String>) {
    let mut packets: BTreeMap<Arc<str>, Option<Utf8Bytes>> = BTreeMap::new();
    for member in members {
        let text = packets.entry(Arc::clone(&member.base)).or_insert_with(|| packet(&member.base).map(Into::into));
        let Some(text) = text.clone() else { continue };
        if member.outgoing.try_send(Outgoing { text, about: about.clone() }).is_err() {
            member.end.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::session::AgentKind;

    fn member(room_for: usize) -> (Member, mpsc::Receiver<Outgoing>) {
        let (outgoing, queue) = mpsc::channel(room_for);
        let user = UserId::agent(AgentKind::Human, [1; 8]);
        let media_aware = Arc::new(AtomicBool::new(false));
        (Member { user, base: "http://h".into(), media_aware, outgoing, end: CancellationToken::new() }, queue)
    }

    #[test]
    fn who_does_not_read_is_dropped_and_nobody_else() {
        let (slow, _kept) = member(1);
        let (quick, mut queue) = member(3);
        for _ in 0..3 {
            tell(&[slow.clone(), quick.clone()], &About::Else, |_| Some("{}".into()));
        }
        assert!(slow.end.is_cancelled() && !quick.end.is_cancelled());
        assert_eq!(std::iter::from_fn(|| queue.try_recv().ok()).count(), 3);
    }

    #[test]
    fn an_empty_room_leaves_nothing_behind() {
        let hub = Hub::default();
        let room: RoomName = "hall".parse().unwrap();
        let session = SessionId::from_stored("s".into());
        hub.join(&room, session.clone(), member(1).0);
        assert!(hub.is_occupied(&room));
        hub.part(&room, &session);
        assert!(!hub.is_occupied(&room));
    }
}
