//! Redis that takes nothing more, or would drop what it has.

use heim_common::MediaId;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Process,
    sharing::finished,
    until::until,
    web::Web,
};

/// Uploads one that must be accepted.
async fn upload(client: &Client) -> MediaId {
    let handle = client.upload_handle().await;
    let answer = Web::default().upload(&handle, corpus::read(corpus::SMALL)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    handle.id
}

/// A figure of the first coordinator.
pub(super) async fn figure(fleet: &Fleet, name: &str) -> Option<f64> {
    let answer = Web::default().get(&format!("{}/metrics", fleet.base(0))).await;
    let text = String::from_utf8(answer.body).expect("figures are text");
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[tokio::test]
async fn f35_a_full_redis_stops_dispatch_and_nothing_else() {
    let mut fleet = Fleet::start(1, 1).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    finished(&client, upload(&client).await).await;
    assert_eq!(fleet.redis.command("CONFIG SET maxmemory 1"), "+OK");
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(upload(&client).await);
    }
    until("the alarm", async || (figure(&fleet, "heim_dispatch_failing").await == Some(1.0)).then_some(())).await;
    ids.push(upload(&client).await);
    assert_eq!(fleet.redis.command("LLEN heim:jobs:interactive"), ":0");
    assert_eq!(fleet.redis.command("CONFIG SET maxmemory 0"), "+OK");
    for id in ids {
        assert!(finished(&client, id).await.failure.is_none());
    }
    until("its end", async || (figure(&fleet, "heim_dispatch_failing").await == Some(0.0)).then_some(())).await;
    assert!(fleet.workers.iter_mut().chain(&mut fleet.coordinators).all(Process::is_alive));
}

#[tokio::test]
async fn f36_an_evicting_redis_is_refused_at_the_start_and_told_of_later() {
    let fleet = Fleet::start(1, 0).await;
    assert_eq!(fleet.redis.command("CONFIG SET maxmemory-policy allkeys-lru"), "+OK");
    for refused in [fleet.serving("127.0.0.1:0"), fleet.worker(0)] {
        let ended = refused.run().await;
        assert!(!ended.status.success());
        assert!(ended.log.contains("set `maxmemory-policy noeviction` in its configuration"), "{}", ended.log);
    }
    // The one that was there before says so, and lives.
    until("the alarm", async || (figure(&fleet, "heim_queue_evicts").await == Some(1.0)).then_some(())).await;
    assert!(fleet.coordinators[0].log().contains("set `maxmemory-policy noeviction`"));
    assert_eq!(fleet.redis.command("CONFIG SET maxmemory-policy noeviction"), "+OK");
    until("its end", async || (figure(&fleet, "heim_queue_evicts").await == Some(0.0)).then_some(())).await;
}
