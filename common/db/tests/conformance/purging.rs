//! Removing media objects for good.

use crate::{
    given::{
        LEASE, NOW, at_once, claimed, created, edit_id, job_id, media_id, message, message_id, registration, room,
        stored, uploaded,
    },
    place::{Place, on_both, race},
};
use heim_common::{EditId, UserId, job::Verdict};
use heim_db::{Doomed, Finished, Registered, Shown, UploadOutcome, Whose};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ids of changes, none twice.
fn edits() -> impl Fn() -> EditId + Send + Sync {
    let next = AtomicU64::new(5_000);
    move || edit_id(next.fetch_add(1, Ordering::Relaxed))
}

async fn doomed(place: &Place, whose: Whose) -> Vec<u64> {
    place.media_doomed(&whose, None, 100).await.unwrap().iter().map(|one| one.media.0.0).collect()
}

on_both! {
    async fn what_is_purged_is_gone_with_all_that_was_said_of_it(place: &Place) {
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        uploaded(place, 2, "one").await;
        for (id, media) in [(1, &[1][..]), (2, &[1, 2]), (3, &[2]), (4, &[])] {
            stored(place.message_send(&message(id, "one", "anna", media)).await.unwrap());
        }
        let purged = place.media_purge(&[media_id(1), media_id(9)], &edits(), NOW).await.unwrap();
        assert_eq!(purged.media, [media_id(1)]);
        let told: Vec<_> = purged.messages.iter().map(|one| (one.message, one.edit, one.previous, one.deleted)).collect();
        assert_eq!(told, [
            (message_id(1), edit_id(5_000), None, true),
            (message_id(2), edit_id(5_001), None, false),
        ]);
        assert_eq!(place.media(media_id(1)).await.unwrap(), None);
        assert_eq!(place.media_shown(media_id(1)).await.unwrap(), Shown::Never);
        assert_eq!(place.upload_slot(media_id(1)).await.unwrap(), None);
        let said = async |id| place.message(&room("one"), message_id(id)).await.unwrap().unwrap();
        assert!(said(1).await.deleted.is_some() && said(1).await.attachments.is_empty());
        assert!(said(2).await.deleted.is_none());
        assert_eq!(said(2).await.attachments.len(), 1);
        assert_eq!((said(2).await.edit, said(3).await.edit), (Some(edit_id(5_001)), None));
        // Whoever is still at it can do no more.
        let late = place.transcoding_register(&registration(1, "one", 1, 1)).await.unwrap();
        assert_eq!(late, Registered::NoSuchMedia);
        let late = place.job_finish(job_id(1), fence, Verdict::Done, &crate::given::ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(late, Finished::LeaseLost);
        let rows = place.snapshot().await.unwrap();
        assert!(rows.contains("media 1 ") && rows.contains(" gone ") && !rows.contains("transcoding 1 "), "{rows}");
        let of_one = rows.lines().find(|line| line.starts_with("media 1 ")).unwrap();
        assert!(!of_one.contains("digest") && !of_one.contains("placeholder"), "{of_one}");
        assert_eq!(place.media_gone(None, 10).await.unwrap().len(), 1, "its files are swept");
        assert_eq!(place.media_purge(&[media_id(1)], &edits(), NOW).await.unwrap().media, [], "once");
    }

    async fn what_is_to_go_is_found_by_whose_it_is(place: &Place) {
        uploaded(place, 1, "one").await;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        uploaded(place, 2, "two").await;
        created(place, 3, "two", "bert").await;
        place.sql("UPDATE media_object SET digest = NULL WHERE id = 2").await;
        stored(place.message_send(&message(1, "one", "anna", &[1])).await.unwrap());
        assert_eq!(
            place.media_doomed(&Whose::Media(media_id(1)), None, 10).await.unwrap(),
            [Doomed {
                media: media_id(1),
                room: room("one"),
                agent: UserId::from_stored("agent:anna".to_owned()),
                state: "uploaded".to_owned(),
                objects: 2,
                bytes: 551,
                messages: vec![message_id(1)],
            }]
        );
        assert_eq!(doomed(place, Whose::Message(message_id(1))).await, [1]);
        assert_eq!(doomed(place, Whose::Message(message_id(2))).await, [0; 0]);
        assert_eq!(doomed(place, Whose::Room(room("two"))).await, [2, 3]);
        assert_eq!(doomed(place, Whose::Agent(UserId::from_stored("agent:anna".to_owned()))).await, [1, 2]);
        assert_eq!(doomed(place, Whose::Digests(vec![[7; 32], [8; 32]])).await, [1]);
        assert_eq!(doomed(place, Whose::Digests(vec![[8; 32]])).await, [0; 0]);
        let page = place.media_doomed(&Whose::Room(room("two")), Some(media_id(2)), 1).await.unwrap();
        assert_eq!(page.iter().map(|one| one.media).collect::<Vec<_>>(), [media_id(3)]);
        place.media_purge(&[media_id(3)], &edits(), NOW).await.unwrap();
        assert_eq!(doomed(place, Whose::Room(room("two"))).await, [2]);
        let upload = place.media_uploaded(&crate::given::upload(3)).await.unwrap();
        assert_eq!(upload, UploadOutcome::Gone);
    }

    async fn purging_and_sending_agree(place: &Place) {
        for id in 1..=10 {
            uploaded(place, id, "one").await;
        }
        race(place, 20, |db, index| async move {
            let id = index as u64 / 2 + 1;
            if index % 2 == 0 {
                drop(db.message_send(&message(id, "one", "anna", &[id])).await.unwrap());
            } else {
                let edits = move || edit_id(6_000 + id);
                drop(db.media_purge(&[media_id(id)], &edits, NOW).await.unwrap());
            }
        })
        .await;
        for id in 1..=10 {
            assert_eq!(place.media(media_id(id)).await.unwrap(), None);
            let said = place.message(&room("one"), message_id(id)).await.unwrap();
            assert!(said.is_none_or(|said| said.deleted.is_some() && said.attachments.is_empty()), "{id}");
        }
    }
}
