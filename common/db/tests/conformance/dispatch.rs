//! Which jobs the transport is told of, and in which order.

use crate::{
    given::{LEASE, created, job_id, upload, uploaded},
    place::{on_both, race, tick},
};
use heim_common::job::Lane;
use heim_db::{Database, Uploaded};
use std::{collections::HashSet, time::Duration};

const STALE: Duration = Duration::from_mins(1);

async fn due(db: &Database, limit: u64, stale: Duration) -> Vec<u64> {
    db.jobs_due(limit, stale).await.unwrap().into_iter().map(|(job, _)| job.0.0).collect()
}

async fn in_lane(db: &Database, id: u64, room: &str, lane: Lane) {
    created(db, id, room, "anna").await;
    db.media_uploaded(&Uploaded { lane, ..upload(id) }).await.unwrap();
}

on_both! {
    async fn rooms_take_turns_and_lanes_do_not(place: &Place) {
        in_lane(place, 1, "b", Lane::Backfill).await;
        in_lane(place, 2, "b", Lane::Bulk).await;
        for id in 3..=7 {
            uploaded(place, id, "flood").await;
        }
        uploaded(place, 8, "a").await;
        uploaded(place, 9, "z").await;
        uploaded(place, 10, "a").await;
        assert_eq!(due(place, 4, STALE).await, [3, 8, 9, 4]);
        assert_eq!(due(place, 100, STALE).await, [5, 10, 6, 7, 2, 1]);
        assert_eq!(due(place, 100, STALE).await, [0; 0]);
    }

    async fn what_the_transport_lost_is_told_again(place: &Place) {
        uploaded(place, 1, "one").await;
        uploaded(place, 2, "one").await;
        assert_eq!(due(place, 100, STALE).await, [1, 2]);
        place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
        tick(place).await;
        assert_eq!(due(place, 100, Duration::ZERO).await, [2]);
    }

    async fn coordinators_that_ask_at_once_get_different_jobs(place: &Place) {
        for id in 1..=60 {
            uploaded(place, id, if id % 3 == 0 { "one" } else { "two" }).await;
        }
        let taken = race(place, 12, |db, _| async move { due(&db, 10, STALE).await }).await.concat();
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len());
        let rest = due(place, 100, STALE).await;
        assert_eq!(taken.len() + rest.len(), 60);
    }

    async fn nothing_is_due_where_nothing_is_asked_for(place: &Place) {
        assert_eq!(due(place, 10, STALE).await, [0; 0]);
        uploaded(place, 1, "one").await;
        assert_eq!(due(place, 0, STALE).await, [0; 0]);
    }
}
