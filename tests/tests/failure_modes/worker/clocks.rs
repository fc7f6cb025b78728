//! Processes whose clocks are wrong by an hour, over a database whose clock is right.

use super::job::{events, job};
use heim_tests::{
    corpus,
    fleet::Fleet,
    pair::Pair,
    ports,
    sql::{number, sql},
    until::until,
};
use std::time::{Duration, Instant};

/// In seconds.
const AHEAD: i64 = 3_600;
const BEHIND: i64 = -3_600;
const RIGHT: i64 = 0;
/// A test that starts before a process and looks after it may be so much off itself.
const ABOUT: i64 = 120;
/// How long it takes until another worker runs what a killed one had.
const ELSEWHERE: Duration = Duration::from_secs(5);
/// Four transcodings, each of them held up: three leases, one after the other.
const SLOW: &str = "pixels-made=delay:2500";

fn assert_about(seconds: i64, expected: i64) {
    assert!(
        (seconds - expected).abs() < ABOUT,
        "the clock is off by {seconds} s instead of {expected}: is libfaketime there? `scripts/require libfaketime`"
    );
}

/// A worker with this clock, speaking to one of the coordinators.
async fn add_worker(fleet: &mut Fleet, clock: i64, failpoints: Option<&str>) -> String {
    let launch = fleet.worker(fleet.workers.len() % 2).clock_off_by(clock);
    let launch = if let Some(plan) = failpoints { launch.failpoints(plan) } else { launch };
    let worker = launch.start().await;
    let name = worker.ready.strip_prefix("worker ").expect("it says its name").to_owned();
    fleet.workers.push(worker);
    let url = fleet.database_url();
    // It says when it started, by its own clock; and is heard at a time by the database's.
    let off = format!("SELECT (started - heard) / 1000 FROM worker WHERE name = '{name}'");
    let off = until("the worker says how it is", async || sql(url, &off).await.parse().ok()).await;
    assert_about(off, clock);
    name
}

/// A worker works for longer than three leases, while another one waits for work and
/// the coordinators sweep; then it is killed. Each has the clock that is given.
async fn leases_hold(coordinators: [i64; 2], holder: i64, rival: i64) {
    let mut fleet = Fleet::start(0, 0).await;
    for clock in coordinators {
        let listen = format!("127.0.0.1:{}", ports::free(2));
        let coordinator = fleet.serving(&listen).clock_off_by(clock).start().await;
        fleet.coordinators.push(coordinator);
    }
    let pair = Pair::enter(&fleet, "welcome").await;
    let now = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS bigint)";
    let now = number(fleet.database_url(), now).await;
    for (client, clock) in [&pair.uploader, &pair.viewer].into_iter().zip(coordinators) {
        let said = client.send("what time is it?", &[]).await["time"].as_i64().expect("a time");
        assert_about(said - now, clock);
    }
    let database = fleet.database().await;
    let holder = add_worker(&mut fleet, holder, Some(SLOW)).await;

    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    until("the worker holds the job", async || (job(&database, id).await.state == "running").then_some(())).await;
    add_worker(&mut fleet, rival, None).await;
    pair.see_it_ready(id).await;
    let kept = job(&database, id).await;
    assert_eq!((kept.fence, kept.failures, &kept.worker), (1, 0, &holder), "{}", kept.line);

    // So that the same one has the next.
    fleet.workers[1].terminate();
    fleet.workers[1].ended().await;
    let next = pair.share(&corpus::read(corpus::SMALL)).await;
    let held = until("the worker holds the next", async || {
        let job = job(&database, next).await;
        (job.state == "running").then_some(job)
    });
    assert_eq!(held.await.worker, holder);
    add_worker(&mut fleet, rival, None).await;
    fleet.workers[0].kill9().await;
    let killed = Instant::now();
    until("the other worker has it", async || (job(&database, next).await.fence == 2).then_some(())).await;
    assert!(killed.elapsed() <= ELSEWHERE, "{:?}", killed.elapsed());
    pair.see_it_ready(next).await;
    let ended = job(&database, next).await;
    assert_eq!((ended.fence, ended.failures), (2, 1), "{}", ended.line);
    assert_eq!([events(&database, id).await, events(&database, next).await], [5, 5]);
    for client in [&pair.uploader, &pair.viewer] {
        assert!(client.heard.of("network-event").is_empty(), "sessions have leases, too");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f76_a_worker_whose_clock_is_ahead_keeps_its_lease_and_one_that_is_behind_takes_none_that_is_alive() {
    leases_hold([RIGHT, RIGHT], AHEAD, BEHIND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f76_a_worker_whose_clock_is_behind_keeps_its_lease_and_one_that_is_ahead_takes_none_that_is_alive() {
    leases_hold([RIGHT, RIGHT], BEHIND, AHEAD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f76_coordinators_whose_clocks_are_two_hours_apart_judge_leases_alike() {
    leases_hold([AHEAD, BEHIND], RIGHT, RIGHT).await;
}
