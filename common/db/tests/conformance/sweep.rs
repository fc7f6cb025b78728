//! Upload handles that nobody used.

use crate::{
    given::{created, media_id, message, new_media, room, upload, uploaded},
    place::{on_both, race},
};
use heim_common::{Millis, job::Reason, media::MediaState};
use heim_db::{Database, Expired, NewMedia, Sent, UploadOutcome};
use std::time::Duration;

async fn expired(db: &Database, id: u64) {
    // The handle's end is judged by the database's clock.
    let media = NewMedia { created: Millis(0), expires: Millis(1), ..new_media(id, "one", "anna") };
    db.media_create(&media, 1_000).await.unwrap();
}

on_both! {
    async fn unused_handles_go_and_used_ones_stay(place: &Place) {
        expired(place, 1).await;
        created(place, 2, "one", "anna").await;
        uploaded(place, 3, "one").await;
        assert_eq!(place.handles_expire(Duration::from_hours(24 * 365 * 90)).await.unwrap(), []);
        assert_eq!(place.handles_expire(Duration::ZERO).await.unwrap(), [Expired::Removed(media_id(1))]);
        assert_eq!(place.media(media_id(1)).await.unwrap(), None);
        assert!(place.media(media_id(2)).await.unwrap().is_some());
        assert_eq!(place.media_uploaded(&upload(1)).await.unwrap(), UploadOutcome::Gone);
    }

    async fn what_a_message_shows_fails_visibly(place: &Place) {
        expired(place, 1).await;
        assert!(matches!(place.message_send(&message(9, "one", "anna", &[1])).await.unwrap(), Sent::Stored(_)));
        let ended = race(place, 6, |db, _| async move { db.handles_expire(Duration::ZERO).await.unwrap() });
        let failed = Expired::Failed { media: media_id(1), room: room("one"), seq: 1 };
        assert_eq!(ended.await.concat(), [failed]);
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((media.state, media.failure), (MediaState::Failed, Some(Reason::NeverUploaded)));
        assert_eq!(place.media_uploaded(&upload(1)).await.unwrap(), UploadOutcome::Gone);
        assert_eq!(place.message_send(&message(10, "one", "anna", &[1])).await.unwrap(), Sent::MediaNotFound);
    }

    async fn a_refused_upload_is_gone_unless_a_message_shows_it(place: &Place) {
        created(place, 1, "one", "anna").await;
        created(place, 2, "one", "anna").await;
        uploaded(place, 3, "one").await;
        place.message_send(&message(9, "one", "anna", &[2])).await.unwrap();
        let refused = place.media_refuse(media_id(1), Reason::UnsupportedType).await.unwrap();
        assert_eq!(refused, Some(Expired::Removed(media_id(1))));
        assert_eq!(place.media(media_id(1)).await.unwrap(), None);
        let refused = place.media_refuse(media_id(2), Reason::UnsupportedType).await.unwrap();
        assert_eq!(refused, Some(Expired::Failed { media: media_id(2), room: room("one"), seq: 2 }));
        let media = place.media(media_id(2)).await.unwrap().unwrap();
        assert_eq!((media.state, media.failure), (MediaState::Failed, Some(Reason::UnsupportedType)));
        // What was uploaded, refused already or never there is left as it is.
        for id in 1..=4 {
            assert_eq!(place.media_refuse(media_id(id), Reason::Damaged).await.unwrap(), None, "{id}");
        }
        assert_eq!(place.media(media_id(3)).await.unwrap().unwrap().state, MediaState::Uploaded);
    }

    async fn attaching_and_sweeping_agree(place: &Place) {
        for id in 1..=20 {
            expired(place, id).await;
        }
        let ended = race(place, 22, |db, index| async move {
            if index < 20 {
                let id = index as u64 + 1;
                let sent = db.message_send(&message(100 + id, "one", "anna", &[id])).await.unwrap();
                return vec![(id, matches!(sent, Sent::Stored(_)))];
            }
            db.handles_expire(Duration::ZERO).await.unwrap();
            Vec::new()
        });
        place.handles_expire(Duration::ZERO).await.unwrap();
        for (id, stored) in ended.await.concat() {
            assert_eq!(place.media(media_id(id)).await.unwrap().is_some(), stored, "{id}");
        }
    }
}
