//! Workers and coordinators that die on the way.

use super::job::{events, job};
use heim_common::media::MediaState;
use heim_tests::{
    corpus,
    fleet::Fleet,
    kills::kills,
    pair::Pair,
    ports,
    raw::{Raw, upload_head},
    sharing::finished,
    truth,
    until::until,
};
use std::time::{Duration, Instant};

/// How many workers are killed; `make chaos` kills more.
const ROUNDS: usize = 24;
/// How long it takes until another worker runs what a killed one had: a lease of
/// 3 s and a sweep every second.
const ELSEWHERE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn f1_a_worker_killed_at_any_moment_is_replaced_within_five_seconds() {
    let kills = kills(ROUNDS, 2).await;
    println!("F1: {kills}");
    let once_more = kills.took[1].len() + kills.took[2].len();
    assert!(kills.in_mid_job() * 2 >= ROUNDS && once_more * 4 >= ROUNDS, "too few came in mid-job: {kills:?}");
    assert!(kills.at(99) <= ELSEWHERE, "{kills:?}");
}

/// Nobody knows yet that it has the job: no lease runs out.
#[tokio::test]
async fn f1_a_worker_killed_before_it_could_claim_is_replaced_within_five_seconds() {
    let mut fleet = Fleet::start(2, 0).await;
    let dying = fleet.worker(0).failpoints("job-popped=kill").start().await;
    fleet.workers.push(dying);
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    fleet.workers[0].ended().await;
    let killed = Instant::now();
    fleet.add_worker().await;
    let database = fleet.database().await;
    until("another worker has the job", async || (job(&database, id).await.fence == 1).then_some(())).await;
    println!("F1: an id that was popped only is with another worker after {:?}", killed.elapsed());
    assert!(killed.elapsed() <= ELSEWHERE, "{:?}", killed.elapsed());
    pair.see_it_ready(id).await;
    let ended = job(&database, id).await;
    assert_eq!((ended.fence, ended.failures), (1, 0), "{}", ended.line);
}

/// Has the first worker die at a point, and another one do the rest.
async fn worker_dies_at(point: &str, registered: usize) {
    let mut fleet = Fleet::start(2, 0).await;
    let worker = fleet.worker(0).failpoints(&format!("{point}=kill")).start().await;
    fleet.workers.push(worker);
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    fleet.workers[0].ended().await;
    let database = fleet.database().await;
    let rows = truth::rows(&database).await;
    let there = rows.lines().filter(|line| line.starts_with("transcoding ")).count();
    assert_eq!(there, 1 + registered, "the original and what was registered: {rows}");
    let before = fleet.stored();
    assert_eq!(before.len(), 2, "the original and the first transcoding: {before:?}");
    fleet.add_worker().await;
    assert_eq!(pair.see_it_ready(id).await.transcodings.len(), 5);
    let after = fleet.stored();
    assert_eq!(after.len(), 5, "{after:?}");
    assert!(before.iter().all(|file| after.contains(file)), "the same place again: {before:?}, {after:?}");
    let ended = job(&database, id).await;
    assert_eq!((ended.fence, ended.failures, events(&database, id).await), (2, 1, 5), "{}", ended.line);
}

#[tokio::test]
async fn f2_killed_between_put_and_hook_the_next_run_writes_to_the_same_place() {
    worker_dies_at("transcoding-put", 0).await;
}

#[tokio::test]
async fn f3_killed_after_the_hook_the_next_run_makes_what_is_missing() {
    worker_dies_at("transcoding-registered", 1).await;
}

#[tokio::test]
async fn f3_a_coordinator_killed_after_it_registered_is_told_again_and_tells_once() {
    let mut fleet = Fleet::start(2, 0).await;
    let listen = format!("127.0.0.1:{}", ports::free(2));
    let dying = fleet.serving(&listen).failpoints("registration-committed=kill").start().await;
    fleet.coordinators.push(dying);
    let worker = fleet.worker(2).start().await;
    fleet.workers.push(worker);
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    fleet.coordinators[2].ended().await;
    // Back at once, or the lease runs out first: either way each is told of once.
    fleet.replace_coordinator(2).await;
    assert_eq!(pair.see_it_ready(id).await.transcodings.len(), 5);
    assert_eq!(events(&fleet.database().await, id).await, 5);
    assert_eq!(fleet.stored().len(), 5);
}

#[tokio::test]
async fn f18_a_coordinator_killed_between_commit_and_answer_leaves_a_job_that_runs() {
    let mut fleet = Fleet::start(1, 1).await;
    let dying = fleet.serving("127.0.0.1:0").failpoints("upload-committed=kill").start().await;
    fleet.coordinators.push(dying);
    let pair = Pair::enter(&fleet, "welcome").await;
    let handle = pair.viewer.upload_handle().await;
    pair.viewer.send("look", &[handle.id]).await;
    let picture = corpus::read(corpus::SMALL);
    let mut raw = Raw::connect(fleet.base(1)).await;
    raw.write(upload_head(&handle, &[("Content-Length", &picture.len().to_string())])).await;
    raw.write(&picture).await;
    assert!(raw.answer().await.is_none(), "nobody is told that it was accepted");
    fleet.coordinators[1].ended().await;
    let media = finished(&pair.uploader, handle.id).await;
    assert_eq!((media.state, media.transcodings.len()), (MediaState::Ready, 5));
    assert_eq!(events(&fleet.database().await, handle.id).await, 5);
}
