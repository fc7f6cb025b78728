//! Redis comes back with less, with nothing, or with too much.

use super::full::figure;
use heim_common::{JobId, MediaId};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Process,
    redis::Persistence,
    sharing::finished,
    truth,
    until::until,
    web::Web,
};
use std::time::{Duration, Instant};

const WAITING: &str = "LLEN heim:jobs:interactive";
/// More than the window holds, so that a backlog waits in the database.
const JOBS: usize = 24;
/// Leases that no busy machine lets run out: how often a job is claimed is counted.
const WINDOW: [(&str, &str); 2] = [("queue.window", "8"), ("jobs.lease_ms", "30000")];
/// What the issue gives it.
const REFILLED_WITHIN: Duration = Duration::from_secs(10);

/// Uploads that wait, without a worker.
async fn backlog(fleet: &Fleet) -> (Client, Vec<MediaId>) {
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut ids = Vec::new();
    for _ in 0..JOBS {
        ids.push(upload(&client).await);
    }
    until("the window is full", async || is_full(fleet).then_some(())).await;
    (client, ids)
}

async fn upload(client: &Client) -> MediaId {
    let handle = client.upload_handle().await;
    let answer = Web::default().upload(&handle, corpus::read(corpus::SMALL)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    handle.id
}

fn is_full(fleet: &Fleet) -> bool {
    fleet.redis.command(WAITING) == format!(":{}", WINDOW[0].1)
}

/// Kills Redis and starts it again. Says how much waits in it before anybody could
/// have filled it.
fn restarted(fleet: &mut Fleet) -> String {
    let coordinators = &fleet.coordinators;
    coordinators.iter().for_each(Process::freeze);
    fleet.redis.restart();
    let waiting = fleet.redis.command(WAITING);
    coordinators.iter().for_each(Process::thaw);
    waiting
}

/// Whatever was lost, the window is full again in time, and all is worked on, each
/// at the first attempt.
async fn recovers(fleet: &mut Fleet, client: &Client, ids: Vec<MediaId>) {
    let began = Instant::now();
    until("the window is full again", async || is_full(fleet).then_some(())).await;
    assert!(began.elapsed() <= REFILLED_WITHIN, "refilled after {:?}", began.elapsed());
    fleet.add_worker().await;
    all_are_ready(fleet, client, ids).await;
}

async fn all_are_ready(fleet: &Fleet, client: &Client, ids: Vec<MediaId>) {
    let count = ids.len();
    for id in ids {
        assert!(finished(client, id).await.failure.is_none());
    }
    let database = fleet.database().await;
    truth::settled(&database).await;
    let rows = truth::rows(&database).await;
    let once = rows.lines().filter(|line| line.starts_with("job ") && line.contains(" done fence 1 failures 0 "));
    assert_eq!(once.count(), count, "each claimed once, whatever came twice: {rows}");
}

#[tokio::test]
async fn f31_a_restart_with_an_append_only_file_keeps_what_waits() {
    let mut fleet = Fleet::with(1, 0, &WINDOW).await;
    fleet.redis.persist(Persistence::AppendOnly);
    let (client, ids) = backlog(&fleet).await;
    assert_eq!(restarted(&mut fleet), format!(":{}", WINDOW[0].1), "Redis has kept it");
    recovers(&mut fleet, &client, ids).await;
}

#[tokio::test]
async fn f31_workers_outlive_restarts_and_reconnect_by_themselves() {
    let mut fleet = Fleet::with(1, 2, &WINDOW).await;
    fleet.redis.persist(Persistence::AppendOnly);
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(upload(&client).await);
        fleet.redis.restart();
        ids.push(upload(&client).await);
    }
    all_are_ready(&fleet, &client, ids).await;
    assert!(fleet.workers.iter_mut().all(Process::is_alive));
}

#[tokio::test]
async fn f32_a_kill_with_stock_save_points_loses_what_waits_and_costs_seconds() {
    let mut fleet = Fleet::with(1, 0, &WINDOW).await;
    fleet.redis.persist(Persistence::SavePoints);
    let (client, ids) = backlog(&fleet).await;
    assert_eq!(restarted(&mut fleet), ":0", "Redis has lost it");
    recovers(&mut fleet, &client, ids).await;
}

#[tokio::test]
async fn f33_emptied_under_load_again_and_again() {
    let fleet = Fleet::with(1, 2, &WINDOW).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut ids = Vec::new();
    for _ in 0..JOBS {
        ids.push(upload(&client).await);
        fleet.redis.flush();
    }
    all_are_ready(&fleet, &client, ids).await;
}

/// Nothing more fits in, and what waited is lost as well.
#[tokio::test]
async fn f35_full_and_then_with_room_it_is_filled_again_in_time() {
    let mut fleet = Fleet::with(1, 0, &WINDOW).await;
    let (client, mut ids) = backlog(&fleet).await;
    assert_eq!(fleet.redis.command("CONFIG SET maxmemory 1"), "+OK");
    fleet.redis.flush();
    ids.push(upload(&client).await);
    until("the alarm", async || (figure(&fleet, "heim_dispatch_failing").await == Some(1.0)).then_some(())).await;
    assert_eq!(fleet.redis.command(WAITING), ":0");
    assert_eq!(fleet.redis.command("CONFIG SET maxmemory 0"), "+OK");
    recovers(&mut fleet, &client, ids).await;
}

/// What came while it was frozen is told to it when it answers again.
#[tokio::test]
async fn f37_frozen_and_then_answering_it_is_filled_in_time() {
    let mut fleet = Fleet::with(1, 0, &WINDOW).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    fleet.redis.freeze();
    let mut ids = Vec::new();
    for _ in 0..JOBS {
        ids.push(upload(&client).await);
    }
    until("the alarm", async || (figure(&fleet, "heim_dispatch_failing").await == Some(1.0)).then_some(())).await;
    fleet.redis.thaw();
    recovers(&mut fleet, &client, ids).await;
}

#[tokio::test]
async fn f33_emptied_it_is_full_again_in_time() {
    let mut fleet = Fleet::with(1, 0, &WINDOW).await;
    let (client, ids) = backlog(&fleet).await;
    fleet.redis.flush();
    recovers(&mut fleet, &client, ids).await;
}

/// The last second is lost: a replica that has heard nothing for a while takes over.
/// Deployments reach it by a name or an address that moves: here a proxy that moves.
#[tokio::test]
async fn f34_a_failover_that_loses_the_last_writes() {
    let primary = heim_tests::redis::Redis::start();
    let replica = heim_tests::redis::Redis::start();
    assert_eq!(replica.command(&format!("REPLICAOF 127.0.0.1 {}", primary.port())), "+OK");
    let proxy = heim_tests::proxy::Proxy::before(primary.port());
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let mut fleet = Fleet::with(1, 0, &[WINDOW[0], WINDOW[1], ("queue.url", &url)]).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut ids = vec![upload(&client).await, upload(&client).await];
    until("the replica has both", async || (replica.command(WAITING) == ":2").then_some(())).await;
    // From here on the replica hears nothing.
    assert_eq!(replica.command("REPLICAOF NO ONE"), "+OK");
    for _ in 2..JOBS {
        ids.push(upload(&client).await);
    }
    until("the window is full", async || (primary.command(WAITING) == ":8").then_some(())).await;
    drop(primary);
    let began = Instant::now();
    proxy.move_to(replica.port());
    until("the window is full again", async || (replica.command(WAITING) == ":8").then_some(())).await;
    assert!(began.elapsed() <= REFILLED_WITHIN, "{:?}", began.elapsed());
    fleet.add_worker().await;
    all_are_ready(&fleet, &client, ids).await;
}

/// A copy of when four jobs waited is brought back when they are done, and one of
/// them is trimmed.
#[tokio::test]
async fn f39_ids_that_an_old_copy_brings_back_are_nobodys() {
    let mut fleet = Fleet::with(1, 0, &WINDOW).await;
    fleet.redis.persist(Persistence::AppendOnly);
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(upload(&client).await);
    }
    until("all of them wait", async || (fleet.redis.command(WAITING) == ":4").then_some(())).await;
    let copy = fleet.redis.copy();
    fleet.add_worker().await;
    for id in &ids {
        finished(&client, *id).await;
    }
    let database = fleet.database().await;
    truth::settled(&database).await;
    let rows = truth::rows(&database).await;
    let job = rows.lines().find_map(|line| line.strip_prefix("job ")?.split(' ').next()?.parse().ok());
    let job = JobId::from_i64(job.expect("there are some"));
    heim_tests::sql::sql(fleet.database_url(), &format!("DELETE FROM job WHERE id = {}", job.as_i64())).await;
    let (before, stored) = (truth::rows(&database).await, fleet.stored());
    // A frozen worker takes nothing before it is seen that they are back.
    fleet.workers[0].freeze();
    fleet.redis.bring_back(&copy);
    assert_eq!(fleet.redis.command(WAITING), ":4", "they are back");
    fleet.workers[0].thaw();
    until("the worker has taken them all", async || (fleet.redis.command(WAITING) == ":0").then_some(())).await;
    // And goes on.
    let new = upload(&client).await;
    finished(&client, new).await;
    truth::settled(&database).await;
    let after = truth::rows(&database).await;
    assert!(before.lines().all(|line| after.contains(line)), "nothing of them changed:\n{before}\n{after}");
    assert!(stored.iter().all(|file| fleet.stored().contains(file)));
}
