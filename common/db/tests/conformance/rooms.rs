//! Rooms, sessions and nicks.

use crate::{
    given::{LEASE, NO_LEASE, NOW, room, session},
    place::{on_both, race, tick},
};
use heim_common::session::SessionView;
use heim_db::Mended;

fn era(era: &str, session: SessionView) -> SessionView {
    SessionView { server_era: era.to_owned(), ..session }
}

on_both! {
    async fn fifty_first_connects_open_one_room(place: &Place) {
        assert_eq!(place.room(&room("lobby")).await.unwrap(), None);
        let opened = race(place, 50, |db, _| async move { db.room_open(&room("lobby"), NOW).await.unwrap() }).await;
        let lobby = place.room(&room("lobby")).await.unwrap().unwrap();
        assert_eq!((lobby.private, lobby.deleted, lobby.created, &lobby.passcode), (false, false, NOW, &None));
        assert!(lobby.epoch > 0, "no room before had this epoch");
        assert!(opened.iter().all(|room| *room == lobby));
    }

    async fn a_room_lists_its_sessions_in_order(place: &Place) {
        for (agent, name) in [("c", "zoe"), ("b", "Adam"), ("d", "adam"), ("a", "adam")] {
            place.session_join(&room("one"), &session(agent, name), 0, LEASE, NOW).await.unwrap();
        }
        place.session_join(&room("two"), &session("e", "eve"), 0, LEASE, NOW).await.unwrap();
        let names = |sessions: Vec<SessionView>| {
            sessions.into_iter().map(|one| one.session_id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(place.sessions(&room("one")).await.unwrap()), ["b-1", "a-1", "d-1", "c-1"]);
        assert!(place.session_part(&session("a", "").session_id).await.unwrap());
        assert!(!place.session_part(&session("a", "").session_id).await.unwrap());
        assert_eq!(names(place.sessions(&room("one")).await.unwrap()), ["b-1", "d-1", "c-1"]);
    }

    async fn a_nick_outlives_its_session(place: &Place) {
        let (before, after) = (session("a", ""), session("a", "anna"));
        place.session_join(&room("one"), &before, 0, LEASE, NOW).await.unwrap();
        assert_eq!(place.nick(&room("one"), &before.id).await.unwrap(), None);
        place.session_rename(&room("one"), &session("a", "ann")).await.unwrap();
        place.session_rename(&room("one"), &after).await.unwrap();
        assert_eq!(place.sessions(&room("one")).await.unwrap(), std::slice::from_ref(&after));
        place.session_part(&after.session_id).await.unwrap();
        assert_eq!(place.nick(&room("one"), &after.id).await.unwrap(), Some("anna".to_owned()));
        assert_eq!(place.nick(&room("two"), &after.id).await.unwrap(), None);
    }

    async fn sessions_of_a_dead_coordinator_expire_once(place: &Place) {
        for agent in ["a", "b", "c"] {
            place.session_join(&room("one"), &era("dead", session(agent, "")), 0, NO_LEASE, NOW).await.unwrap();
        }
        place.session_join(&room("one"), &era("alive", session("d", "")), 0, NO_LEASE, NOW).await.unwrap();
        assert_eq!(place.sessions_renew("alive", LEASE).await.unwrap().len(), 1);
        let expired = race(place, 8, |db, _| async move {
            tick(&db).await;
            db.sessions_expire().await.unwrap()
        });
        let expired = expired.await.concat().into_iter();
        let mut expired: Vec<_> = expired.map(|(_, one)| one.session_id.to_string()).collect();
        expired.sort();
        assert_eq!(expired, ["a-1", "b-1", "c-1"]);
        assert_eq!(place.sessions(&room("one")).await.unwrap().len(), 1);
        place.sessions_end("alive").await.unwrap();
        assert_eq!(place.sessions(&room("one")).await.unwrap(), []);
    }

    async fn rows_are_made_to_agree_with_the_sessions(place: &Place) {
        for agent in ["a", "b"] {
            place.session_join(&room("one"), &session(agent, ""), 0, LEASE, NOW).await.unwrap();
        }
        assert_eq!(place.sessions_renew("another", LEASE).await.unwrap(), []);
        let mut rows = place.sessions_renew("era", LEASE).await.unwrap();
        rows.sort_by_key(|(_, session)| session.session_id.clone());
        assert_eq!(rows, [(room("one"), session("a", "")), (room("one"), session("b", ""))]);
        // One left and its row stayed, one has another nick, and many lost theirs.
        let gone = [session("a", "").session_id, session("z", "").session_id];
        let many = (0..2_500).map(|number| (room("two"), session(&format!("c{number}"), ""), 0));
        let here: Vec<_> = [(room("one"), session("b", "bert"), 0)].into_iter().chain(many).collect();
        let mended = place.sessions_mend(&gone, &here, LEASE, NOW).await.unwrap();
        assert_eq!(mended, Mended { went: vec![(room("one"), session("a", ""))], refused: Vec::new() }, "told once");
        assert_eq!(place.sessions_mend(&gone, &here, LEASE, NOW).await.unwrap(), Mended::default());
        assert_eq!(place.sessions(&room("one")).await.unwrap(), [session("b", "bert")]);
        assert_eq!(place.sessions(&room("two")).await.unwrap().len(), 2_500);
        assert_eq!(place.sessions_mend(&[], &[], LEASE, NOW).await.unwrap(), Mended::default());
    }
}
