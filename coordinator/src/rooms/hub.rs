//! The sessions that are connected to this coordinator, by room.

use super::{
    end::{End, Why},
    outbox::{About, Outbox, Views},
};
use crate::{handle::Audience, view::Reader};
use axum::extract::ws::Utf8Bytes;
use heim_common::{RoomName, SessionId, UserId, session::SessionView};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a session was let into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// Whether the room is private.
    pub(crate) private: bool,
    /// The room's epoch at that moment: with a later one, it does not count.
    pub(crate) epoch: i64,
}

/// One session of this coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// As others see it now.
    pub(crate) view: SessionView,
    /// Whether it has a row, or had one that was lost.
    pub(crate) has_joined: bool,
    pub(crate) admission: Admission,
    /// How its client reaches this coordinator.
    pub(crate) base: Arc<str>,
    /// Whether it asked for media events.
    pub(crate) media_aware: Arc<AtomicBool>,
    pub(crate) outbox: Outbox,
    /// Ends the session.
    pub(crate) end: End,
}

impl Member {
    pub(crate) fn is_media_aware(&self) -> bool {
        self.media_aware.load(Ordering::Relaxed)
    }

    fn reader(&self) -> Reader<'_> {
        reader(&self.base, &self.view.id, self.admission)
    }
}

/// For whom views are made that this session is sent.
pub(crate) fn reader<'a>(base: &'a str, agent: &'a UserId, admission: Admission) -> Reader<'a> {
    let Admission { private, epoch } = admission;
    Reader { base, audience: if private { Audience::Agent { agent, epoch } } else { Audience::Anybody } }
}

/// A session of this coordinator, and what its row should say.
pub(crate) type Here = (RoomName, SessionView, Admission);

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
    pub(crate) fn sessions(&self) -> Vec<(Here, bool)> {
        let rooms = self.rooms();
        let all = rooms.iter().flat_map(|(room, sessions)| sessions.values().map(move |member| (room, member)));
        all.map(|(room, member)| ((room.clone(), member.view.clone(), member.admission), member.has_joined)).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rooms().values().map(HashMap::len).sum()
    }

    /// In how many rooms they are.
    pub(crate) fn rooms_len(&self) -> usize {
        self.rooms().len()
    }

    /// Ends the sessions of a room that were let in before `epoch`. From now on
    /// nothing is sent to them any more.
    pub(crate) fn close(&self, room: &RoomName, epoch: i64, why: Why) {
        let mut rooms = self.rooms();
        if let Some(sessions) = rooms.get_mut(room) {
            for (_, member) in sessions.extract_if(|_, member| member.admission.epoch < epoch) {
                member.end.end(why);
            }
            if sessions.is_empty() {
                rooms.remove(room);
            }
        }
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
            let there = sessions.iter().filter(|(_, member)| member.end.why().is_none());
            there.filter(|(id, member)| wanted(id, member)).map(|(_, member)| member.clone()).collect()
        })
    }

    /// Whether anybody is in the room here.
    pub(crate) fn is_occupied(&self, room: &RoomName) -> bool {
        self.rooms().contains_key(room)
    }
}

/// Sends a packet to each of `members`, made once for each address by which
/// they reach this coordinator and, where handles in it are an agent's own, for
/// each agent. Who cannot keep up is dropped: healing from the database costs
/// less than an unbounded queue.
pub(crate) fn tell(
    members: &[Member],
    about: &About,
    views: &Views,
    mut packet: impl FnMut(Reader<'_>) -> Option<String>,
) {
    let has_handles = !views.is_empty() || matches!(about, About::Media(_));
    let mut packets: BTreeMap<(Arc<str>, Option<UserId>), Option<Utf8Bytes>> = BTreeMap::new();
    for member in members {
        let agent = (has_handles && member.admission.private).then(|| member.view.id.clone());
        let made = packets.entry((Arc::clone(&member.base), agent));
        let Some(text) = made.or_insert_with(|| packet(member.reader()).map(Into::into)).clone() else { continue };
        if !member.outbox.tell(text, about.clone(), Arc::clone(views)) {
            member.end.end(Why::TooSlow);
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
        let (outbox, queue) = Outbox::new(1 << 20);
        let id = UserId::agent(AgentKind::Human, [1; 8]);
        let view = SessionView {
            session_id: SessionId::new(&id, session),
            id,
            name: String::new(),
            server_id: "heim.1".into(),
            server_era: "era".into(),
            is_manager: false,
        };
        let admission = Admission { private: false, epoch: 0 };
        let media_aware = Arc::new(AtomicBool::new(false));
        let end = End::default();
        (Member { view, has_joined: false, admission, base: "http://h".into(), media_aware, outbox, end }, queue)
    }

    #[test]
    fn who_does_not_read_is_dropped_and_nobody_else() {
        let ((slow, _kept), (quick, mut queue)) = (member(1), member(2));
        let text = "x".repeat(1 << 18);
        for _ in 0..5 {
            tell(&[slow.clone(), quick.clone()], &About::Else, &Views::default(), |_| Some(text.clone()));
            assert!(queue.try_recv().is_ok());
        }
        assert!(slow.end.why() == Some(Why::TooSlow) && quick.end.why().is_none());
    }

    #[test]
    fn an_empty_room_leaves_nothing_behind() {
        let hub = Hub::default();
        let room: RoomName = "hall".parse().unwrap();
        let member = member(1).0;
        let view = SessionView { name: "anna".into(), ..member.view.clone() };
        hub.join(&room, member.clone());
        assert!(hub.is_occupied(&room));
        assert_eq!(hub.sessions(), [((room.clone(), member.view, member.admission), false)]);
        hub.note(&room, &view);
        assert_eq!(hub.sessions(), [((room.clone(), view.clone(), member.admission), true)]);
        hub.part(&room, &view.session_id);
        assert!(!hub.is_occupied(&room));
        hub.note(&room, &view);
        assert_eq!(hub.sessions(), [], "who left stays away");
    }
}
