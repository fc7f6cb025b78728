//! Deleting a room: over in a moment, and nothing comes into it after that.

use crate::{
    given::{
        LEASE, NOW, created, edit, edit_id, encryption, job_id, key_id, media_id, message, message_id, new_media,
        private, room, room_key, sealed, session, upload, uploaded, wrapped,
    },
    place::{on_both, race},
};
use heim_db::{Content, Created, Deleted, Edited, NewMedia, NewMessage, Rest, Room, RoomCreated, Sent, UploadOutcome};
use std::time::Duration;

on_both! {
    async fn a_deleted_room_is_closed_and_its_keys_are_shredded(place: &Place) {
        let epoch = private(place, "den").await;
        let anna = session("anna", "anna");
        place.session_join(&room("den"), &anna, epoch, LEASE, NOW).await.unwrap();
        place.session_rename(&room("den"), &anna).await.unwrap();
        place.room_manager_add(&room("den"), &anna.id).await.unwrap();
        let media = |id| NewMedia { epoch, encryption: Some(encryption(1)), ..new_media(id, "den", "anna") };
        for id in 1..=2 {
            place.media_create(&media(id), 10).await.unwrap();
        }
        place.media_uploaded(&upload(1)).await.unwrap();
        let content = Content::Sealed(sealed(1, "head", Rest::None));
        let said = |id| NewMessage { epoch, content: content.clone(), ..message(id, "den", "anna", &[]) };
        place.message_send(&said(1)).await.unwrap();

        assert_eq!(place.room_delete(&room("den"), NOW).await.unwrap(), Some(epoch + 1));
        assert_eq!(place.room_delete(&room("den"), NOW).await.unwrap(), None);
        assert_eq!(place.room_delete(&room("nowhere"), NOW).await.unwrap(), None);
        let den = Room { name: room("den"), private: true, epoch: epoch + 1, passcode: None, deleted: true, created: NOW };
        assert_eq!(place.room(&room("den")).await.unwrap(), Some(den.clone()));
        assert_eq!(place.room_open(&room("den"), NOW).await.unwrap(), den);
        assert_eq!(place.room_key(key_id(1)).await.unwrap(), None);
        assert_eq!(place.sessions(&room("den")).await.unwrap(), []);
        assert_eq!(place.nick(&room("den"), &anna.id).await.unwrap(), None);
        assert!(!place.room_is_manager(&room("den"), &anna.id).await.unwrap());

        for epoch in [epoch, epoch + 1] {
            assert!(!place.session_join(&room("den"), &anna, epoch, LEASE, NOW).await.unwrap());
            assert_eq!(place.message_send(&NewMessage { epoch, ..said(2) }).await.unwrap(), Sent::RoomClosed);
            assert_eq!(place.media_create(&NewMedia { epoch, ..media(3) }, 10).await.unwrap(), Created::RoomClosed);
            let mended = place.sessions_mend(&[], &[(room("den"), anna.clone(), epoch)], LEASE, NOW).await.unwrap();
            assert_eq!(mended.refused, [(room("den"), anna.session_id.clone())]);
        }
        assert_eq!(place.media_uploaded(&upload(2)).await.unwrap(), UploadOutcome::Gone);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert_eq!(place.message_edit(&edit(1, "den", 1, None)).await.unwrap(), Edited::RoomClosed);
        assert_eq!(place.message_delete(&room("den"), message_id(1), edit_id(1), NOW).await.unwrap(), Deleted::NotFound);
        assert!(!place.room_key_add(&room("den"), &room_key(2)).await.unwrap());
        assert!(!place.room_manager_add(&room("den"), &anna.id).await.unwrap());
        assert_eq!(place.room_set_passcode(&room("den"), "another").await.unwrap(), None);
        place.session_rename(&room("den"), &anna).await.unwrap();
        assert_eq!(place.nick(&room("den"), &anna.id).await.unwrap(), None);
        let exists = place.room_create_private(&room("den"), "again", &room_key(3), NOW).await.unwrap();
        assert_eq!(exists, RoomCreated::Exists(den));
    }

    async fn the_sweep_goes_on_until_nothing_is_left(place: &Place) {
        for id in 1..=5 {
            uploaded(place, id, "one").await;
        }
        created(place, 6, "one", "anna").await;
        uploaded(place, 7, "two").await;
        for id in 1..=5 {
            place.message_send(&message(id, "one", "anna", &[id])).await.unwrap();
        }
        place.message_send(&message(6, "two", "anna", &[7])).await.unwrap();
        assert!(place.room_sweep(&room("one"), 100).await.unwrap(), "it is not deleted: there is nothing to do");
        assert_eq!(place.log(&room("one"), 100, None).await.unwrap().len(), 5);

        place.room_delete(&room("one"), NOW).await.unwrap();
        assert_eq!(place.rooms_deleted(10).await.unwrap(), [room("one")]);
        assert!(!place.room_sweep(&room("one"), 4).await.unwrap());
        assert_eq!(place.media_counts().await.unwrap().gone, 4);
        let mut gone = race(place, 4, |db, _| async move { db.room_sweep(&room("one"), 4).await.unwrap() }).await;
        gone.push(place.room_sweep(&room("one"), 4).await.unwrap());
        assert!(gone.pop().unwrap());
        assert_eq!(place.room(&room("one")).await.unwrap(), None);
        assert_eq!(place.rooms_deleted(10).await.unwrap(), []);
        assert_eq!(place.jobs_outstanding().await.unwrap().pending, 1, "that of the other room");
        assert_eq!(place.media_counts().await.unwrap().gone, 6);
        for (id, _) in place.media_gone(None, 100).await.unwrap() {
            assert!(place.media_forget(id, Duration::ZERO).await.unwrap());
        }

        // Another room of this name has nothing of the first, not even an epoch.
        let again = place.room_open(&room("one"), NOW).await.unwrap();
        assert!(again.epoch > 1);
        assert_eq!(place.log(&room("one"), 100, None).await.unwrap(), []);
        assert_eq!(place.log(&room("two"), 100, None).await.unwrap().len(), 1);
        assert!(place.media(media_id(7)).await.unwrap().is_some());
        assert!(!place.session_join(&room("one"), &session("anna", ""), 0, LEASE, NOW).await.unwrap());
    }

    async fn nothing_slips_into_a_room_that_is_being_deleted(place: &Place) {
        for id in 1..=10 {
            created(place, id, "one", "anna").await;
        }
        let deleted = race(place, 51, |db, index| async move {
            let id = index as u64 % 10 + 1;
            let agent = session(&format!("agent{index}"), "nick");
            match index {
                50 => return db.room_delete(&room("one"), NOW).await.unwrap().is_some(),
                0..10 => drop(db.media_uploaded(&upload(id)).await.unwrap()),
                10..20 => drop(db.media_create(&new_media(100 + id, "one", "bert"), 100).await.unwrap()),
                20..30 => drop(db.session_join(&room("one"), &agent, 0, LEASE, NOW).await.unwrap()),
                30..40 => db.session_rename(&room("one"), &agent).await.unwrap(),
                _ => drop(db.message_send(&message(id, "one", "anna", &[id])).await.unwrap()),
            }
            false
        });
        assert!(deleted.await[50]);
        assert_eq!(place.sessions(&room("one")).await.unwrap(), []);
        for index in 30..40 {
            let agent = session(&format!("agent{index}"), "").id;
            assert_eq!(place.nick(&room("one"), &agent).await.unwrap(), None);
        }
        assert!(place.room_sweep(&room("one"), 1_000).await.unwrap());
        let snapshot = place.snapshot().await.unwrap();
        let is_left = |line: &&str| line.starts_with("job") || line.starts_with("media") && !line.contains(" gone ");
        assert_eq!(snapshot.lines().find(is_left), None, "{snapshot}");
    }

    async fn the_keys_of_a_deleted_room_are_in_no_file(place: &Place) {
        private(place, "den").await;
        let is_in_a_file = || {
            let holds = |bytes: Vec<u8>| bytes.windows(wrapped(1).len()).any(|window| window == wrapped(1));
            place.files().iter().any(|file| holds(std::fs::read(file).unwrap()))
        };
        // A server keeps its files to itself.
        assert_eq!(is_in_a_file(), !place.files().is_empty());
        place.room_delete(&room("den"), NOW).await.unwrap();
        assert!(!is_in_a_file());
    }
}
