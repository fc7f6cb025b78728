//! Coordinators behind a balancer that are killed, stopped, and replaced.

use super::workers::{assert_ends_well, assert_nothing_counted};
use heim_common::wire::UploadHandle;
use heim_tests::{
    balancer::Balancer,
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Load, Told, assert_kept, bmp},
    packets::Ending,
    raw::{Raw, authority, upload_head},
    truth,
    until::until,
    web::Web,
};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A fleet behind a balancer, its workers too: whoever loses a coordinator finds
/// the other.
async fn balanced(workers: usize) -> (Fleet, Balancer) {
    let mut fleet = Fleet::start(2, 0).await;
    let balancer = Balancer::before(&[fleet.base(0), fleet.base(1)]);
    for _ in 0..workers {
        let worker = worker(&fleet, &balancer).await;
        fleet.workers.push(worker);
    }
    (fleet, balancer)
}

async fn worker(fleet: &Fleet, balancer: &Balancer) -> heim_tests::process::Process {
    fleet.worker(0).setting("worker.coordinator_url", &balancer.base()).start().await
}

/// A killed coordinator's clients go elsewhere within a second; five times that
/// is for a test machine that is busy.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Nothing was refused, and nobody had to try more than twice.
fn assert_one_retry(told: &Told) {
    let tries = told.accepted.iter().map(|accepted| accepted.tries).max();
    assert!(tries <= Some(2), "{tries:?} tries");
    assert!(told.refused.is_empty() && told.errors.is_empty(), "{:?} {:?}", told.refused, told.errors);
}

/// Waits until so many more uploads are accepted.
async fn more(load: &Load, count: usize) {
    let before = load.accepted();
    until("uploads are accepted", async || (load.accepted() >= before + count).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f25_a_coordinator_that_is_killed_costs_its_clients_one_retry() {
    let (mut fleet, balancer) = balanced(2).await;
    let load = Load::start(4, &[&balancer.base()]);
    let mut kills = Vec::new();
    for place in [0, 1, 0, 1] {
        more(&load, 10).await;
        kills.push(Instant::now());
        fleet.coordinators[place].kill9().await;
        more(&load, 10).await;
        fleet.replace_coordinator(place).await;
    }
    let told = load.end().await;
    assert_one_retry(&told);
    let since = |at: &Instant| kills.iter().filter_map(|kill| at.checked_duration_since(*kill)).min();
    let longest = told.disturbed.iter().map(|at| since(at).expect("nothing was wrong before the first kill")).max();
    let longest = longest.expect("somebody was connected to what was killed");
    println!("F25: {} kills, {} disturbed, the last {longest:?} after", kills.len(), told.disturbed.len());
    assert!(longest <= ELSEWHERE, "{longest:?}");
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &fleet.store(), &told.accepted).await;
}

/// Sends the first half of an upload that the coordinator has begun to read.
async fn begin(upload: &mut Raw, handle: &UploadHandle, picture: &[u8]) {
    let length = picture.len().to_string();
    assert!(upload.write(upload_head(handle, &[("Content-Length", &length), ("Expect", "100-continue")])).await);
    assert_eq!(upload.answer().await.expect("it is read").status, 100);
    assert!(upload.write(&picture[..500]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_a_coordinator_that_stops_lets_uploads_end_and_sends_sockets_away() {
    let mut fleet = Fleet::start(1, 1).await;
    let base = fleet.base(0).to_owned();
    let ana = Client::join(&base, "welcome", Entrance::aware()).await;
    let ben = Client::join(&base, "welcome", Entrance::aware()).await;
    let handle = ana.upload_handle().await;
    let picture = bmp(1);
    let mut upload = Raw::connect(&base).await;
    begin(&mut upload, &handle, &picture).await;

    let asked = Instant::now();
    fleet.coordinators[0].terminate();
    for client in [&ana, &ben] {
        assert_eq!(client.heard.ending().await, Ending::Closed(Some(1012)));
        assert_eq!(client.heard.farewell(), "restarting; retry-ms=6", "two sessions go");
    }
    until("nobody else comes in", async || TcpStream::connect(authority(&base)).await.err()).await;
    assert!(fleet.coordinators[0].is_alive(), "it waits for the upload");
    assert!(upload.write(&picture[500..]).await);
    assert_eq!(upload.answer().await.expect("the upload is answered").status, 201);
    assert_ends_well(&mut fleet.coordinators[0]).await;
    assert!(asked.elapsed() < Duration::from_secs(20), "before its grace was over: {:?}", asked.elapsed());
    fleet.replace_coordinator(0).await;
    truth::settled(&fleet.database().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_an_upload_that_does_not_end_is_left_when_the_grace_is_over() {
    let mut fleet = Fleet::with(1, 1, &[("coordinator.grace_ms", "500")]).await;
    let ana = Client::join(fleet.base(0), "welcome", Entrance::aware()).await;
    let (handle, picture) = (ana.upload_handle().await, bmp(1));
    let mut upload = Raw::connect(fleet.base(0)).await;
    begin(&mut upload, &handle, &picture).await;
    fleet.coordinators[0].terminate();
    assert_ends_well(&mut fleet.coordinators[0]).await;
    assert!(upload.answer().await.is_none(), "nobody is told that it was accepted");
    fleet.replace_coordinator(0).await;
    // The handle is still good.
    assert_eq!(Web::default().upload(&handle, picture).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_a_rolling_restart_of_everything_fails_no_upload() {
    let (mut fleet, balancer) = balanced(3).await;
    let load = Load::start(4, &[&balancer.base()]);
    for _ in 0..2 {
        for place in 0..5 {
            more(&load, 10).await;
            if place < 2 {
                fleet.coordinators[place].terminate();
                assert_ends_well(&mut fleet.coordinators[place]).await;
                fleet.replace_coordinator(place).await;
            } else {
                fleet.workers[place - 2].terminate();
                assert_ends_well(&mut fleet.workers[place - 2]).await;
                fleet.workers[place - 2] = worker(&fleet, &balancer).await;
            }
        }
    }
    let told = load.end().await;
    assert_one_retry(&told);
    assert!(told.endings.iter().all(|ending| *ending == Ending::Closed(Some(1012))), "{:?}", told.endings);
    assert!(!told.endings.is_empty(), "they were all sent away at least once");
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &fleet.store(), &told.accepted).await;
    assert_nothing_counted(&database).await;
}
