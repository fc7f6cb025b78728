//! Private rooms: made once, entered anew after every new passcode, and what is
//! said in them is sealed.

use crate::{
    given::{
        LEASE, NOW, created, edit_id, encryption, media_id, message, message_id, new_media, private, room, room_key,
        sealed, session, stored, upload,
    },
    place::{on_both, race},
};
use heim_common::{UserId, session::SessionView};
use heim_db::{Content, Created, Deleted, Mended, NewMedia, NewMessage, Rest, RoomCreated, Sent};

on_both! {
    async fn of_twenty_who_make_one_room_one_does(place: &Place) {
        let outcomes = race(place, 20, |db, index| async move {
            let key = room_key(index as u64 + 1);
            db.room_create_private(&room("den"), &format!("passcode {index}"), &key, NOW).await.unwrap()
        });
        let outcomes = outcomes.await;
        let made = outcomes.iter().position(|outcome| *outcome == RoomCreated::Created).unwrap();
        let den = place.room(&room("den")).await.unwrap().unwrap();
        assert_eq!((den.private, den.passcode.clone()), (true, Some(format!("passcode {made}"))));
        assert!(!format!("{den:?}").contains("passcode"), "it is not for logs");
        let others = outcomes.into_iter().filter(|outcome| *outcome == RoomCreated::Exists(den.clone())).count();
        assert_eq!(others, 19);
        let key = place.room_key_current(&room("den")).await.unwrap().unwrap();
        assert_eq!((key.id, &key.room), (room_key(made as u64 + 1).id, &room("den")));
        assert_eq!(place.room_keys(None, 100).await.unwrap(), [key], "the others left nothing");
    }

    async fn rooms_are_listed_page_by_page(place: &Place) {
        private(place, "den").await;
        let names = |rooms: Vec<heim_db::Room>| rooms.into_iter().map(|room| room.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(place.rooms(None, 4).await.unwrap()), ["a", "b", "den", "flood"]);
        assert_eq!(names(place.rooms(Some(&room("flood")), 100).await.unwrap()), ["one", "two", "welcome", "z"]);
    }

    async fn a_new_passcode_is_a_new_epoch_without_anybody(place: &Place) {
        let epoch = private(place, "den").await;
        let (anna, bert) = (session("anna", "anna"), session("bert", "bert"));
        for view in [&anna, &bert] {
            assert!(place.session_join(&room("den"), view, epoch, LEASE, NOW).await.unwrap());
        }
        place.session_part(&bert.session_id).await.unwrap();
        assert_eq!(place.room_set_passcode(&room("one"), "none").await.unwrap(), None, "it is public");
        assert_eq!(place.room_set_passcode(&room("nowhere"), "none").await.unwrap(), None);
        assert_eq!(place.room_set_passcode(&room("den"), "another").await.unwrap(), Some(epoch + 1));
        let den = place.room(&room("den")).await.unwrap().unwrap();
        assert_eq!((den.epoch, den.passcode.as_deref()), (epoch + 1, Some("another")));
        assert_eq!(place.sessions(&room("den")).await.unwrap(), []);
        // Who knew the old one is told so whatever they try.
        assert!(!place.session_join(&room("den"), &anna, epoch, LEASE, NOW).await.unwrap());
        let here = [(room("den"), anna.clone(), epoch), (room("one"), bert.clone(), 0)];
        let refused = vec![(room("den"), anna.session_id.clone())];
        let mended = place.sessions_mend(&[], &here, LEASE, NOW).await.unwrap();
        assert_eq!(mended, Mended { went: Vec::new(), refused });
        assert_eq!(place.sessions(&room("one")).await.unwrap(), [bert]);
        let late = NewMessage { epoch, ..message(1, "den", "anna", &[]) };
        assert_eq!(place.message_send(&late).await.unwrap(), Sent::RoomClosed);
        let late = NewMedia { epoch, ..new_media(1, "den", "anna") };
        assert_eq!(place.media_create(&late, 10).await.unwrap(), Created::RoomClosed);
        assert!(place.session_join(&room("den"), &anna, epoch + 1, LEASE, NOW).await.unwrap());
    }

    async fn who_joins_while_the_passcode_changes_is_out(place: &Place) {
        let epoch = private(place, "den").await;
        let outcomes = race(place, 41, |db, index| async move {
            if index == 20 {
                return db.room_set_passcode(&room("den"), "another").await.unwrap().is_some();
            }
            let agent = format!("agent{index}");
            if index % 2 == 0 {
                return db.session_join(&room("den"), &session(&agent, ""), epoch, LEASE, NOW).await.unwrap();
            }
            let content = Content::Sealed(sealed(1, "head", Rest::None));
            let new = NewMessage { epoch, content, ..message(index as u64, "den", &agent, &[]) };
            matches!(db.message_send(&new).await.unwrap(), Sent::Stored(_))
        });
        let outcomes = outcomes.await;
        assert!(outcomes[20]);
        assert_eq!(place.sessions(&room("den")).await.unwrap(), []);
        let sent = outcomes.iter().skip(1).step_by(2).filter(|sent| **sent).count();
        assert_eq!(place.log(&room("den"), 100, None).await.unwrap().len(), sent);
    }

    async fn managers_are_kept_by_room(place: &Place) {
        let (anna, bert) = (session("anna", "anna"), session("bert", "bert"));
        for _ in 0..2 {
            assert!(place.room_manager_add(&room("one"), &anna.id).await.unwrap());
        }
        assert!(!place.room_manager_add(&room("nowhere"), &anna.id).await.unwrap());
        assert!(place.room_is_manager(&room("one"), &anna.id).await.unwrap());
        assert!(!place.room_is_manager(&room("two"), &anna.id).await.unwrap());
        assert!(!place.room_is_manager(&room("one"), &bert.id).await.unwrap());
        for view in [&anna, &bert] {
            place.session_join(&room("one"), view, 0, LEASE, NOW).await.unwrap();
        }
        let manager = SessionView { is_manager: true, ..anna.clone() };
        assert_eq!(place.sessions(&room("one")).await.unwrap(), [manager.clone(), bert.clone()]);
        let by_a_manager = NewMessage { sender: manager.clone(), ..message(1, "one", "anna", &[]) };
        assert_eq!(stored(place.message_send(&by_a_manager).await.unwrap()).sender, manager);
        assert_eq!(place.room_managers(&room("one")).await.unwrap(), std::slice::from_ref(&anna.id));
        assert!(place.room_manager_remove(&room("one"), &anna.id).await.unwrap());
        assert!(!place.room_manager_remove(&room("one"), &anna.id).await.unwrap());
        assert_eq!(place.room_managers(&room("one")).await.unwrap(), [] as [UserId; 0]);
        let message = place.message(&room("one"), message_id(1)).await.unwrap().unwrap();
        assert!(message.sender.is_manager, "they were, when they said it");
    }

    async fn a_sealed_message_comes_whole_or_as_its_head(place: &Place) {
        let epoch = private(place, "den").await;
        let said = |id, rest| {
            let content = Content::Sealed(sealed(1, &format!("head {id}"), rest));
            NewMessage { epoch, content, ..message(id, "den", "anna", &[]) }
        };
        let rest = Rest::There(vec![7; 100_000]);
        for (id, rest) in [(1, Rest::None), (2, rest), (3, Rest::There(Vec::new()))] {
            let new = said(id, rest);
            assert_eq!(stored(place.message_send(&new).await.unwrap()).content, new.content);
            assert_eq!(place.message(&room("den"), message_id(id)).await.unwrap().unwrap().content, new.content);
        }
        let log = place.log(&room("den"), 10, None).await.unwrap();
        let heads: Vec<_> = log.iter().map(|message| message.content.clone()).collect();
        let head = |id, rest| Content::Sealed(sealed(1, &format!("head {id}"), rest));
        assert_eq!(heads, [head(1, Rest::None), head(2, Rest::Unread), head(3, Rest::Unread)]);
        assert_eq!(place.message_cut(&room("den"), message_id(2)).await.unwrap().as_ref(), Some(&log[1]));
        // What was not read cannot be written, and nothing of it stays.
        let error = place.message_send(&said(4, Rest::Unread)).await.unwrap_err();
        assert!(error.is_unreadable() && !error.is_unavailable(), "{error:?}");
        assert_eq!(place.message_delete(&room("den"), message_id(4), edit_id(1), NOW).await.unwrap(), Deleted::NotFound);
    }

    async fn a_private_media_object_carries_its_key_to_whoever_needs_it(place: &Place) {
        let epoch = private(place, "den").await;
        let new = NewMedia { epoch, encryption: Some(encryption(1)), ..new_media(1, "den", "anna") };
        assert_eq!(place.media_create(&new, 10).await.unwrap(), Created::Created);
        let slot = place.upload_slot(media_id(1)).await.unwrap().unwrap();
        assert_eq!(slot.encryption, Some(encryption(1)));
        place.media_uploaded(&upload(1)).await.unwrap();
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().encryption, Some(encryption(1)));
        let claim = place.job_claim(upload(1).job, "worker", 1, LEASE).await.unwrap().unwrap();
        assert_eq!((claim.encryption, claim.sha256), (Some(encryption(1)), None), "its digest is no SHA-256");
        created(place, 2, "one", "anna").await;
        assert_eq!(place.upload_slot(media_id(2)).await.unwrap().unwrap().encryption, None);
        assert!(place.snapshot().await.unwrap().starts_with("media 1 den "), "with its key's id, and not the key");
        assert!(place.snapshot().await.unwrap().contains(" under key 1 "));
    }
}
