//! Which jobs the transport is told of, and in which order.

use crate::{
    given::{ATTEMPTS, LEASE, at_once, created, job_id, upload, uploaded},
    place::{on_both, race, tick},
};
use heim_common::job::{Lane, Verdict};
use heim_db::{Backlog, Choice, Cursors, Database, Uploaded};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

const STALE: Duration = Duration::from_mins(1);

/// Chooses from every lane, and goes on from there the next time.
async fn choose(db: &Database, limit: usize, cursors: &mut Cursors) -> Vec<u64> {
    let wanted: BTreeMap<_, _> = Lane::ALL.iter().map(|lane| (*lane, limit)).collect();
    let Choice { jobs, next, more: _ } = db.jobs_choose(&wanted, cursors).await.unwrap();
    *cursors = next;
    jobs.into_values().flatten().map(|job| job.0.0).collect()
}

pub(crate) async fn due(db: &Database, limit: usize) -> Vec<u64> {
    choose(db, limit, &mut Cursors::default()).await
}

async fn in_lane(db: &Database, id: u64, room: &str, lane: Lane) {
    created(db, id, room, "anna").await;
    db.media_uploaded(&Uploaded { lane, ..upload(id) }).await.unwrap();
}

on_both! {
    async fn rooms_take_turns_and_each_lane_has_a_part(place: &Place) {
        in_lane(place, 1, "b", Lane::Backfill).await;
        in_lane(place, 2, "b", Lane::Bulk).await;
        for id in 3..=7 {
            uploaded(place, id, "flood").await;
        }
        uploaded(place, 8, "a").await;
        uploaded(place, 9, "z").await;
        uploaded(place, 10, "a").await;
        assert_eq!(due(place, 4).await, [3, 8, 9, 4, 2, 1]);
        assert_eq!(due(place, 100).await, [5, 10, 6, 7]);
        assert_eq!(due(place, 100).await, [0; 0]);
    }

    async fn the_backlog_is_told_by_lane_and_by_age(place: &Place) {
        let backlog = async || place.backlog().await.unwrap();
        assert_eq!(backlog().await.len(), Lane::ALL.len());
        assert!(backlog().await.values().all(|lane| *lane == Backlog::default()), "nothing waits");
        in_lane(place, 1, "a", Lane::Bulk).await;
        uploaded(place, 2, "a").await;
        uploaded(place, 3, "b").await;
        tick(place).await;
        let claim = place.job_claim(job_id(2), "worker", 1, LEASE).await.unwrap().unwrap();
        let (lane, waited) = claim.waited.unwrap();
        assert!(lane == Lane::Interactive && waited > Duration::ZERO && waited < LEASE, "{waited:?}");
        let now = backlog().await;
        let Backlog { pending, running, oldest } = now[&Lane::Bulk];
        assert!((pending, running) == (1, 0) && oldest >= waited, "it came first: {now:?}");
        let Backlog { pending, running, oldest } = now[&Lane::Interactive];
        assert!((pending, running) == (1, 1) && oldest > Duration::ZERO, "{now:?}");

        let snooze = Verdict::Snooze { after_ms: 60_000, reason: None };
        place.job_finish(job_id(2), claim.fence, snooze, &ATTEMPTS, &at_once).await.unwrap();
        place.job_claim(job_id(3), "worker", 1, LEASE).await.unwrap().unwrap();
        let Backlog { pending, running, oldest } = backlog().await[&Lane::Interactive];
        assert_eq!((pending, running, oldest), (1, 1, Duration::ZERO), "what rests waits for nobody");
    }

    async fn a_flood_in_one_room_delays_no_other(place: &Place) {
        for id in 1..=95 {
            uploaded(place, id, "flood").await;
        }
        let mut cursors = Cursors::default();
        for (id, room) in (96..=100).zip(["a", "b", "z", "one", "two"]) {
            assert_eq!(choose(place, 4, &mut cursors).await.len(), 4);
            uploaded(place, id, room).await;
            let next = choose(place, 2, &mut cursors).await;
            assert!(next.contains(&id), "{room} waits for the backlog of another: {next:?}");
        }
    }

    async fn every_room_has_its_turn_where_more_wait_than_are_chosen(place: &Place) {
        let rooms = ["a", "b", "flood", "one", "two", "welcome", "z"];
        for turn in 0..3 {
            for (id, room) in (1..).zip(rooms) {
                uploaded(place, turn * 10 + id, room).await;
            }
        }
        let mut cursors = Cursors::default();
        let mut chosen = Vec::new();
        for _ in 0..7 {
            chosen.extend(choose(place, 3, &mut cursors).await.into_iter().map(|id| rooms[usize::try_from(id % 10 - 1).unwrap()]));
        }
        for round in chosen.chunks(7) {
            assert_eq!(round.iter().collect::<HashSet<_>>().len(), 7, "{chosen:?}");
        }
    }

    async fn what_the_transport_lost_is_told_again(place: &Place) {
        for id in 1..=4 {
            uploaded(place, id, "one").await;
            assert_eq!(due(place, 100).await, [id]);
            tick(place).await;
        }
        place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
        let lane = Lane::Interactive;
        assert_eq!(place.jobs_retell(lane, 0, STALE).await.unwrap(), 0, "it may be on its way");
        assert_eq!(place.jobs_retell(lane, 3, Duration::ZERO).await.unwrap(), 0, "they wait there");
        assert_eq!(place.jobs_retell(Lane::Bulk, 0, Duration::ZERO).await.unwrap(), 0);
        assert_eq!(place.jobs_retell(lane, 2, Duration::ZERO).await.unwrap(), 1, "the oldest");
        assert_eq!(due(place, 100).await, [2]);
        tick(place).await;
        assert_eq!(place.jobs_retell(lane, 0, Duration::ZERO).await.unwrap(), 3);
        assert_eq!(due(place, 100).await, [2, 3, 4]);
    }

    async fn what_the_transport_did_not_take_waits_again(place: &Place) {
        uploaded(place, 1, "one").await;
        uploaded(place, 2, "one").await;
        assert_eq!(due(place, 100).await, [1, 2]);
        place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
        place.jobs_untell(&[job_id(1), job_id(2)]).await.unwrap();
        assert_eq!(due(place, 100).await, [2]);
    }

    async fn what_rests_is_not_chosen_before_its_time(place: &Place) {
        uploaded(place, 1, "one").await;
        assert_eq!(place.jobs_rested().await.unwrap(), None);
        let fence = place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap().fence;
        let snooze = Verdict::Snooze { after_ms: 300, reason: None };
        place.job_finish(job_id(1), fence, snooze, &ATTEMPTS, &at_once).await.unwrap();
        let rest = place.jobs_rested().await.unwrap().unwrap();
        assert!(rest <= Duration::from_millis(300) && due(place, 10).await.is_empty(), "{rest:?}");
        let end = place.now().await.unwrap().after(rest);
        while place.now().await.unwrap() <= end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(place.jobs_rested().await.unwrap(), None);
        assert_eq!(due(place, 10).await, [1]);
    }

    async fn a_lane_that_is_paused_gives_no_job_to_anybody(place: &Place) {
        in_lane(place, 1, "one", Lane::Bulk).await;
        uploaded(place, 2, "one").await;
        assert_eq!(due(place, 10).await, [2, 1]);
        assert!(place.lane_pause(Lane::Bulk).await.unwrap() && !place.lane_pause(Lane::Bulk).await.unwrap());
        assert_eq!(place.another().await.lanes_paused().await.unwrap().into_keys().collect::<Vec<_>>(), [Lane::Bulk]);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert!(place.job_claim(job_id(2), "worker", 1, LEASE).await.unwrap().is_some());
        assert!(place.lane_resume(Lane::Bulk).await.unwrap() && !place.lane_resume(Lane::Bulk).await.unwrap());
        assert!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().is_some());
    }

    async fn jobs_that_ended_long_ago_are_trimmed_and_no_others(place: &Place) {
        for id in 1..=4 {
            uploaded(place, id, "one").await;
        }
        for id in 1..=2 {
            let fence = place.job_claim(job_id(id), "worker", 1, LEASE).await.unwrap().unwrap().fence;
            let discard = Verdict::Discard { reason: heim_common::job::Reason::Damaged };
            place.job_finish(job_id(id), fence, discard, &ATTEMPTS, &at_once).await.unwrap();
        }
        place.job_claim(job_id(3), "worker", 1, LEASE).await.unwrap().unwrap();
        tick(place).await;
        assert_eq!(place.jobs_trim(Duration::from_hours(1)).await.unwrap(), 0);
        assert_eq!(place.jobs_trim(Duration::ZERO).await.unwrap(), 2);
        let left = place.jobs_outstanding().await.unwrap();
        assert_eq!((left.pending, left.running, left.done, left.failed), (1, 1, 0, 0));
        // The media object still says why it failed, and an id of it that is still
        // about is nobody's.
        let media = place.media(crate::given::media_id(1)).await.unwrap().unwrap();
        assert_eq!(media.failure, Some(heim_common::job::Reason::Damaged));
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
    }

    async fn coordinators_that_ask_at_once_get_different_jobs(place: &Place) {
        for id in 1..=60 {
            uploaded(place, id, if id % 3 == 0 { "one" } else { "two" }).await;
        }
        let taken = race(place, 12, |db, _| async move { due(&db, 10).await }).await.concat();
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len());
        let rest = due(place, 100).await;
        assert_eq!(taken.len() + rest.len(), 60);
    }

    async fn nothing_is_due_where_nothing_is_asked_for(place: &Place) {
        assert_eq!(due(place, 10).await, [0; 0]);
        uploaded(place, 1, "one").await;
        assert_eq!(due(place, 0).await, [0; 0]);
    }
}
