//! The sessions that are connected to this coordinator, by room.

use super::outbox::{About, Outbox};
use axum::extract::ws::Utf8Bytes;
use heim_common::{RoomName, SessionId, session::SessionView};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// One session of this coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// As others see it now.
    pub(crate) view: SessionView,
    /// Whether it has a row, or had one that was lost.
    pub(crate) has_joined: bool,
    /// How its client reaches this coordinator.
    pub(crate) base: Arc<str>,
    /// Whether it asked for media events.
    pub(crate) media_aware: Arc<AtomicBool>,
    pub(crate) outbox: Outbox,
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

    /// From now on the session is told what happens in the room.
    pub(crate) fn join(&self, room: &RoomName, member: Member) {
        self.rooms().entry(room.clone()).or_default().insert(member.view.session_id.clone(), member);
    }

    /// From now on its row is there, and looks like this.
    pub(crate) fn note(&self, room: &RoomName, view: &SessionView) {
        if let Some(member) = self.rooms().get_mut(room).and_then(|sessions| sessions.get_mut(&view.session_id)) {
            member.view = view.clone();
            member.has_joined = true;
        }
    }

    /// All sessions, and whether each has joined already.
    pub(crate) fn sessions(&self) -> Vec<(RoomName, SessionView, bool)> {
        let rooms = self.rooms();
        let all = rooms.iter().flat_map(|(room, sessions)| sessions.values().map(move |member| (room, member)));
        all.map(|(room, member)| (room.clone(), member.view.clone(), member.has_joined)).collect()
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
        if !member.outbox.tell(text, about.clone()) {
            member.end.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::outbox::Outgoing;
    use heim_common::{UserId, session::AgentKind};
    use tokio::sync::mpsc::UnboundedReceiver;

    fn member(session: u64) -> (Member, UnboundedReceiver<Outgoing>) {
        let (outbox, queue) = Outbox::new();
        let id = UserId::agent(AgentKind::Human, [1; 8]);
        let view = SessionView {
            session_id: SessionId::new(&id, session),
            id,
            name: String::new(),
            server_id: "heim.1".into(),
            server_era: "era".into(),
        };
        let media_aware = Arc::new(AtomicBool::new(false));
        let end = CancellationToken::new();
        (Member { view, has_joined: false, base: "http://h".into(), media_aware, outbox, end }, queue)
    }

    #[test]
    fn who_does_not_read_is_dropped_and_nobody_else() {
        let ((slow, _kept), (quick, mut queue)) = (member(1), member(2));
        let text = "x".repeat(1 << 18);
        for _ in 0..5 {
            tell(&[slow.clone(), quick.clone()], &About::Else, |_| Some(text.clone()));
            assert!(queue.try_recv().is_ok());
        }
        assert!(slow.end.is_cancelled() && !quick.end.is_cancelled());
    }

    #[test]
    fn an_empty_room_leaves_nothing_behind() {
        let hub = Hub::default();
        let room: RoomName = "hall".parse().unwrap();
        let member = member(1).0;
        let view = SessionView { name: "anna".into(), ..member.view.clone() };
        hub.join(&room, member.clone());
        assert!(hub.is_occupied(&room));
        assert_eq!(hub.sessions(), [(room.clone(), member.view, false)]);
        hub.note(&room, &view);
        assert_eq!(hub.sessions(), [(room.clone(), view.clone(), true)]);
        hub.part(&room, &view.session_id);
        assert!(!hub.is_occupied(&room));
        hub.note(&room, &view);
        assert_eq!(hub.sessions(), [], "who left stays away");
    }
}
