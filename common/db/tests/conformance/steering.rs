//! What an operator does with jobs, and how they are found.

use crate::{
    given::{ATTEMPTS, LEASE, RETRY, at_once, claimed, job_id, media_id, registration, room, uploaded},
    place::{Place, on_both},
};
use heim_common::{
    Millis,
    job::{JobState, Lane, Reason, Verdict},
    media::MediaState,
};
use heim_db::{Discarded, Finished, Forgotten, JobFilter, Reaped, Retried};
use std::time::Duration;

async fn failed(place: &Place, id: u64, room: &str, reason: Reason) {
    let fence = claimed(place, id, room, LEASE).await.fence;
    let verdict = Verdict::Discard { reason };
    let finished = place.job_finish(job_id(id), fence, verdict, &ATTEMPTS, &at_once).await.unwrap();
    assert!(matches!(finished, Finished::GaveUp(_)));
}

async fn found(place: &Place, filter: JobFilter) -> Vec<u64> {
    place.jobs_page(&filter, None, 100).await.unwrap().iter().map(|job| job.id.0.0).collect()
}

on_both! {
    async fn a_failed_job_is_tried_again_as_if_it_were_new(place: &Place) {
        failed(place, 1, "one", Reason::Poison).await;
        let Retried::Again { room: of, media, seq } = place.job_retry(job_id(1)).await.unwrap() else { panic!() };
        assert_eq!((of, media, seq), (room("one"), media_id(1), Some(4)), "the events 2 and 3 told of the failure");
        let object = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((object.state, object.failure), (MediaState::Uploaded, None));
        assert!(place.snapshot().await.unwrap().contains("pending fence 1 failures 0 deaths 0 engine 1 worker -\n"));
        assert_eq!(place.job_retry(job_id(1)).await.unwrap(), Retried::NotFailed, "it waits already");
        // The worker of the attempt before has no more to say.
        let late = place.job_finish(job_id(1), 1, RETRY, &ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(late, Finished::LeaseLost);

        let claim = place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
        assert_eq!((claim.fence, claim.missing.len()), (2, 2));
        for index in 0..2 {
            place.transcoding_register(&registration(1, "one", index, 1)).await.unwrap();
        }
        let done = place.job_finish(job_id(1), 2, Verdict::Done, &ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(done, Finished::Done);
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().state, MediaState::Ready);
        assert_eq!(place.job_retry(job_id(1)).await.unwrap(), Retried::NotFailed);
        assert_eq!(place.job_retry(job_id(9)).await.unwrap(), Retried::NotFound);
    }

    async fn a_second_failure_is_told_as_the_first(place: &Place) {
        failed(place, 1, "one", Reason::Damaged).await;
        place.job_retry(job_id(1)).await.unwrap();
        place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
        let verdict = Verdict::Discard { reason: Reason::TooCostly };
        let Finished::GaveUp(given_up) = place.job_finish(job_id(1), 2, verdict, &ATTEMPTS, &at_once).await.unwrap()
        else { panic!() };
        assert_eq!(given_up.events.len(), 2);
        let object = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((object.state, object.failure), (MediaState::Failed, Some(Reason::TooCostly)));
    }

    async fn what_came_after_the_failure_is_all_that_a_retry_needs(place: &Place) {
        failed(place, 1, "one", Reason::WorkerLost).await;
        for index in 0..2 {
            place.transcoding_register(&registration(1, "one", index, 1)).await.unwrap();
        }
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().state, MediaState::Failed);
        assert!(matches!(place.job_retry(job_id(1)).await.unwrap(), Retried::Again { seq: Some(_), .. }));
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None, "nothing is missing");
        let object = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((object.state, object.failure), (MediaState::Ready, None), "and not uploaded for ever");
        assert!(place.snapshot().await.unwrap().contains(" done fence 2 "));
    }

    async fn what_rests_is_due_at_once(place: &Place) {
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        let an_hour = |_| Duration::from_hours(1);
        place.job_finish(job_id(1), fence, RETRY, &ATTEMPTS, &an_hour).await.unwrap();
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert_eq!(place.job_retry(job_id(1)).await.unwrap(), Retried::Now);
        assert_eq!(place.jobs_rested().await.unwrap(), None);
        assert!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().is_some());
        assert_eq!(place.job_retry(job_id(1)).await.unwrap(), Retried::NotFailed, "it runs");
    }

    async fn a_discarded_job_has_failed_whoever_has_it(place: &Place) {
        uploaded(place, 1, "one").await;
        let claim = claimed(place, 2, "one", Duration::ZERO).await;
        for id in [1, 2] {
            let Discarded::Now(given_up) = place.job_discard(job_id(id)).await.unwrap() else { panic!() };
            assert_eq!((given_up.reason, given_up.events.len()), (Reason::Discarded, 2));
            let object = place.media(media_id(id)).await.unwrap().unwrap();
            assert_eq!((object.state, object.failure), (MediaState::Failed, Some(Reason::Discarded)));
            assert_eq!(place.job_discard(job_id(id)).await.unwrap(), Discarded::Ended);
            assert_eq!(place.job_claim(job_id(id), "worker", 1, LEASE).await.unwrap(), None);
        }
        assert!(!place.job_heartbeat(job_id(2), claim.fence, LEASE).await.unwrap(), "its lease is lost");
        assert_eq!(place.job_reap(&ATTEMPTS, &at_once).await.unwrap(), Vec::<Reaped>::new());
        assert_eq!(place.job_discard(job_id(9)).await.unwrap(), Discarded::NotFound);
    }

    async fn a_job_that_has_ended_is_forgotten_and_its_attempts_are_not(place: &Place) {
        failed(place, 1, "one", Reason::Damaged).await;
        uploaded(place, 2, "one").await;
        claimed(place, 3, "one", LEASE).await;
        for id in [2, 3] {
            assert_eq!(place.job_forget(job_id(id)).await.unwrap(), Forgotten::NotEnded);
        }
        assert_eq!(place.job_forget(job_id(1)).await.unwrap(), Forgotten::Now);
        assert_eq!(place.job_forget(job_id(1)).await.unwrap(), Forgotten::NotFound);
        assert_eq!(place.job_history(job_id(1)).await.unwrap(), None);
        let object = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((object.state, object.failure), (MediaState::Failed, Some(Reason::Damaged)), "as it was");
        let until = Millis(place.now().await.unwrap().0 + 1);
        let figures = place.lane_figures(until, LEASE, LEASE).await.unwrap();
        assert_eq!((figures[0].arrived, figures[0].failed), (2, 1), "what it came to is still counted");
    }

    async fn jobs_are_found_by_all_that_is_said_of_them(place: &Place) {
        failed(place, 1, "one", Reason::Poison).await;
        failed(place, 2, "two", Reason::Damaged).await;
        uploaded(place, 3, "one").await;
        uploaded(place, 4, "two").await;
        place.job_claim(job_id(4), "another", 1, LEASE).await.unwrap().unwrap();
        let any = JobFilter::default;
        assert_eq!(found(place, any()).await, [4, 3, 2, 1], "the newest first");
        assert_eq!(found(place, JobFilter { state: Some(JobState::Failed), ..any() }).await, [2, 1]);
        assert_eq!(found(place, JobFilter { room: Some(room("one")), ..any() }).await, [3, 1]);
        let both = JobFilter { room: Some(room("one")), state: Some(JobState::Pending), ..any() };
        assert_eq!(found(place, both).await, [3]);
        assert_eq!(found(place, JobFilter { lane: Some(Lane::Bulk), ..any() }).await, [0; 0]);
        assert_eq!(found(place, JobFilter { lane: Some(Lane::Interactive), ..any() }).await.len(), 4);
        assert_eq!(found(place, JobFilter { media: Some(media_id(2)), ..any() }).await, [2]);
        assert_eq!(found(place, JobFilter { reason: Some(Reason::Poison), ..any() }).await, [1]);
        assert_eq!(found(place, JobFilter { worker: Some("worker".to_owned()), ..any() }).await, [2, 1]);
        assert_eq!(found(place, JobFilter { worker: Some("another".to_owned()), ..any() }).await, [4]);
        let page = place.jobs_page(&any(), Some(job_id(3)), 1).await.unwrap();
        assert_eq!(page.iter().map(|job| job.id).collect::<Vec<_>>(), [job_id(2)]);
        assert_eq!(place.job_of(media_id(3)).await.unwrap(), Some(job_id(3)));
        assert_eq!(place.job_of(media_id(9)).await.unwrap(), None);
        assert_eq!(place.jobs_failed(&[Reason::Poison, Reason::Internal]).await.unwrap(), 1);
        // What waits for its second attempt has not failed.
        place.sql("UPDATE job SET reason = 'internal' WHERE id = 3").await;
        assert_eq!(place.jobs_failed(&[Reason::Poison, Reason::Internal]).await.unwrap(), 1);
        let history = place.job_history(job_id(4)).await.unwrap().unwrap();
        assert_eq!((history.job.state.as_str(), history.attempts.len()), ("running", 1));
        assert_eq!(history.media.unwrap().id, media_id(4));
    }
}
