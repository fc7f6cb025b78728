//! How much may be uploaded within a day.

use crate::{
    given::{NOW, created, job_id, room, session, upload},
    place::{on_both, race},
};
use heim_common::{Millis, key::ObjectKey};
use heim_db::{QuotaExceeded, Quotas, UploadOutcome, Uploaded};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// An upload of 500 bytes at a time, with these quotas.
fn at(id: u64, now: Millis, quotas: Quotas) -> Uploaded {
    Uploaded { now, quotas, ..upload(id) }
}

fn agents(bytes: u64) -> Quotas {
    Quotas { agent: bytes, room: 0 }
}

fn rooms(bytes: u64) -> Quotas {
    Quotas { agent: 0, room: bytes }
}

fn is_stored(outcome: UploadOutcome) -> bool {
    matches!(outcome, UploadOutcome::Stored { .. })
}

fn refused(retry_after: Duration) -> UploadOutcome {
    UploadOutcome::QuotaExceeded(QuotaExceeded { retry_after })
}

on_both! {
    async fn an_agent_uploads_its_quota_and_no_byte_more(place: &Place) {
        for (id, to) in [(1, "one"), (2, "two"), (3, "one")] {
            created(place, id, to, "anna").await;
        }
        created(place, 4, "one", "bert").await;
        assert!(is_stored(place.media_uploaded(&at(1, NOW, agents(1_000))).await.unwrap()));
        let later = NOW.after(Duration::from_secs(10));
        assert!(is_stored(place.media_uploaded(&at(2, later, agents(1_000))).await.unwrap()), "up to the last byte");
        let wait = DAY.saturating_sub(Duration::from_secs(10));
        assert_eq!(place.media_uploaded(&at(3, later, agents(1_000))).await.unwrap(), refused(wait));
        assert!(is_stored(place.media_uploaded(&at(4, later, agents(1_000))).await.unwrap()), "another agent");
        let next_day = NOW.after(DAY);
        assert!(is_stored(place.media_uploaded(&at(3, next_day, agents(1_000))).await.unwrap()), "the first is old");
    }

    async fn a_room_takes_its_quota_and_no_byte_more(place: &Place) {
        created(place, 1, "one", "anna").await;
        created(place, 2, "one", "bert").await;
        created(place, 3, "two", "bert").await;
        assert!(is_stored(place.media_uploaded(&at(1, NOW, rooms(999))).await.unwrap()));
        assert_eq!(place.media_uploaded(&at(2, NOW, rooms(999))).await.unwrap(), refused(DAY));
        assert!(is_stored(place.media_uploaded(&at(3, NOW, rooms(999))).await.unwrap()), "another room");
        assert!(is_stored(place.media_uploaded(&at(2, NOW, Quotas::default())).await.unwrap()), "no quota");
    }

    async fn what_may_be_uploaded_is_told_before(place: &Place) {
        created(place, 1, "one", "anna").await;
        place.media_uploaded(&upload(1)).await.unwrap();
        let anna = session("anna", "anna").id;
        let asked = async |bytes, quotas| place.quota(&anna, &room("one"), bytes, quotas, NOW).await.unwrap();
        assert_eq!(asked(500, agents(1_000)).await, Ok(()));
        assert_eq!(asked(501, agents(1_000)).await, Err(QuotaExceeded { retry_after: DAY }));
        assert_eq!(asked(501, rooms(1_000)).await, Err(QuotaExceeded { retry_after: DAY }));
        assert_eq!(asked(u64::MAX, Quotas::default()).await, Ok(()));
    }

    async fn of_many_uploads_at_once_no_more_than_the_quota_are_stored(place: &Place) {
        for id in 1..=12 {
            created(place, id, "one", "anna").await;
        }
        for (round, quotas) in [agents(2_000), rooms(2_000)].into_iter().enumerate() {
            let outcomes = race(place, 12, |db, index| async move {
                let id = index as u64 + 1;
                let key = ObjectKey::from_stored(format!("upload {id} of {round}"));
                db.media_uploaded(&Uploaded { key, job: job_id(id), ..at(id, NOW, quotas) }).await.unwrap()
            });
            let stored = outcomes.await.into_iter().filter(|outcome| is_stored(*outcome)).count();
            assert_eq!(stored, if round == 0 { 4 } else { 0 }, "the room is full then, too");
        }
    }
}
