//! Claiming jobs, and taking them away from workers that are lost.

use crate::{
    given::{
        ATTEMPTS, LEASE, NO_LEASE, at_once, claimed, created, job_id, media_id, registration, two_specs, upload,
        uploaded,
    },
    place::{on_both, race, tick},
};
use heim_common::{job::Reason, media::MediaState};
use heim_db::{Claim, JobCounts, Reaped, Uploaded};
use std::time::Duration;

on_both! {
    async fn of_twenty_workers_one_gets_the_job(place: &Place) {
        uploaded(place, 1, "one").await;
        let claims = race(place, 20, |db, index| async move {
            db.job_claim(job_id(1), &format!("worker {index}"), 1, LEASE).await.unwrap()
        });
        let claims: Vec<_> = claims.await.into_iter().flatten().collect();
        assert_eq!(claims.len(), 1);
        let claim = &claims[0];
        assert_eq!((claim.fence, claim.media, claim.room.as_str(), claim.size), (1, media_id(1), "one", 500));
        assert!(claim.key.as_str().ends_with("/original.0000000000001"));
        assert_eq!(claim.sha256, Some([7; 32]), "of its original");
        assert_eq!(claim.missing, two_specs());
        assert_eq!(place.jobs_outstanding().await.unwrap(), JobCounts { running: 1, ..JobCounts::default() });
    }

    async fn a_claim_tells_for_which_request_the_job_is_done(place: &Place) {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        created(place, 1, "one", "anna").await;
        place.media_uploaded(&Uploaded { trace: Some(trace), ..upload(1) }).await.unwrap();
        uploaded(place, 2, "one").await;
        for (id, expected) in [(1, Some(trace)), (2, None)] {
            let claim = place.job_claim(job_id(id), "worker", 1, LEASE).await.unwrap().unwrap();
            assert_eq!(claim.trace, expected);
        }
    }

    async fn only_what_is_missing_is_to_be_made(place: &Place) {
        uploaded(place, 1, "one").await;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        let claim = place.job_claim(job_id(1), "worker", 1, NO_LEASE).await.unwrap().unwrap();
        assert_eq!(claim.missing, &two_specs()[1..]);
        tick(place).await;
        place.job_reap(&ATTEMPTS, &at_once).await.unwrap();
        // A newer engine makes all of them anew.
        let claim = place.job_claim(job_id(1), "worker", 2, NO_LEASE).await.unwrap().unwrap();
        assert_eq!(claim.missing, two_specs());
    }

    async fn a_job_without_work_is_done_by_its_claim(place: &Place) {
        uploaded(place, 1, "one").await;
        for index in 0..2 {
            place.transcoding_register(&registration(1, "one", index, 1)).await.unwrap();
        }
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert_eq!(place.jobs_outstanding().await.unwrap(), JobCounts { done: 1, ..JobCounts::default() });
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert_eq!(place.job_claim(job_id(2), "worker", 1, LEASE).await.unwrap(), None);
    }

    async fn who_did_not_hear_that_it_has_a_job_asks_again(place: &Place) {
        uploaded(place, 1, "one").await;
        let ask = async |worker, nonce| place.job_claim_once(job_id(1), worker, 1, nonce, NO_LEASE).await.unwrap().taken();
        let claim = ask("worker", Some(5)).await.unwrap();
        let again = Claim { waited: None, ..claim.clone() };
        assert_eq!(ask("worker", Some(5)).await, Some(again), "the same claim, the same fence, and no wait of its own");
        for other in [ask("worker", Some(6)).await, ask("another", Some(5)).await, ask("worker", None).await] {
            assert_eq!(other, None);
        }
        tick(place).await;
        assert!(place.job_claim_once(job_id(1), "worker", 1, Some(5), LEASE).await.unwrap().taken().is_some());
        assert_eq!(place.job_reap(&ATTEMPTS, &at_once).await.unwrap(), [], "its lease begins again");
        assert!(place.job_heartbeat(job_id(1), claim.fence, NO_LEASE).await.unwrap());
        tick(place).await;
        place.job_reap(&ATTEMPTS, &at_once).await.unwrap();
        let next = place.job_claim_once(job_id(1), "another", 1, Some(7), LEASE).await.unwrap().taken().unwrap();
        assert_eq!(next.fence, claim.fence + 1);
        assert_eq!(ask("worker", Some(5)).await, None, "it is somebody else's by now");
    }

    async fn a_lost_worker_costs_no_rest_as_often_as_a_job_is_tried(place: &Place) {
        claimed(place, 1, "one", NO_LEASE).await;
        let an_hour = |_| Duration::from_hours(1);
        for _ in 1..ATTEMPTS.failures_max {
            tick(place).await;
            assert_eq!(place.job_reap(&ATTEMPTS, &an_hour).await.unwrap(), [Reaped::Again(job_id(1))]);
            assert!(place.job_claim(job_id(1), "worker", 1, NO_LEASE).await.unwrap().is_some());
        }
        tick(place).await;
        let lost = place.job_reap(&ATTEMPTS, &an_hour).await.unwrap();
        assert!(matches!(&lost[..], [Reaped::GaveUp(lost)] if lost.reason == Reason::WorkerLost), "{lost:?}");
    }

    async fn a_heartbeat_holds_the_job(place: &Place) {
        let claim = claimed(place, 1, "one", NO_LEASE).await;
        tick(place).await;
        assert!(place.job_heartbeat(job_id(1), claim.fence, LEASE).await.unwrap());
        assert_eq!(place.job_reap(&ATTEMPTS, &at_once).await.unwrap(), []);
        assert!(!place.job_heartbeat(job_id(1), claim.fence + 1, LEASE).await.unwrap());
        assert!(!place.job_heartbeat(job_id(2), claim.fence, LEASE).await.unwrap());
    }

    async fn each_lost_worker_is_noticed_by_one_sweep(place: &Place) {
        for id in 1..=10 {
            claimed(place, id, "one", NO_LEASE).await;
        }
        claimed(place, 11, "one", LEASE).await;
        tick(place).await;
        let reaped = race(place, 8, |db, _| async move { db.job_reap(&ATTEMPTS, &at_once).await.unwrap() });
        let mut jobs: Vec<_> = reaped.await.concat().into_iter().map(|reaped| match reaped {
            Reaped::Again(job) => job.0.0,
            gave_up @ Reaped::GaveUp(_) => panic!("{gave_up:?}"),
        }).collect();
        jobs.sort_unstable();
        assert_eq!(jobs, (1..=10).collect::<Vec<_>>());
        let snapshot = place.snapshot().await.unwrap();
        assert_eq!(snapshot.matches("pending fence 1 failures 1 deaths 0").count(), 10);
    }

    async fn a_job_that_loses_every_worker_is_given_up(place: &Place) {
        uploaded(place, 1, "one").await;
        for attempt in 1..=ATTEMPTS.failures_max {
            place.job_claim(job_id(1), "worker", 1, NO_LEASE).await.unwrap().unwrap();
            tick(place).await;
            let reaped = place.job_reap(&ATTEMPTS, &at_once).await.unwrap();
            let gave_up = matches!(reaped[..], [Reaped::GaveUp(_)]);
            assert_eq!(gave_up, attempt == ATTEMPTS.failures_max, "{reaped:?}");
        }
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().state, MediaState::Failed);
    }
}
