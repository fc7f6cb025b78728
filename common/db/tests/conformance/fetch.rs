//! Who may fetch a media object, and until when.

use crate::{
    given::{
        LEASE, NO_LEASE, NOW, deletion, edit, media_id, message, private, registration, room, session, stored, uploaded,
    },
    place::{on_both, tick},
};
use heim_common::UserId;
use heim_db::{Database, Shown};
use std::time::Duration;

const LINGER: Duration = Duration::from_mins(1);

async fn is_present(db: &Database, agent: &str, linger: Duration) -> bool {
    let agent = session(agent, "").id;
    db.media_fetch(media_id(1), Some(&agent), linger).await.unwrap().unwrap().present
}

on_both! {
    async fn a_media_object_is_shown_by_any_live_message(place: &Place) {
        uploaded(place, 1, "one").await;
        assert_eq!(place.media_shown(media_id(2)).await.unwrap(), Shown::Never);
        let shown = async || {
            let fetch = place.media_fetch(media_id(1), None, LINGER).await.unwrap().unwrap();
            let shown = place.media_shown(media_id(1)).await.unwrap();
            assert_eq!(fetch.shown, shown);
            shown
        };
        assert_eq!(shown().await, Shown::Never);
        for id in 1..=2 {
            stored(place.message_send(&message(id, "one", "anna", &[1])).await.unwrap());
            assert_eq!(shown().await, Shown::Live);
        }
        place.message_edit(&deletion(1, "one", 10, None)).await.unwrap();
        assert_eq!(shown().await, Shown::Live);
        place.message_edit(&deletion(2, "one", 11, None)).await.unwrap();
        assert_eq!(shown().await, Shown::Deleted);
        place.message_edit(&edit(1, "one", 12, Some(10))).await.unwrap();
        assert_eq!(shown().await, Shown::Live);
    }

    async fn a_fetch_knows_the_object_and_its_room(place: &Place) {
        assert_eq!(place.media_fetch(media_id(1), None, LINGER).await.unwrap(), None);
        uploaded(place, 1, "one").await;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        let fetch = place.media_fetch(media_id(1), None, LINGER).await.unwrap().unwrap();
        assert_eq!(Some(fetch.object), place.media(media_id(1)).await.unwrap());
        assert_eq!(Some(fetch.room), place.room(&room("one")).await.unwrap());
        assert!(!fetch.present);
        place.room_delete(&room("one"), NOW).await.unwrap();
        assert!(place.media_fetch(media_id(1), None, LINGER).await.unwrap().unwrap().room.deleted);
    }

    async fn an_agent_is_present_until_a_while_after_the_last_session(place: &Place) {
        uploaded(place, 1, "one").await;
        let first = session("anna", "");
        let mut second = session("anna", "");
        second.session_id = session("anna2", "").session_id;
        assert!(!is_present(place, "anna", LINGER).await);
        for view in [&first, &second] {
            place.session_join(&room("one"), view, 0, LEASE, NOW).await.unwrap();
        }
        place.session_join(&room("two"), &session("bert", ""), 0, LEASE, NOW).await.unwrap();
        assert!(!is_present(place, "bert", LINGER).await, "another room does not count");
        place.session_part(&first.session_id).await.unwrap();
        tick(place).await;
        assert!(is_present(place, "anna", Duration::ZERO).await);
        place.session_part(&second.session_id).await.unwrap();
        tick(place).await;
        assert!(is_present(place, "anna", LINGER).await);
        assert!(!is_present(place, "anna", Duration::ZERO).await);
        assert_eq!(place.departures_trim(LINGER).await.unwrap(), 0);
        assert_eq!(place.departures_trim(Duration::ZERO).await.unwrap(), 1);
        assert!(!is_present(place, "anna", LINGER).await);
    }

    async fn every_end_of_a_session_is_noted(place: &Place) {
        uploaded(place, 1, "one").await;
        // A coordinator that died, one that ended, and a row that drifted.
        for (agent, lease) in [("dead", NO_LEASE), ("ended", LEASE), ("drifted", LEASE)] {
            let view = heim_common::session::SessionView { server_era: agent.to_owned(), ..session(agent, "") };
            place.session_join(&room("one"), &view, 0, lease, NOW).await.unwrap();
        }
        tick(place).await;
        assert!(is_present(place, "dead", LINGER).await, "before the sweep as after it");
        assert!(!is_present(place, "dead", Duration::ZERO).await);
        assert_eq!(place.sessions_expire().await.unwrap().len(), 1);
        place.sessions_end("ended").await.unwrap();
        let gone = [session("drifted", "").session_id];
        assert_eq!(place.sessions_mend(&gone, &[], LEASE, NOW).await.unwrap().went.len(), 1);
        tick(place).await;
        for agent in ["dead", "ended", "drifted"] {
            assert!(is_present(place, agent, LINGER).await, "{agent}");
            assert!(!is_present(place, agent, Duration::ZERO).await, "{agent}");
        }
    }

    async fn nobody_lingers_after_a_new_passcode(place: &Place) {
        let epoch = private(place, "den").await;
        let new = heim_db::NewMedia { epoch, ..crate::given::new_media(1, "den", "anna") };
        place.media_create(&new, 10).await.unwrap();
        let agents: Vec<UserId> = ["anna", "bert"].map(|agent| session(agent, "").id).to_vec();
        for agent in ["anna", "bert"] {
            place.session_join(&room("den"), &session(agent, ""), epoch, LEASE, NOW).await.unwrap();
        }
        place.session_part(&session("bert", "").session_id).await.unwrap();
        for expected in [true, false] {
            for agent in &agents {
                let fetch = place.media_fetch(media_id(1), Some(agent), LINGER).await.unwrap().unwrap();
                assert_eq!((fetch.present, fetch.room.epoch == epoch), (expected, expected), "{agent}");
            }
            place.room_set_passcode(&room("den"), "another").await.unwrap();
        }
    }
}
