//! What operators are told: workers, figures of the lanes, usage, what was done.

use crate::{
    given::{LEASE, claimed, created, job_id, registration, uploaded},
    place::{Place, on_both, tick},
};
use heim_common::{Millis, job::Lane, wire::WorkerReport, worker::WorkerState};
use heim_db::{Act, LaneDepth, LaneFigures, Quantiles, Retried, StrayKind, Usage, UsageBy};
use std::{collections::BTreeMap, time::Duration};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

fn report(worker: &str, started: i64) -> WorkerReport {
    WorkerReport {
        worker: worker.to_owned(),
        version: "1.2.3".to_owned(),
        host: "there".to_owned(),
        started: Millis(started),
        state: WorkerState::Running,
        concurrency: 4,
        jobs: vec![job_id(1)],
        walls: BTreeMap::from([("seccomp".to_owned(), "up".to_owned())]),
        cpu_percent: 150,
        child_memory_bytes: 5 << 30,
    }
}

/// Attempts that ended at this moment, one for each number of milliseconds up to `n`.
async fn ended(place: &Place, lane: &str, at: i64, n: i64, verdict: &str) {
    let rows = (1..=n)
        .map(|ms| format!("({}, {ms}, 1, 'one', '{lane}', 'w', {}, {}, {at}, '{verdict}')", at + ms, at - ms * 10, ms));
    let columns = "job, fence, media_id, room, lane, worker, began, waited, ended, verdict";
    place.sql(&format!("INSERT INTO attempt ({columns}) VALUES {}", rows.collect::<Vec<_>>().join(", "))).await;
}

on_both! {
    async fn a_worker_says_how_it_is_and_hears_what_is_wanted(place: &Place) {
        assert_eq!(place.workers().await.unwrap(), []);
        let first = report("anna", 1);
        assert_eq!(place.worker_report(&first).await.unwrap(), WorkerState::Running);
        assert_eq!(place.worker_report(&report("bert", 1)).await.unwrap(), WorkerState::Running);
        assert!(place.worker_wish("anna", WorkerState::Paused).await.unwrap());
        assert!(!place.worker_wish("nobody", WorkerState::Paused).await.unwrap());
        let now = WorkerReport { state: WorkerState::Paused, jobs: Vec::new(), ..first.clone() };
        assert_eq!(place.worker_report(&now).await.unwrap(), WorkerState::Paused);
        assert_eq!(place.worker_report(&report("bert", 1)).await.unwrap(), WorkerState::Running, "only anna");
        let workers = place.workers().await.unwrap();
        assert_eq!(workers.iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), ["anna", "bert"]);
        assert_eq!((workers[0].state, workers[0].wish), (WorkerState::Paused, WorkerState::Paused));
        assert_eq!((workers[0].jobs.len(), workers[1].jobs.as_slice()), (0, [job_id(1)].as_slice()));
        let row = &workers[1];
        assert_eq!((row.version.as_str(), row.host.as_str(), row.started), ("1.2.3", "there", Millis(1)));
        assert_eq!((row.concurrency, row.cpu_percent, row.child_memory_bytes), (4, 150, 5 << 30));
        assert_eq!((row.walls["seccomp"].as_str(), row.silent_ms < 60_000), ("up", true));
    }

    async fn who_was_drained_and_starts_again_is_to_run(place: &Place) {
        place.worker_report(&report("anna", 1)).await.unwrap();
        place.worker_wish("anna", WorkerState::Draining).await.unwrap();
        assert_eq!(place.worker_report(&report("anna", 1)).await.unwrap(), WorkerState::Draining);
        assert_eq!(place.worker_report(&report("anna", 2)).await.unwrap(), WorkerState::Running);
        place.worker_wish("anna", WorkerState::Paused).await.unwrap();
        assert_eq!(place.worker_report(&report("anna", 3)).await.unwrap(), WorkerState::Paused, "a pause outlives it");
        assert_eq!(place.workers_trim(MINUTE).await.unwrap(), 0);
        tick(place).await;
        assert_eq!(place.workers_trim(Duration::ZERO).await.unwrap(), 1);
        let hostile = WorkerReport { host: "a\0b".repeat(1_000), jobs: vec![job_id(2); 5_000], ..report("a\nb", 1) };
        place.worker_report(&hostile).await.unwrap();
        assert_eq!(place.workers().await.unwrap()[0].jobs.len(), 256);
    }

    async fn figures_are_counted_from_the_rows(place: &Place) {
        let until = Millis(place.now().await.unwrap().0 / 60_000 * 60_000);
        let ago = |minutes: i64| until.0 - minutes * 60_000;
        ended(place, "interactive", ago(2), 100, "done").await;
        ended(place, "interactive", ago(1) + 5, 1, "retry").await;
        ended(place, "interactive", ago(1), 1, "snooze").await;
        ended(place, "bulk", ago(2) + 9, 2, "discard").await;
        ended(place, "bulk", ago(61), 50, "done").await;
        ended(place, "a lane of a later release", ago(3), 1, "done").await;
        uploaded(place, 1, "one").await;
        place.sql(&format!("UPDATE job SET created = {}", ago(2) + 1)).await;
        let empty = |lane, minutes: i64| LaneFigures {
            lane,
            from: Millis(ago(minutes)),
            arrived: 0,
            done: 0,
            failed: 0,
            again: 0,
            wait_ms: None,
            run_ms: None,
        };
        let told = |p50, p95| Some(Quantiles { p50, p95 });
        assert_eq!(
            place.lane_figures(until, HOUR, MINUTE).await.unwrap(),
            [
                LaneFigures {
                    arrived: 1,
                    done: 100,
                    wait_ms: told(50, 95),
                    run_ms: told(500, 950),
                    ..empty(Lane::Interactive, 2)
                },
                LaneFigures { failed: 2, wait_ms: told(1, 2), run_ms: told(10, 20), ..empty(Lane::Bulk, 2) },
                LaneFigures { again: 1, wait_ms: told(1, 1), run_ms: told(10, 10), ..empty(Lane::Interactive, 1) },
            ]
        );
        let whole = place.lane_figures(until, HOUR * 24, HOUR * 24).await.unwrap();
        assert_eq!(whole.iter().map(|lane| (lane.lane, lane.done, lane.failed, lane.again)).collect::<Vec<_>>(), [
            (Lane::Interactive, 100, 0, 1),
            (Lane::Bulk, 50, 2, 0),
        ]);
        assert!(place.lane_figures(until, HOUR * 24, Duration::ZERO).await.unwrap().len() <= 1_440 * 3, "bounded");
    }

    async fn lanes_tell_how_deep_they_are(place: &Place) {
        assert_eq!(place.lane_depths().await.unwrap()[&Lane::Bulk], LaneDepth::default());
        uploaded(place, 1, "one").await;
        uploaded(place, 2, "two").await;
        claimed(place, 3, "two", LEASE).await;
        place.sql("UPDATE job SET created = created - 60000, run_after = run_after - 60000 WHERE id = 2").await;
        let depths = place.lane_depths().await.unwrap();
        let depth = depths[&Lane::Interactive];
        assert_eq!((depths.len(), depth.pending, depth.running), (3, 2, 1));
        assert!((60_000..120_000).contains(&depth.oldest_ms.unwrap()), "{depth:?}");
        let oldest = async || {
            let depth = async || place.lane_depths().await.unwrap()[&Lane::Interactive].oldest_ms.unwrap();
            let (before, waits, after) = (depth().await, place.backlog().await.unwrap(), depth().await);
            let waits = u64::try_from(waits[&Lane::Interactive].oldest.as_millis()).unwrap();
            assert!((before..=after).contains(&waits), "{before} {waits} {after}: both say the same");
            after
        };
        assert!(oldest().await >= 60_000);
        // What is tried again waits from then on, however old it is.
        let old = "run_after = run_after - 604800000, created = created - 604800000";
        place.sql(&format!("UPDATE job SET {old}, state = 'failed', finished = created WHERE id = 2")).await;
        assert!(matches!(place.job_retry(job_id(2)).await.unwrap(), Retried::Again { .. }));
        assert!(oldest().await < 60_000);
        // What rests waits for nobody.
        place.sql("UPDATE job SET rests_until = run_after + 3600000 WHERE state = 'pending'").await;
        place.sql("UPDATE job SET run_after = rests_until WHERE state = 'pending'").await;
        assert_eq!((oldest().await, place.lane_depths().await.unwrap()[&Lane::Interactive].pending), (0, 2));
    }

    async fn usage_is_the_sum_of_what_is_stored(place: &Place) {
        uploaded(place, 1, "one").await;
        place.transcoding_register(&registration(1, "one", 0, 1)).await.unwrap();
        uploaded(place, 2, "two").await;
        created(place, 3, "z", "bert").await;
        let of = |name: &str, media_objects, objects, bytes| Usage { name: name.to_owned(), media_objects, objects, bytes };
        let by = async |by, only, limit| place.usage(by, only, limit).await.unwrap();
        assert_eq!(by(UsageBy::Room, None, 10).await, [of("one", 1, 2, 551), of("two", 1, 1, 500)]);
        assert_eq!(by(UsageBy::Room, None, 1).await, [of("one", 1, 2, 551)]);
        assert_eq!(by(UsageBy::Room, Some("two"), 10).await, [of("two", 1, 1, 500)]);
        assert_eq!(by(UsageBy::Agent, None, 10).await, [of("agent:anna", 2, 3, 1_051)]);
        assert_eq!(by(UsageBy::Agent, Some("agent:bert"), 10).await, []);
    }

    async fn what_was_done_is_told_newest_first(place: &Place) {
        let act = Act { who: "shell:anna", action: "job retry", subject: "--state failed", dry_run: true };
        let first = place.audit_begin(&act).await.unwrap();
        let second = place.audit_begin(&Act { who: "token", dry_run: false, ..act }).await.unwrap();
        assert!(second > first);
        place.audit_end(first, 7).await.unwrap();
        let rows = place.audits(None, 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.seq, row.affected)).collect::<Vec<_>>(), [(second, None), (first, Some(7))]);
        let row = &place.audits(Some(second), 10).await.unwrap()[0];
        assert_eq!((row.who.as_str(), row.action.as_str(), row.subject.as_str()), ("shell:anna", "job retry", "--state failed"));
        assert!(row.dry_run && row.at.0 > 1_700_000_000_000);
        assert_eq!(place.audits_trim(HOUR).await.unwrap(), 0);
        tick(place).await;
        assert_eq!(place.audits_trim(Duration::ZERO).await.unwrap(), 2);
    }

    async fn strays_are_listed_by_name(place: &Place) {
        for (kind, name) in [(StrayKind::Orphan, "b"), (StrayKind::Missing, "a"), (StrayKind::Orphan, "c")] {
            place.strays_note(kind, &[name.to_owned()], HOUR).await.unwrap();
        }
        let page = async |kind, after, limit| {
            let rows = place.strays_page(kind, after, limit).await.unwrap();
            rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
        };
        assert_eq!(page(None, None, 10).await, ["a", "b", "c"]);
        assert_eq!(page(None, Some("a"), 1).await, ["b"]);
        assert_eq!(page(Some(StrayKind::Orphan), None, 10).await, ["b", "c"]);
    }
}
