//! Redis says nothing: it is not away, and nobody is refused.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Process,
    proxy::{Fault, Proxy},
    redis::Redis,
    sharing::{all_heard, finished, share_accepted},
    until::until,
    web::Web,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long it says nothing: for longer than anybody waits for it.
const SILENT: Duration = Duration::from_secs(6);
const HEALED_WITHIN: Duration = Duration::from_secs(5);
/// Who waited for Redis once would take its two seconds of patience.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// How ready the queue is, in a coordinator's words.
async fn queue(fleet: &Fleet, coordinator: usize) -> String {
    let report = Web::default().get(&format!("{}/readyz", fleet.base(coordinator))).await.json();
    report["queue"].as_str().expect("a word").to_owned()
}

#[tokio::test]
async fn f37_a_redis_that_says_nothing_keeps_nobody_waiting_and_is_there_at_once_when_it_speaks() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port());
    let mut fleet = Fleet::with(2, 1, &[("queue.url", &format!("redis://127.0.0.1:{}", proxy.port()))]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(fleet.base(1), "welcome", Entrance::aware(), "ben").await;
    all_heard(&ana, &ben).await;
    finished(&ben, share_accepted(&ana, corpus::read(corpus::SMALL)).await).await;

    proxy.set(Fault::BlackHole);
    let (silent, mut ids, mut slowest) = (Instant::now(), Vec::new(), Duration::ZERO);
    while silent.elapsed() < SILENT {
        let asked = Instant::now();
        ids.push(share_accepted(&ana, corpus::read(corpus::SMALL)).await);
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("f37: an upload and its message took {slowest:?} at the most");
    assert!(slowest < ANSWERED_WITHIN, "{slowest:?}");
    assert_ne!(queue(&fleet, 0).await, "ok");
    // The other coordinator's sessions are told late, from the rows.
    let last = ana.command("log", json!({ "n": 1 })).await["log"][0]["id"].clone();
    ben.heard
        .wait_for("the last message", |heard| heard.iter().find(|heard| heard.data()["id"] == last).map(|_| ()))
        .await;

    proxy.heal();
    let speaks = Instant::now();
    let first = finished(&ana, ids[0]).await;
    println!("f37: the first is ready {:?} after it speaks", speaks.elapsed());
    for place in 0..2 {
        until("the queue is ready", async || (queue(&fleet, place).await == "ok").then_some(())).await;
    }
    all_heard(&ana, &ben).await;
    println!("f37: all is as before after {:?}", speaks.elapsed());
    assert!(first.failure.is_none() && speaks.elapsed() < HEALED_WITHIN, "{:?}", speaks.elapsed());
    for id in ids {
        assert!(finished(&ben, id).await.failure.is_none());
    }
    assert!(fleet.workers.iter_mut().chain(&mut fleet.coordinators).all(Process::is_alive));
}
