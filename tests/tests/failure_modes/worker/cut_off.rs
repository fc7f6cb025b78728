//! Workers that do not reach the coordinator, or Redis, and reach the other.

use super::job::job;
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

#[tokio::test]
async fn f14_a_worker_without_its_coordinator_does_not_spin_and_loses_no_job() {
    let mut fleet = Fleet::start(2, 0).await;
    let proxy = Proxy::before(port(fleet.base(0)));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let launch = fleet.worker(0).setting("worker.coordinator_url", &url).failpoints("job-claimed=delay:1500");
    fleet.workers.push(launch.start().await);
    let pair = Pair::enter(&fleet, "welcome").await;
    let database = fleet.database().await;
    let held = pair.share(&corpus::read(corpus::SMALL)).await;
    until("the worker holds the job", async || (job(&database, held).await.state == "running").then_some(())).await;
    proxy.set(Fault::Cut);
    fleet.add_worker().await;
    let used = processor_time(&fleet.workers[0]);
    let more = [pair.share(&corpus::read(corpus::SMALL)).await, pair.share(&corpus::read(corpus::SMALL)).await];
    for id in [held, more[0], more[1]] {
        pair.see_it_ready(id).await;
    }
    let taken = job(&database, held).await;
    assert_eq!((taken.fence, fleet.place_of(&taken.worker)), (2, Some(1)), "{}", taken.line);
    for id in more {
        let done = job(&database, id).await;
        assert_eq!((done.fence, done.failures), (1, 0), "what was never claimed costs nothing: {}", done.line);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let used = processor_time(&fleet.workers[0]) - used;
    println!("F14: {used} hundredths of a second of processor time while cut off");
    assert!(used < 200, "it spins: {used} hundredths of a second");
    proxy.heal();
    fleet.workers[1].kill9().await;
    let last = pair.share(&corpus::read(corpus::SMALL)).await;
    pair.see_it_ready(last).await;
    assert_eq!(fleet.place_of(&job(&database, last).await.worker), Some(0));
}

#[tokio::test]
async fn f15_a_worker_without_redis_finishes_what_it_has_and_comes_back() {
    let mut fleet = Fleet::start(2, 0).await;
    let proxy = Proxy::before(port(&fleet.redis.url()));
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let launch = fleet.worker(0).setting("queue.url", &url).failpoints("job-claimed=delay:1500");
    fleet.workers.push(launch.start().await);
    let pair = Pair::enter(&fleet, "welcome").await;
    let database = fleet.database().await;
    let held = pair.share(&corpus::read(corpus::SMALL)).await;
    until("the worker holds the job", async || (job(&database, held).await.state == "running").then_some(())).await;
    proxy.set(Fault::Cut);
    pair.see_it_ready(held).await;
    let done = job(&database, held).await;
    assert_eq!((done.fence, done.failures, fleet.place_of(&done.worker)), (1, 0, Some(0)), "{}", done.line);
    let next = pair.share(&corpus::read(corpus::SMALL)).await;
    proxy.heal();
    pair.see_it_ready(next).await;
    assert!(fleet.workers[0].is_alive());
}
