//! Registering transcodings: once each, whoever asks how often and when.

use crate::{
    given::{
        ATTEMPTS, LEASE, NO_LEASE, RETRY, at_once, claimed, created, description, job_id, media_id, registration,
        uploaded,
    },
    place::{on_both, race, tick},
};
use heim_common::{media::MediaState, spec::TranscodingName};
use heim_db::{Database, Registered, Registration};

async fn state(db: &Database) -> MediaState {
    db.media(media_id(1)).await.unwrap().unwrap().state
}

fn is_new(registered: Registered) -> bool {
    matches!(registered, Registered::New { .. })
}

on_both! {
    async fn of_a_hundred_equal_hooks_one_is_new(place: &Place) {
        uploaded(place, 1, "one").await;
        let outcomes = race(place, 100, |db, _| async move {
            db.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap()
        });
        let outcomes = outcomes.await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Registered::New { seq: 2 }).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Registered::Same).count(), 99);
        assert_eq!(place.events_last().await.unwrap(), 2);
    }

    async fn the_version_wins_in_every_order_of_arrival(place: &Place) {
        for (id, order) in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]].into_iter().enumerate() {
            let id = id as u64 + 1;
            uploaded(place, id, "one").await;
            let mut highest = 0;
            for version in order {
                let registered = place.transcoding_register(&registration(id, "one", 0, version)).await.unwrap();
                assert_eq!(is_new(registered), version > highest, "{order:?}: {registered:?}");
                assert!(version > highest || registered == Registered::Older);
                highest = highest.max(version);
                let again = place.transcoding_register(&registration(id, "one", 0, version)).await.unwrap();
                assert_eq!(again, if version == highest { Registered::Same } else { Registered::Older });
            }
            let media = place.media(media_id(id)).await.unwrap().unwrap();
            let thumb = media.transcoding(&registration(id, "one", 0, 3).transcoding.name).unwrap();
            assert_eq!((thumb.version, thumb.size), (3, 53));
        }
    }

    async fn the_same_version_with_another_body_is_a_conflict(place: &Place) {
        uploaded(place, 1, "one").await;
        assert!(is_new(place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap()));
        let before = place.snapshot().await.unwrap();
        let mut other = registration(1, "one", 0, 1);
        other.transcoding.size += 1;
        assert_eq!(place.transcoding_register(&other).await.unwrap(), Registered::Conflict);
        let mut original = registration(1, "one", 0, 1);
        original.transcoding.name = TranscodingName::original();
        assert_eq!(place.transcoding_register(&original).await.unwrap(), Registered::Conflict);
        assert_eq!(place.snapshot().await.unwrap(), before);
    }

    async fn the_last_one_makes_the_media_object_ready(place: &Place) {
        uploaded(place, 1, "one").await;
        let described = Registration { description: Some(description()), ..registration(1, "one", 1, 1) };
        place.transcoding_register(&described).await.unwrap();
        assert_eq!(state(place).await, MediaState::Uploaded);
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!(media.state, MediaState::Ready);
        assert_eq!((media.width, media.height, media.placeholder), (Some(3_000), Some(4_000), Some(vec![1; 21])));
        assert_eq!((media.color, media.frames, media.alpha), (Some(vec![1, 2, 3]), Some(1), Some(false)));
    }

    async fn a_worker_that_lost_its_lease_registers_nothing(place: &Place) {
        let zombie = claimed(place, 1, "one", NO_LEASE).await;
        let under = |fence| Registration { lease: Some((job_id(1), fence)), ..registration(1, "one", 0, 1) };
        // Nobody took the job away yet: it still counts.
        assert!(is_new(place.transcoding_register(&under(zombie.fence)).await.unwrap()));
        tick(place).await;
        assert_eq!(place.job_reap(&ATTEMPTS, &at_once).await.unwrap().len(), 1);
        let late = Registration { lease: Some((job_id(1), zombie.fence)), ..registration(1, "one", 1, 1) };
        assert_eq!(place.transcoding_register(&late).await.unwrap(), Registered::LeaseLost);
        let heir = place.job_claim(job_id(1), "heir", 1, LEASE).await.unwrap().unwrap();
        assert!(heir.fence > zombie.fence);
        assert_eq!(place.transcoding_register(&late).await.unwrap(), Registered::LeaseLost);
        assert!(!place.job_heartbeat(job_id(1), zombie.fence, LEASE).await.unwrap());
        let finished = place.job_finish(job_id(1), zombie.fence, RETRY, &ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(finished, heim_db::Finished::LeaseLost);
        let now = Registration { lease: Some((job_id(1), heir.fence)), ..late };
        assert!(is_new(place.transcoding_register(&now).await.unwrap()));
    }

    async fn a_lease_is_good_for_its_own_media_object_only(place: &Place) {
        let claim = claimed(place, 1, "one", LEASE).await;
        uploaded(place, 2, "one").await;
        let foreign = Registration { lease: Some((job_id(1), claim.fence)), ..registration(2, "one", 0, 1) };
        assert_eq!(place.transcoding_register(&foreign).await.unwrap(), Registered::LeaseLost);
    }

    async fn unknown_foreign_and_empty_media_objects_are_not_there(place: &Place) {
        uploaded(place, 1, "one").await;
        created(place, 2, "one", "anna").await;
        for (id, room) in [(1, "two"), (2, "one"), (3, "one")] {
            let registered = place.transcoding_register(&registration(id, room, 0, 1)).await.unwrap();
            assert_eq!(registered, Registered::NoSuchMedia, "{id} {room}");
        }
    }
}
