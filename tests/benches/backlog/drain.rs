//! Workers that work off what waits.

use crate::{as_f64, say};
use heim_db::Database;
use heim_tests::{fleet::Fleet, spent::Spent};
use std::{
    fmt,
    time::{Duration, Instant},
};

const WORKERS: usize = 2;
/// Jobs of one worker at a time: most of a job is waiting for a disk.
const CONCURRENCY: &str = "8";
const LOOK: Duration = Duration::from_secs(1);
/// How long may pass without a single job that ends.
const STANDSTILL_MAX: Duration = Duration::from_mins(1);
const SAID_EVERY: u32 = 15;

/// How it went.
pub(crate) struct Drained {
    jobs: usize,
    took: Duration,
    spent: Spent,
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, took, spent } = self;
        let seconds = took.as_secs_f64();
        let rate = as_f64(*jobs) / seconds;
        write!(f, "{jobs} in {seconds:.0} s, {rate:.0} a second; CPU of a job: {}", spent.of_each(*jobs))
    }
}

/// Starts workers, and returns when no job is left.
pub(crate) async fn work_off(fleet: &mut Fleet, database: &Database, count: usize) -> Drained {
    let before = Spent::by(fleet).await;
    let began = Instant::now();
    for _ in 0..WORKERS {
        let worker = fleet.worker(fleet.workers.len() % fleet.coordinators.len());
        fleet.workers.push(worker.setting("worker.concurrency", CONCURRENCY).start().await);
    }
    let (mut left, mut moved, mut looks) = (u64::MAX, Instant::now(), 0_u32);
    while left > 0 {
        tokio::time::sleep(LOOK).await;
        let counts = database.jobs_outstanding().await.expect("the database answers");
        assert_eq!(counts.failed, 0, "{counts:?}");
        let now = counts.pending + counts.running;
        if now < left {
            (left, moved) = (now, Instant::now());
        }
        assert!(moved.elapsed() < STANDSTILL_MAX, "it stands still: {counts:?}");
        looks += 1;
        if looks.is_multiple_of(SAID_EVERY) {
            say(&format!("  {left} left after {:.0} s", began.elapsed().as_secs_f64()));
        }
    }
    let took = began.elapsed();
    let spent = Spent::by(fleet).await.since(&before);
    let counts = database.jobs_outstanding().await.expect("the database answers");
    assert_eq!((counts.done, counts.pending, counts.running), (count as u64, 0, 0), "{counts:?}");
    Drained { jobs: count, took, spent }
}
