//! Workers that do not reach the coordinator, or Redis, and reach the other.

use super::job::job;
use heim_common::MediaId;
use heim_tests::{
    corpus,
    fleet::Fleet,
    pair::Pair,
    process::Process,
    proxy::{Fault, Proxy},
    until::until,
};
use std::{fs, time::Duration};

/// Processor time of a process, in hundredths of a second.
fn processor_time(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid().as_raw_nonzero())).expect("it runs");
    let (_, rest) = stat.rsplit_once(") ").expect("a line of /proc");
    rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

fn port(url: &str) -> u16 {
    url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL that ends with a port")
}

/// How long a worker is watched that can do nothing, and what it may take meanwhile, in
/// hundredths of a second.
const WATCHED: Duration = Duration::from_secs(3);
const USED_MAX: u64 = 100;

async fn does_not_spin(process: &Process) {
    let used = processor_time(process);
    tokio::time::sleep(WATCHED).await;
    let used = processor_time(process) - used;
    assert!(used < USED_MAX, "it spins: {used} hundredths of a second in {WATCHED:?}");
}

/// A fleet whose first worker reaches its coordinator, or Redis, by way of a proxy, and
/// is slow; and a job that it holds.
async fn holding(by_proxy: impl Fn(&Fleet) -> (u16, &'static str, &'static str)) -> (Fleet, Proxy, Pair, MediaId) {
    let mut fleet = Fleet::start(2, 0).await;
    let (port, key, scheme) = by_proxy(&fleet);
    let proxy = Proxy::before(port);
    let url = format!("{scheme}://127.0.0.1:{}", proxy.port());
    let launch = fleet.worker(0).setting(key, &url).failpoints("job-claimed=delay:1500");
    fleet.workers.push(launch.start().await);
    let pair = Pair::enter(&fleet, "welcome").await;
    let held = pair.share(&corpus::read(corpus::SMALL)).await;
    let database = fleet.database().await;
    until("the worker holds the job", async || (job(&database, held).await.state == "running").then_some(())).await;
    (fleet, proxy, pair, held)
}

async fn loses_no_job_without_its_coordinator(fault: Fault) {
    let coordinator = |fleet: &Fleet| (port(fleet.base(0)), "worker.coordinator_url", "http");
    let (mut fleet, proxy, pair, held) = holding(coordinator).await;
    let database = fleet.database().await;
    proxy.set(fault);
    fleet.add_worker().await;
    let more = [pair.share(&corpus::read(corpus::SMALL)).await, pair.share(&corpus::read(corpus::SMALL)).await];
    for id in [held, more[0], more[1]] {
        pair.see_it_ready(id).await;
    }
    // It could not hand it back: its lease ran out, and that is counted.
    let taken = job(&database, held).await;
    assert_eq!((taken.fence, taken.failures, taken.deaths), (2, 1, 0), "{}", taken.line);
    assert_eq!(fleet.place_of(&taken.worker), Some(1), "{}", taken.line);
    for id in more {
        let done = job(&database, id).await;
        assert_eq!((done.fence, done.failures), (1, 0), "what was never claimed costs nothing: {}", done.line);
    }
    does_not_spin(&fleet.workers[0]).await;
    proxy.heal();
    fleet.workers[1].kill9().await;
    let last = pair.share(&corpus::read(corpus::SMALL)).await;
    pair.see_it_ready(last).await;
    assert_eq!(fleet.place_of(&job(&database, last).await.worker), Some(0));
    assert!(fleet.workers[0].is_alive());
}

#[tokio::test]
async fn f14_a_worker_without_its_coordinator_does_not_spin_and_loses_no_job() {
    loses_no_job_without_its_coordinator(Fault::Cut).await;
}

#[tokio::test]
async fn f14_a_worker_whose_coordinator_says_nothing_does_not_spin_and_loses_no_job() {
    loses_no_job_without_its_coordinator(Fault::BlackHole).await;
}

/// Longer than a lease, and shorter than a call may take: the claim is carried out when
/// it arrives, and the answer is heard when a lease would be over that began with the call.
#[tokio::test]
async fn f14_a_claim_that_is_heard_late_is_held_and_costs_no_attempt() {
    let mut fleet = Fleet::start(2, 0).await;
    let proxy = Proxy::before(port(fleet.base(0)));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    fleet.workers.push(fleet.worker(0).setting("worker.coordinator_url", &url).start().await);
    let (pair, database) = (Pair::enter(&fleet, "welcome").await, fleet.database().await);
    proxy.set(Fault::BlackHole);
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    let waiting = || fleet.redis.command("LLEN heim:jobs:interactive");
    until("it was told of it", async || (job(&database, id).await.line.contains("dispatched")).then_some(())).await;
    until("the worker has taken it", async || (waiting() == ":0").then_some(())).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    proxy.heal();
    pair.see_it_ready(id).await;
    let done = job(&database, id).await;
    assert_eq!((done.fence, done.failures), (1, 0), "{}", done.line);
}

async fn finishes_what_it_has_without_redis(fault: Fault) {
    let redis = |fleet: &Fleet| (port(&fleet.redis.url()), "queue.url", "redis");
    let (mut fleet, proxy, pair, held) = holding(redis).await;
    let database = fleet.database().await;
    proxy.set(fault);
    pair.see_it_ready(held).await;
    let done = job(&database, held).await;
    assert_eq!((done.fence, done.failures, fleet.place_of(&done.worker)), (1, 0, Some(0)), "{}", done.line);
    does_not_spin(&fleet.workers[0]).await;
    let next = pair.share(&corpus::read(corpus::SMALL)).await;
    until("it says so", async || fleet.workers[0].log().contains("Redis is away").then_some(())).await;
    assert_eq!(job(&database, next).await.fence, 0, "nobody was told of it");
    proxy.heal();
    pair.see_it_ready(next).await;
    let done = job(&database, next).await;
    assert_eq!((done.fence, done.failures), (1, 0), "{}", done.line);
    assert!(fleet.workers[0].is_alive());
}

#[tokio::test]
async fn f15_a_worker_without_redis_finishes_what_it_has_and_comes_back() {
    finishes_what_it_has_without_redis(Fault::Cut).await;
}

/// It waits for an answer until it gives its connection up, and what it asked for by that
/// one is carried out when it arrives, for nobody: that costs time.
#[tokio::test]
async fn f15_a_worker_whose_redis_says_nothing_finishes_what_it_has_and_comes_back() {
    finishes_what_it_has_without_redis(Fault::BlackHole).await;
}
