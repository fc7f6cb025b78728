//! Giving up what nobody can see, and nothing that anybody can.

use crate::{
    given::{
        ATTEMPTS, LEASE, NOW, RETRY, at_once, claimed, created, deletion, edit, job_id, media_id, message, message_id,
        new_media, registration, room, stored, upload,
    },
    place::{on_both, race, tick},
};
use heim_common::{MediaId, Millis};
use heim_db::{
    Database, Edited, Expired, Finished, MediaCounts, MessageEdit, NewMedia, Registered, Sent, Shown, UploadOutcome,
    Uploaded,
};
use std::{collections::HashSet, time::Duration};

const ZERO: Duration = Duration::ZERO;
const DAY: Duration = Duration::from_hours(24);
/// Longer ago than anything in these tests happened.
const NEVER: Duration = Duration::from_hours(24 * 365 * 90);

/// A media object that was uploaded in 1970.
async fn old(db: &Database, id: u64) {
    let new = NewMedia { created: Millis(1), ..new_media(id, "one", "anna") };
    db.media_create(&new, 1_000).await.unwrap();
    db.media_uploaded(&Uploaded { now: Millis(2), ..upload(id) }).await.unwrap();
}

async fn sent(db: &Database, id: u64, attachments: &[u64]) {
    stored(db.message_send(&message(id, "one", "anna", attachments)).await.unwrap());
}

/// Deletes a message, long ago.
async fn deleted(db: &Database, id: u64) {
    let long_ago = MessageEdit { now: Millis(5), ..deletion(id, "one", 1_000 + id, None) };
    assert!(matches!(db.message_edit(&long_ago).await.unwrap(), Edited::Edited(_)));
}

async fn released(db: &Database, unattached_after: Duration, deleted_grace: Duration) -> Vec<u64> {
    let mut ids: Vec<_> =
        db.media_release(unattached_after, deleted_grace, 100).await.unwrap().into_iter().map(|id| id.0.0).collect();
    ids.sort_unstable();
    ids
}

on_both! {
    async fn what_no_message_shows_is_given_up_after_a_day(place: &Place) {
        for id in 1..=3 {
            old(place, id).await;
        }
        sent(place, 1, &[2]).await;
        // One that was created long ago and uploaded just now, and one that
        // still waits for its upload.
        let new = NewMedia { created: Millis(1), ..new_media(4, "one", "anna") };
        place.media_create(&new, 10).await.unwrap();
        place.media_uploaded(&Uploaded { now: place.now().await.unwrap(), ..upload(4) }).await.unwrap();
        place.media_create(&NewMedia { id: media_id(5), ..new }, 10).await.unwrap();
        assert_eq!(place.media_counts().await.unwrap(), MediaCounts { unattached: 3, withheld: 0, gone: 0 });
        assert_eq!(released(place, NEVER, ZERO).await, [0; 0]);
        assert_eq!(released(place, DAY, ZERO).await, [1, 3]);
        assert_eq!(place.media_counts().await.unwrap(), MediaCounts { unattached: 1, withheld: 0, gone: 2 });
        assert_eq!(released(place, DAY, ZERO).await, [0; 0]);
        tick(place).await;
        assert_eq!(released(place, ZERO, ZERO).await, [4]);
    }

    async fn what_only_deleted_messages_show_is_given_up_after_the_grace(place: &Place) {
        for id in 1..=3 {
            old(place, id).await;
        }
        sent(place, 1, &[1, 2]).await;
        sent(place, 2, &[2, 3]).await;
        deleted(place, 1).await;
        assert_eq!(place.media_counts().await.unwrap(), MediaCounts { unattached: 0, withheld: 1, gone: 0 });
        assert_eq!(released(place, ZERO, NEVER).await, [0; 0]);
        assert_eq!(released(place, ZERO, DAY).await, [1], "the other message shows the second");
        // Deleted just now: the grace counts for what both of them show.
        let now = place.now().await.unwrap();
        place.message_edit(&MessageEdit { now, ..deletion(2, "one", 20, None) }).await.unwrap();
        assert_eq!(released(place, ZERO, DAY).await, [0; 0]);
        assert_eq!(place.media_counts().await.unwrap(), MediaCounts { unattached: 0, withheld: 2, gone: 1 });
        tick(place).await;
        assert_eq!(released(place, ZERO, ZERO).await, [2, 3]);
    }

    async fn what_is_given_up_is_there_for_nobody(place: &Place) {
        let claim = claimed(place, 1, "one", LEASE).await;
        created(place, 2, "one", "bert").await;
        sent(place, 1, &[1]).await;
        deleted(place, 1).await;
        assert_eq!(released(place, ZERO, DAY).await, [1]);
        assert_eq!(place.media(media_id(1)).await.unwrap(), None);
        assert_eq!(place.media_fetch(media_id(1), None, DAY).await.unwrap(), None);
        assert_eq!(place.media_shown(media_id(1)).await.unwrap(), Shown::Never);
        assert_eq!(place.upload_slot(media_id(1)).await.unwrap(), None);
        assert_eq!(place.media_uploaded(&upload(1)).await.unwrap(), UploadOutcome::Gone);
        assert_eq!(place.message_send(&message(2, "one", "anna", &[1])).await.unwrap(), Sent::MediaNotFound);
        assert_eq!(place.message(&room("one"), message_id(1)).await.unwrap().unwrap().attachments, []);
        let registered = place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        assert_eq!(registered, Registered::NoSuchMedia);
        assert!(!place.job_heartbeat(job_id(1), claim.fence, LEASE).await.unwrap());
        let finished = place.job_finish(job_id(1), claim.fence, RETRY, &ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(finished, Finished::LeaseLost);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert_eq!(place.message_edit(&edit(1, "one", 20, Some(1_001))).await.unwrap(), Edited::NotFound);
        // An upload handle that is given up with its room ends without a word.
        place.room_delete(&room("one"), NOW).await.unwrap();
        place.room_sweep(&room("one"), 100).await.unwrap();
        assert_eq!(place.media_uploaded(&upload(2)).await.unwrap(), UploadOutcome::Gone);
        assert_eq!(place.media_refuse(media_id(2), heim_common::job::Reason::Damaged).await.unwrap(), None::<Expired>);
    }

    async fn rows_go_last(place: &Place) {
        for id in 1..=3 {
            old(place, id).await;
        }
        assert!(!place.media_forget(media_id(1), ZERO).await.unwrap(), "it is not given up");
        assert_eq!(released(place, ZERO, ZERO).await, [1, 2, 3]);
        let gone = place.media_gone(None, 2).await.unwrap();
        assert_eq!(gone.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [media_id(1), media_id(2)]);
        assert!(gone.iter().all(|(_, since)| since.0 > 1_700_000_000_000));
        assert_eq!(place.media_gone(Some(media_id(2)), 2).await.unwrap().len(), 1);
        let ids: Vec<_> = (0..=3_000).map(media_id).collect();
        let there = |ids: &[u64]| ids.iter().map(|id| media_id(*id)).collect::<HashSet<MediaId>>();
        assert_eq!(place.holdings(&ids).await.unwrap().into_keys().collect::<HashSet<_>>(), there(&[1, 2, 3]));
        assert!(!place.media_forget(media_id(1), DAY).await.unwrap(), "not for so long");
        assert!(place.media_forget(media_id(1), ZERO).await.unwrap());
        assert!(!place.media_forget(media_id(1), ZERO).await.unwrap());
        assert_eq!(place.holdings(&ids).await.unwrap().into_keys().collect::<HashSet<_>>(), there(&[2, 3]));
    }

    async fn a_message_is_forgotten_when_its_media_objects_are_given_up(place: &Place) {
        old(place, 1).await;
        for (id, attachments) in [(1, &[1][..]), (2, &[1]), (3, &[]), (4, &[])] {
            sent(place, id, attachments).await;
        }
        for id in 1..=3 {
            deleted(place, id).await;
        }
        assert_eq!(place.messages_forget(NEVER, 100).await.unwrap(), 0);
        assert_eq!(place.messages_forget(DAY, 100).await.unwrap(), 1, "the one without");
        assert_eq!(place.message_edit(&edit(3, "one", 20, Some(1_003))).await.unwrap(), Edited::NotFound);
        assert_eq!(place.media_shown(media_id(1)).await.unwrap(), Shown::Deleted);
        assert_eq!(released(place, ZERO, DAY).await, [1]);
        assert_eq!(place.messages_forget(DAY, 1).await.unwrap(), 1);
        assert_eq!(place.messages_forget(DAY, 100).await.unwrap(), 1);
        assert_eq!(place.log(&room("one"), 100, None).await.unwrap().len(), 1);
    }

    async fn a_message_is_forgotten_while_another_shows_the_same(place: &Place) {
        old(place, 1).await;
        for id in 1..=2 {
            sent(place, id, &[1]).await;
        }
        deleted(place, 1).await;
        assert_eq!(place.messages_forget(DAY, 100).await.unwrap(), 1);
        assert_eq!(place.media_shown(media_id(1)).await.unwrap(), Shown::Live);
        deleted(place, 2).await;
        assert_eq!(place.messages_forget(DAY, 100).await.unwrap(), 0);
        assert_eq!(place.media_shown(media_id(1)).await.unwrap(), Shown::Deleted);
        assert_eq!(released(place, ZERO, DAY).await, [1]);
    }

    async fn attaching_and_giving_up_agree(place: &Place) {
        for id in 1..=20 {
            old(place, id).await;
        }
        let ended = race(place, 24, |db, index| async move {
            if index < 20 {
                let id = index as u64 + 1;
                let sent = db.message_send(&message(id, "one", "anna", &[id])).await.unwrap();
                return vec![(id, matches!(sent, Sent::Stored(_)))];
            }
            released(&db, ZERO, ZERO).await.into_iter().map(|id| (id, false)).collect()
        });
        let ended = ended.await.concat();
        let stayed: HashSet<_> = ended.iter().filter(|(_, stayed)| *stayed).map(|(id, _)| *id).collect();
        for id in 1..=20 {
            let shown = place.media_shown(media_id(id)).await.unwrap();
            assert_eq!(shown == Shown::Live, stayed.contains(&id), "{id}");
            let message = place.message(&room("one"), message_id(id)).await.unwrap();
            assert_eq!(message.map(|message| message.attachments.len()), stayed.contains(&id).then_some(1), "{id}");
        }
    }

    async fn restoring_and_giving_up_agree(place: &Place) {
        for id in 1..=20 {
            old(place, id).await;
            sent(place, id, &[id]).await;
            deleted(place, id).await;
        }
        let ended = race(place, 26, |db, index| async move {
            let id = index as u64 + 1;
            match index {
                0..20 => {
                    let edited = db.message_edit(&edit(id, "one", 3_000, Some(1_000 + id))).await.unwrap();
                    return Some((id, matches!(edited, Edited::Edited(_))));
                }
                20..23 => drop(released(&db, ZERO, DAY).await),
                _ => drop(db.messages_forget(DAY, 100).await.unwrap()),
            }
            None
        });
        for (id, is_restored) in ended.await.into_iter().flatten() {
            assert_eq!(place.media(media_id(id)).await.unwrap().is_some(), is_restored, "{id}");
            let message = place.message(&room("one"), message_id(id)).await.unwrap();
            let attached = message.filter(|message| message.deleted.is_none()).map(|message| message.attachments.len());
            assert_eq!(attached, is_restored.then_some(1), "{id}");
        }
    }

    async fn each_is_given_up_by_one_sweep(place: &Place) {
        for id in 1..=40 {
            old(place, id).await;
        }
        let released = race(place, 8, |db, _| async move { db.media_release(ZERO, ZERO, 10).await.unwrap() }).await.concat();
        assert_eq!(released.iter().collect::<HashSet<_>>().len(), released.len());
        assert_eq!(place.media_counts().await.unwrap().gone, released.len() as u64);
        assert_eq!(place.jobs_outstanding().await.unwrap().pending, 40 - released.len() as u64);
    }
}
