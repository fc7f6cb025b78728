//! Workers that stop and are replaced.

use crate::worker::job::job;
use heim_common::{MediaId, media::MediaState};
use heim_db::Database;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    load::{Load, assert_kept},
    pair::Pair,
    process::Process,
    sharing::{finished, share_accepted},
    standalone::Standalone,
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

/// Waits until it has heard that it is asked to stop, and takes nothing new.
async fn is_stopping(process: &Process) {
    until("it has heard that it is to stop", async || process.log().contains("stopping").then_some(())).await;
}

/// It ends by itself, and says that all went well.
pub(super) async fn assert_ends_well(process: &mut Process) {
    let status = process.ended().await;
    assert!(status.success(), "{status}: {}", process.log());
}

/// A picture that takes a while, and a worker that has begun with it.
async fn busy(fleet: &Fleet) -> (Pair, Database, MediaId) {
    let (pair, database) = (Pair::enter(fleet, "welcome").await, fleet.database().await);
    let id = pair.share(&corpus::read(corpus::SLOW)).await;
    until("the worker holds the job", async || truth::holder(&database).await).await;
    (pair, database, id)
}

#[tokio::test]
async fn f10_a_worker_that_stops_finishes_what_it_has_and_takes_nothing_more() {
    let mut fleet = Fleet::start(2, 1).await;
    let (pair, database, id) = busy(&fleet).await;
    fleet.workers[0].terminate();
    is_stopping(&fleet.workers[0]).await;
    let waiting = pair.share(&corpus::read(corpus::SMALL)).await;
    assert_ends_well(&mut fleet.workers[0]).await;
    // There was no other worker: it is this one's work, inside of its grace.
    let done = job(&database, id).await;
    assert_eq!((&*done.state, done.fence, done.failures), ("done", 1, 0), "{}", done.line);
    let left = job(&database, waiting).await;
    assert_eq!((&*left.state, left.fence), ("pending", 0), "it was never claimed: {}", left.line);
    pair.see_it_ready(id).await;
    fleet.replace_worker(0).await;
    pair.see_it_ready(waiting).await;
}

#[tokio::test]
async fn f10_a_worker_without_grace_hands_its_job_back_and_it_costs_no_attempt() {
    let mut fleet = Fleet::with(2, 1, &[("worker.grace_ms", "0")]).await;
    let (pair, database, id) = busy(&fleet).await;
    fleet.workers[0].terminate();
    assert_ends_well(&mut fleet.workers[0]).await;
    let left = job(&database, id).await;
    assert_eq!((&*left.state, left.fence), ("pending", 1), "handed back, not lost: {}", left.line);
    assert_eq!((left.failures, left.deaths), (0, 0), "{}", left.line);
    fleet.replace_worker(0).await;
    pair.see_it_ready(id).await;
    truth::settled(&database).await;
    let done = job(&database, id).await;
    assert_eq!((&*done.state, done.fence, done.failures), ("done", 2, 0), "{}", done.line);
}

#[tokio::test]
async fn f10_one_process_hands_its_job_back_before_its_coordinator_is_gone() {
    let settings = [("worker.grace_ms", "500"), ("coordinator.grace_ms", "500")];
    let mut one = Standalone::prepared(&settings, |launch| launch.failpoints("original-fetched=delay:60000")).await;
    let database = one.database().await;
    let ana = Client::enter(one.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    until("the worker holds the job", async || truth::holder(&database).await).await;
    one.process.terminate();
    assert_ends_well(&mut one.process).await;
    let left = job(&database, id).await;
    assert_eq!((&*left.state, left.fence, left.failures), ("pending", 1, 0), "{}", left.line);
    one.restart().await;
    let ana = Client::enter(one.base(), "welcome", Entrance::aware(), "ana").await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
}

/// What a worker's grace may be, and a stop may take.
const GRACE_MS: &str = "15000";
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// Replaces each of three workers under load, so many times.
async fn roll(grace_ms: &str, rounds: usize) {
    let mut fleet = Fleet::with(2, 3, &[("worker.grace_ms", grace_ms)]).await;
    let load = Load::start(3, &[fleet.base(0), fleet.base(1)]);
    for place in (0..3).cycle().take(3 * rounds) {
        let before = load.accepted();
        until("uploads are accepted", async || (load.accepted() >= before + 8).then_some(())).await;
        let asked = Instant::now();
        fleet.workers[place].terminate();
        assert_ends_well(&mut fleet.workers[place]).await;
        assert!(asked.elapsed() <= STOPPED_WITHIN, "{:?}", asked.elapsed());
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
    roll(GRACE_MS, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_workers_without_grace_hand_back_what_they_have_and_it_counts_for_nothing() {
    roll("0", 1).await;
}
