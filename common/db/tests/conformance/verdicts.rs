//! How attempts end.

use crate::{
    dispatch::due,
    given::{ATTEMPTS, LEASE, RETRY, at_once, claimed, job_id, media_id, registration, room, two_specs},
    place::{on_both, race, tick},
};
use heim_common::{
    job::{Attempts, Reason, Verdict},
    media::MediaState,
};
use heim_db::{Database, Finished, GivenUp, JobCounts};
use std::time::Duration;

async fn finish(db: &Database, fence: i64, verdict: Verdict) -> Finished {
    db.job_finish(job_id(1), fence, verdict, &ATTEMPTS, &at_once).await.unwrap()
}

async fn claim_again(db: &Database) -> i64 {
    db.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap().fence
}

on_both! {
    async fn done_is_done_only_when_nothing_is_missing(place: &Place) {
        let claim = claimed(place, 1, "one", LEASE).await;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        assert_eq!(finish(place, claim.fence, Verdict::Done).await, Finished::Again);
        let fence = claim_again(place).await;
        place.transcoding_register(&registration(1, "one", 1, 1)).await.unwrap();
        assert_eq!(finish(place, fence, Verdict::Done).await, Finished::Done);
        assert_eq!(finish(place, fence, Verdict::Done).await, Finished::LeaseLost);
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().state, MediaState::Ready);
    }

    async fn the_last_failure_gives_up_and_tells_what_is_missing(place: &Place) {
        let mut fence = claimed(place, 1, "one", LEASE).await.fence;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        for _ in 1..ATTEMPTS.failures_max {
            assert_eq!(finish(place, fence, RETRY).await, Finished::Again);
            fence = claim_again(place).await;
        }
        let given_up = GivenUp {
            job: job_id(1),
            room: room("one"),
            media: media_id(1),
            reason: Reason::StoreUnavailable,
            events: vec![(two_specs()[1].name.clone(), 3)],
        };
        assert_eq!(finish(place, fence, RETRY).await, Finished::GaveUp(given_up));
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((media.state, media.failure), (MediaState::Failed, Some(Reason::StoreUnavailable)));
        assert_eq!(media.transcodings.len(), 2);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        // What comes later is kept, and makes nothing of a failure undone.
        place.transcoding_register(&registration(1, "one", 1, 1)).await.unwrap();
        assert_eq!(place.media(media_id(1)).await.unwrap().unwrap().state, MediaState::Failed);
    }

    async fn the_second_death_is_poison(place: &Place) {
        let died = Verdict::Retry { reason: Reason::ChildDied };
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        assert_eq!(finish(place, fence, died).await, Finished::Again);
        let fence = claim_again(place).await;
        let Finished::GaveUp(given_up) = finish(place, fence, died).await else { panic!("not given up") };
        assert_eq!((given_up.reason, given_up.events.len()), (Reason::Poison, 2));
    }

    async fn a_snooze_counts_as_nothing(place: &Place) {
        let mut fence = claimed(place, 1, "one", LEASE).await.fence;
        for _ in 0..10 {
            assert_eq!(finish(place, fence, Verdict::Snooze { after_ms: 0, reason: None }).await, Finished::Again);
            fence = claim_again(place).await;
        }
        assert!(place.snapshot().await.unwrap().contains("running fence 11 failures 0 deaths 0"));
        assert_eq!(finish(place, fence, Verdict::Snooze { after_ms: 60_000, reason: None }).await, Finished::Again);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
        assert!(place.jobs_rested().await.unwrap().is_some_and(|rest| rest > Duration::from_secs(30)));
        assert_eq!(due(place, 10).await, [0; 0]);
    }

    async fn what_is_away_is_waited_for_in_growing_pauses_and_not_for_ever(place: &Place) {
        let away = Verdict::Snooze { after_ms: 0, reason: Some(Reason::StoreUnavailable) };
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        // The pause asks with the number of the snooze, and the longer rest counts.
        let rest = |snoozes| if snoozes < 3 { Duration::ZERO } else { LEASE };
        let end = async |fence| place.job_finish(job_id(1), fence, away, &ATTEMPTS, &rest).await.unwrap();
        assert_eq!(end(fence).await, Finished::Again);
        assert_eq!(end(claim_again(place).await).await, Finished::Again);
        assert!(place.snapshot().await.unwrap().contains(" failures 0 deaths 0 "), "it counts as nothing");
        let fence = claim_again(place).await;
        assert_eq!(end(fence).await, Finished::Again);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);

        let fence = claimed(place, 2, "one", LEASE).await.fence;
        let short = Attempts { away_max: Duration::ZERO, ..ATTEMPTS };
        let end = async |fence| place.job_finish(job_id(2), fence, away, &short, &at_once).await.unwrap();
        assert_eq!(end(fence).await, Finished::Again, "the first time is the beginning of the outage");
        tick(place).await;
        let fence = place.job_claim(job_id(2), "worker", 1, LEASE).await.unwrap().unwrap().fence;
        let Finished::GaveUp(given_up) = end(fence).await else { panic!("not given up") };
        assert_eq!((given_up.reason, given_up.events.len()), (Reason::StoreUnavailable, 2));
    }

    async fn an_outage_that_is_over_is_forgotten(place: &Place) {
        let away = Verdict::Snooze { after_ms: 0, reason: Some(Reason::StoreUnavailable) };
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        assert_eq!(finish(place, fence, away).await, Finished::Again);
        assert!(place.snapshot().await.unwrap().contains(" away "));
        let fence = claim_again(place).await;
        assert_eq!(finish(place, fence, Verdict::Retry { reason: Reason::Internal }).await, Finished::Again);
        assert!(!place.snapshot().await.unwrap().contains(" away "));
    }

    async fn a_retry_rests_as_long_as_it_is_told(place: &Place) {
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        let rest = |failures| Duration::from_hours(u64::from(failures));
        let ended = place.job_finish(job_id(1), fence, RETRY, &ATTEMPTS, &rest).await.unwrap();
        assert_eq!(ended, Finished::Again);
        assert_eq!(place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap(), None);
    }

    async fn a_discard_is_final_at_once(place: &Place) {
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        let discard = Verdict::Discard { reason: Reason::Damaged };
        let ended = race(place, 8, |db, _| async move { finish(&db, fence, discard).await });
        let given_up: Vec<_> = ended.await.into_iter().filter(|ended| *ended != Finished::LeaseLost).collect();
        assert!(matches!(given_up[..], [Finished::GaveUp(GivenUp { reason: Reason::Damaged, .. })]), "{given_up:?}");
        assert_eq!(place.jobs_outstanding().await.unwrap(), JobCounts { failed: 1, ..JobCounts::default() });
        assert_eq!(place.events_last().await.unwrap(), 3);
    }

    async fn work_that_fails_later_takes_nothing_from_a_ready_one(place: &Place) {
        let fence = claimed(place, 1, "one", LEASE).await.fence;
        for index in 0..2 {
            place.transcoding_register(&registration(1, "one", index, 1)).await.unwrap();
        }
        let ended = finish(place, fence, Verdict::Discard { reason: Reason::Internal }).await;
        assert!(matches!(ended, Finished::GaveUp(GivenUp { events, .. }) if events.is_empty()));
        let media = place.media(media_id(1)).await.unwrap().unwrap();
        assert_eq!((media.state, media.failure), (MediaState::Ready, None));
    }
}
