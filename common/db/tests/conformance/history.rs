//! Attempts: one for each claim, and never at odds with the row of the job.

use crate::{
    given::{ATTEMPTS, LEASE, NO_LEASE, RETRY, at_once, claimed, job_id, registration, uploaded},
    place::{Place, on_both, race, tick},
};
use heim_common::{
    Millis,
    job::{Reason, Verdict},
    wire::Account,
};
use heim_db::{AttemptRow, Claimed, Discarded, Retried};
use sea_orm::{ConnectionTrait, Statement};
use std::{collections::BTreeMap, time::Duration};

/// What the rows of jobs and attempts do not agree on: nothing.
const AT_ODDS: &str = "SELECT
    (SELECT count(*) FROM job WHERE fence <> (SELECT count(*) FROM attempt WHERE attempt.job = job.id)) +
    (SELECT count(*) FROM job WHERE state = 'running' AND NOT EXISTS (
       SELECT 1 FROM attempt WHERE attempt.job = job.id AND attempt.fence = job.fence AND ended IS NULL)) +
    (SELECT count(*) FROM attempt WHERE ended IS NULL AND NOT EXISTS (
       SELECT 1 FROM job WHERE job.id = attempt.job AND job.fence = attempt.fence AND state = 'running')) AS at_odds";

async fn number(place: &Place, sql: &str) -> i64 {
    let raw = place.raw().await;
    let row = raw.query_one_raw(Statement::from_string(raw.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn agree(place: &Place) {
    assert_eq!(number(place, AT_ODDS).await, 0, "{}", place.snapshot().await.unwrap());
}

async fn attempts(place: &Place) -> Vec<AttemptRow> {
    agree(place).await;
    place.job_history(job_id(1)).await.unwrap().unwrap().attempts
}

/// How each ended.
async fn ended(place: &Place) -> Vec<String> {
    let said = |attempt: &AttemptRow| {
        let reason = attempt.reason.as_deref().unwrap_or("-");
        format!("{} {} {reason}", attempt.fence, attempt.verdict.as_deref().unwrap_or("runs"))
    };
    attempts(place).await.iter().map(said).collect()
}

on_both! {
    async fn each_claim_is_an_attempt_and_each_end_its_end(place: &Place) {
        uploaded(place, 1, "one").await;
        assert_eq!(attempts(place).await, []);
        let claim = async |worker: &'static str| {
            place.job_claim(job_id(1), worker, 1, LEASE).await.unwrap().map(|claim| claim.fence)
        };
        let fence = claim("anna").await.unwrap();
        assert_eq!(claim("bert").await, None);
        assert_eq!(ended(place).await, ["1 runs -"]);
        let away = Verdict::Snooze { after_ms: 0, reason: Some(Reason::StoreUnavailable) };
        place.job_finish(job_id(1), fence, away, &ATTEMPTS, &at_once).await.unwrap();
        let fence = claim("bert").await.unwrap();
        let account = Account {
            error: Some(format!("it broke:\n{}", "é".repeat(2_000))),
            stages_ms: BTreeMap::from([("fetch".to_owned(), 3), ("pixels".to_owned(), 40)]),
        };
        place.job_finish_told(job_id(1), fence, RETRY, &account, &ATTEMPTS, &at_once).await.unwrap();
        // A word that comes late changes nothing.
        place.job_finish(job_id(1), fence, Verdict::Done, &ATTEMPTS, &at_once).await.unwrap();
        let fence = claim("anna").await.unwrap();
        place.job_finish(job_id(1), fence, Verdict::Done, &ATTEMPTS, &at_once).await.unwrap();
        let fence = claim("anna").await.unwrap();
        let damaged = Verdict::Discard { reason: Reason::Damaged };
        place.job_finish(job_id(1), fence, damaged, &ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(
            ended(place).await,
            ["1 snooze store-unavailable", "2 retry store-unavailable", "3 retry internal", "4 discard damaged"]
        );
        let all = attempts(place).await;
        assert_eq!(all.iter().map(|attempt| attempt.worker.as_str()).collect::<Vec<_>>(), ["anna", "bert", "anna", "anna"]);
        let error = all[1].error.as_ref().unwrap();
        assert!(error.starts_with("it broke: é") && error.len() <= 1_000, "{error}");
        assert_eq!(all[1].stages_ms, account.stages_ms);
        assert!(all.iter().all(|attempt| attempt.ended.unwrap() >= attempt.began && attempt.waited_ms < 60_000));
    }

    async fn a_lost_worker_and_a_claim_that_is_asked_for_twice(place: &Place) {
        uploaded(place, 1, "one").await;
        for _ in 0..2 {
            place.job_claim_once(job_id(1), "worker", 1, Some(5), NO_LEASE).await.unwrap().taken().unwrap();
        }
        assert_eq!(ended(place).await, ["1 runs -"], "it is one claim");
        for attempt in 1..=ATTEMPTS.failures_max {
            tick(place).await;
            assert_eq!(place.job_reap(&ATTEMPTS, &at_once).await.unwrap().len(), 1);
            if attempt < ATTEMPTS.failures_max {
                place.job_claim(job_id(1), "worker", 1, NO_LEASE).await.unwrap().unwrap();
            }
        }
        assert_eq!(ended(place).await, ["1 retry worker-lost", "2 retry worker-lost", "3 discard worker-lost"]);
    }

    async fn poison_and_a_claim_with_nothing_to_do(place: &Place) {
        let died = Verdict::Retry { reason: Reason::ChildDied };
        for _ in 0..2 {
            if place.job_history(job_id(1)).await.unwrap().is_none() {
                uploaded(place, 1, "one").await;
            }
            let claim = place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
            place.job_finish(job_id(1), claim.fence, died, &ATTEMPTS, &at_once).await.unwrap();
        }
        assert_eq!(ended(place).await, ["1 retry child-died", "2 discard poison"]);
        assert!(matches!(place.job_retry(job_id(1)).await.unwrap(), Retried::Again { .. }));
        for index in 0..2 {
            place.transcoding_register(&registration(1, "one", index, 1)).await.unwrap();
        }
        let claim = async || place.job_claim_once(job_id(1), "worker", 1, Some(5), LEASE).await.unwrap();
        assert_eq!((claim().await, claim().await), (Claimed::Done, Claimed::NotTaken), "it is done once");
        assert_eq!(ended(place).await.last().unwrap(), "3 done -");
    }

    async fn who_gives_up_what_nobody_holds_ends_it_all_the_same(place: &Place) {
        uploaded(place, 1, "one").await;
        assert!(matches!(place.job_discard(job_id(1)).await.unwrap(), Discarded::Now(_)));
        assert_eq!(ended(place).await, ["1 discard discarded"]);
        assert!(matches!(place.job_retry(job_id(1)).await.unwrap(), Retried::Again { .. }));
        let claim = place.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap().unwrap();
        let an_hour = |_| Duration::from_hours(1);
        place.job_finish(job_id(1), claim.fence, RETRY, &ATTEMPTS, &an_hour).await.unwrap();
        assert!(matches!(place.job_discard(job_id(1)).await.unwrap(), Discarded::Now(_)), "it rests");
        assert_eq!(
            ended(place).await,
            ["1 discard discarded", "2 retry store-unavailable", "3 discard discarded"]
        );
        let all = attempts(place).await;
        assert_eq!(all.iter().map(|attempt| attempt.worker.as_str()).collect::<Vec<_>>(), ["", "worker", ""]);
        // Each end is counted where it was; nobody waited and nothing ran but once.
        place.sql("UPDATE attempt SET waited = 1000000, began = ended - 1000000 WHERE worker = ''").await;
        let until = Millis(place.now().await.unwrap().0 + 1);
        let figures = place.lane_figures(until, LEASE, LEASE).await.unwrap();
        let [figures] = figures.as_slice() else { panic!("{figures:?}") };
        assert_eq!((figures.done, figures.failed, figures.again), (0, 2, 1));
        for took in [figures.wait_ms.unwrap(), figures.run_ms.unwrap()] {
            assert!(took.p50 == took.p95 && took.p95 < 1_000_000, "{figures:?}");
        }
        place.sql("DELETE FROM attempt WHERE worker = 'worker'").await;
        let figures = place.lane_figures(until, LEASE, LEASE).await.unwrap();
        assert_eq!((figures[0].failed, figures[0].wait_ms, figures[0].run_ms), (2, None, None));
    }

    async fn of_twenty_claims_and_ends_at_once_one_each_is_written(place: &Place) {
        uploaded(place, 1, "one").await;
        race(place, 20, |db, _| async move { db.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap() }).await;
        assert_eq!(ended(place).await, ["1 runs -"]);
        race(place, 20, |db, index| async move {
            match index % 3 {
                0 => drop(db.job_finish(job_id(1), 1, RETRY, &ATTEMPTS, &at_once).await.unwrap()),
                1 => drop(db.job_discard(job_id(1)).await.unwrap()),
                _ => drop(db.job_claim(job_id(1), "worker", 1, LEASE).await.unwrap()),
            }
        })
        .await;
        agree(place).await;
    }

    async fn what_is_taken_away_is_cut_short_and_what_is_old_is_forgotten(place: &Place) {
        claimed(place, 1, "one", LEASE).await;
        claimed(place, 2, "one", LEASE).await;
        assert!(matches!(place.job_discard(job_id(2)).await.unwrap(), Discarded::Now(_)));
        place.sql("UPDATE media_object SET created = 1, uploaded = 1 WHERE id = 1").await;
        assert_eq!(place.media_release(LEASE, LEASE, 10).await.unwrap().len(), 1);
        agree(place).await;
        let cut = "SELECT count(*) FROM attempt WHERE ended IS NOT NULL AND verdict IS NULL";
        assert_eq!(number(place, cut).await, 1);
        // As a process of a release before this one claims and ends.
        claimed(place, 3, "one", LEASE).await;
        claimed(place, 4, "one", LEASE).await;
        place.sql("UPDATE job SET state = 'pending' WHERE id = 3").await;
        assert_eq!(place.attempts_trim(LEASE).await.unwrap(), 0);
        agree(place).await;
        assert_eq!(number(place, "SELECT count(*) FROM attempt").await, 4);
        tick(place).await;
        assert_eq!(place.attempts_trim(Duration::ZERO).await.unwrap(), 0, "their day is not counted yet");
        place.sql("INSERT INTO lane_day SELECT max(ended) / 86400000, 'bulk', 0, 0 FROM attempt").await;
        assert_eq!(place.attempts_trim(Duration::ZERO).await.unwrap(), 3);
        assert_eq!(number(place, "SELECT count(*) FROM attempt").await, 1, "what runs is never old");
    }
}
