//! Media objects until their upload is durable.

use crate::{
    given::{created, job_id, media_id, new_media, upload, uploaded},
    place::{on_both, race},
};
use heim_common::{MediaId, key::ObjectKey, media::MediaState, spec::TranscodingName};
use heim_db::{Created, UploadOutcome, Uploaded};

on_both! {
    async fn an_upload_slot_is_there_before_the_upload(place: &Place) {
        created(place, 1, "one", "anna").await;
        let slot = place.upload_slot(media_id(1)).await.unwrap().unwrap();
        assert_eq!((slot.room.as_str(), slot.state, slot.max_size), ("one", MediaState::Created, 1_000));
        assert_eq!(place.upload_slot(media_id(2)).await.unwrap(), None);
        assert_eq!(place.media(media_id(2)).await.unwrap(), None);
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((media.uploaded, media.transcodings.len()), (None, 0));
    }

    async fn an_agent_has_a_bounded_number_of_handles(place: &Place) {
        let outcomes = race(place, 20, |db, index| async move {
            db.media_create(&new_media(index as u64 + 1, "one", "anna"), 5).await.unwrap()
        });
        let made = outcomes.await.into_iter().filter(|outcome| *outcome == Created::Created).count();
        assert_eq!(made, 5);
        assert_eq!(place.media_create(&new_media(100, "two", "bert"), 5).await.unwrap(), Created::Created);
        let open = first_created(place).await;
        place.media_uploaded(&Uploaded { job: job_id(9), ..upload(open.0.0) }).await.unwrap();
        assert_eq!(place.media_create(&new_media(101, "two", "anna"), 5).await.unwrap(), Created::Created);
    }

    async fn of_fifty_uploads_to_one_handle_one_wins(place: &Place) {
        created(place, 1, "one", "anna").await;
        let outcomes = race(place, 50, |db, index| async move {
            let key = ObjectKey::from_stored(format!("upload {index}"));
            let upload = Uploaded { key, job: job_id(index as u64 + 1), ..upload(1) };
            db.media_uploaded(&upload).await.unwrap()
        });
        let outcomes = outcomes.await;
        let winner = outcomes.iter().position(|outcome| *outcome == UploadOutcome::Stored { seq: 1 }).unwrap();
        let others = outcomes.iter().filter(|outcome| **outcome == UploadOutcome::AlreadyUploaded).count();
        assert_eq!(others, 49);
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        let original = media.transcoding(&TranscodingName::original()).unwrap();
        assert_eq!(original.key.as_str(), format!("upload {winner}"));
        assert_eq!(place.jobs_outstanding().await.unwrap().pending, 1);
        assert_eq!(place.events_last().await.unwrap(), 1);
    }

    async fn without_specs_a_media_object_is_ready_at_once(place: &Place) {
        created(place, 1, "one", "anna").await;
        place.media_uploaded(&Uploaded { specs: Vec::new(), ..upload(1) }).await.unwrap();
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().state, MediaState::Ready);
        assert_eq!(place.jobs_outstanding().await.unwrap().pending, 0);
    }

    async fn uploads_to_what_is_gone_are_told_so(place: &Place) {
        assert_eq!(place.media_uploaded(&upload(1)).await.unwrap(), UploadOutcome::Gone);
        assert_eq!(place.snapshot().await.unwrap(), "");
        uploaded(place, 1, "one").await;
        let before = place.snapshot().await.unwrap();
        let another = Uploaded { key: ObjectKey::from_stored("another".to_owned()), ..upload(1) };
        assert_eq!(place.media_uploaded(&another).await.unwrap(), UploadOutcome::AlreadyUploaded);
        let again = place.media_uploaded(&upload(1)).await.unwrap();
        assert!(matches!(again, UploadOutcome::Stored { .. }), "the same upload, asked about again: {again:?}");
        assert_eq!(place.snapshot().await.unwrap(), before);
    }
}

async fn first_created(db: &heim_db::Database) -> MediaId {
    for id in 1..=20 {
        if db.media(media_id(id)).await.unwrap().is_some() {
            return media_id(id);
        }
    }
    panic!("none of twenty was created");
}
