//! Workers that stop and are replaced.

use heim_db::Database;
use heim_tests::{
    fleet::Fleet,
    load::{Load, assert_kept},
    truth,
    until::until,
};
use std::time::{Duration, Instant};

/// Checks that no job has failed, and that no attempt was counted.
pub(super) async fn assert_nothing_counted(database: &Database) {
    let rows = truth::rows(database).await;
    for job in rows.lines().filter(|line| line.starts_with("job ")) {
        assert!(job.contains(" done ") && job.contains(" failures 0 deaths 0"), "{job}");
    }
}

/// Replaces each of three workers under load, so many times.
async fn roll(grace_ms: &str, rounds: usize) {
    let mut fleet = Fleet::with(2, 3, &[("worker.grace_ms", grace_ms)]).await;
    let load = Load::start(3, &[fleet.base(0), fleet.base(1)]);
    for place in (0..3).cycle().take(3 * rounds) {
        let before = load.accepted();
        until("uploads are accepted", async || (load.accepted() >= before + 8).then_some(())).await;
        let asked = Instant::now();
        fleet.workers[place].terminate();
        let status = fleet.workers[place].ended().await;
        assert!(status.success(), "{status}: {}", fleet.workers[place].log());
        assert!(asked.elapsed() < Duration::from_secs(25), "{:?}", asked.elapsed());
        fleet.replace_worker(place).await;
    }
    let told = load.end().await;
    assert!(told.refused.is_empty() && told.unanswered == 0, "{told:?}");
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &fleet.store(), &told.accepted).await;
    assert_nothing_counted(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_workers_that_are_replaced_under_load_finish_what_they_have() {
    roll("20000", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_workers_without_grace_hand_back_what_they_have_and_it_counts_for_nothing() {
    roll("0", 2).await;
}
