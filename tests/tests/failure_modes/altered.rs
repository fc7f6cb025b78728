//! What goes over the wire arrives with a flipped bit, or hardly arrives.

use crate::worker::job::job;
use futures_util::future::join_all;
use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    ledger::crowd::{Crowd, Outcome},
    operator::Operator,
    postgres::Postgres,
    proxy::{Fault, Proxy, Way},
    redis::Redis,
    s3::S3,
    sharing::{NAMES, finished, share_accepted},
    until::until,
    web::Web,
};
use std::{
    fs,
    time::{Duration, Instant},
};

/// In the middle of a picture, behind the head of the request or answer that it is in.
const IN_THE_PICTURE: u64 = 100_000;
const ROOM: &str = "vault";
const PASSCODE: &str = "heron in the hail";
const CLIENTS: usize = 6;
/// For how long each connection has its flipped bit before it.
const ALTERED: Duration = Duration::from_millis(300);

/// A fleet over a bucket, and what its coordinator, or its worker, reaches it by.
struct Stage {
    fleet: Fleet,
    s3: S3,
    proxy: Proxy,
}

impl Stage {
    async fn set(of_the_worker: bool, more: &[(&str, &str)]) -> Self {
        let s3 = S3::start();
        let proxy = Proxy::before(s3.port());
        let ports = if of_the_worker { (s3.port(), proxy.port()) } else { (proxy.port(), s3.port()) };
        let own = S3::settings("fleet", ports.0);
        let settings: Vec<_> =
            own.iter().map(|(key, value)| (*key, value.as_str())).chain(more.iter().copied()).collect();
        let mut fleet = Fleet::with(1, 0, &settings).await;
        let worker = fleet.worker(0).setting("store.endpoint", &format!("http://127.0.0.1:{}", ports.1));
        fleet.workers.push(worker.start().await);
        Self { fleet, s3, proxy }
    }

    async fn enter(&self) -> Client {
        Client::enter(self.fleet.base(0), "welcome", Entrance::aware(), "ana").await
    }

    /// Each original that is stored is what was uploaded.
    fn assert_whole(&self, picture: &[u8]) {
        for key in self.s3.objects().iter().filter(|key| key.contains("/original.")) {
            assert!(fs::read(self.s3.path(key)).expect("it is there") == picture, "{key} is another");
        }
    }

    /// How often the server has refused what it was sent by this method.
    fn refused(&self, method: &str) -> usize {
        self.s3.seen().iter().filter(|seen| seen.method == method && seen.status >= 400).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f57_an_upload_that_is_altered_before_the_store_is_refused_there_and_never_ready() {
    let stage = Stage::set(false, &[]).await;
    let (ana, web) = (stage.enter().await, Web::default());
    for file in [corpus::SMALL, corpus::LARGE] {
        let picture = corpus::read(file);
        let handle = ana.upload_handle().await;
        ana.send("look", &[handle.id]).await;
        let before = stage.refused("PUT");
        stage.proxy.set(Fault::Corrupt(Way::In, IN_THE_PICTURE));
        let answer = web.upload(&handle, picture.clone()).await;
        println!("f57: {file}: {}", answer.status);
        assert!(stage.refused("PUT") > before, "the server saw it");
        stage.assert_whole(&picture);
        stage.proxy.heal();
        if answer.status != 201 {
            assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
            assert_eq!(web.upload(&handle, picture.clone()).await.status, 201);
        }
        assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
        stage.assert_whole(&picture);
        until("nothing is left of what failed", async || stage.s3.unfinished().is_empty().then_some(())).await;
        for key in stage.s3.objects() {
            fs::remove_file(stage.s3.path(&key)).expect("it is there");
        }
    }
}

/// The bytes of all that was made of a picture.
async fn made(client: &Client, id: MediaId) -> Vec<Vec<u8>> {
    let media = finished(client, id).await;
    assert_eq!(media.state, MediaState::Ready, "{media:?}");
    let get = async |name: &&str| {
        let view = &media.transcodings[&name.parse().expect("a name")];
        let answer = Web::default().get(&view.url).await;
        assert_eq!((answer.status, answer.body.len() as u64), (200, view.size), "{name}");
        answer.body
    };
    join_all(NAMES.iter().map(get)).await
}

/// By the SHA-256 of the claim, and where the room is private, because it does not open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f57_an_original_that_is_altered_on_its_way_to_a_worker_is_fetched_again() {
    let settings = [("admin.token", TOKEN), ("keys.master", MASTER), ("jobs.backoff_ms", "100")];
    let stage = Stage::set(true, &settings).await;
    Operator::of(stage.fleet.base(0)).make_private(ROOM, PASSCODE).await;
    let database = stage.fleet.database().await;
    let vault = admitted(stage.fleet.base(0), ROOM, PASSCODE, Entrance::aware(), "ana").await;
    for client in [stage.enter().await, vault] {
        let whole = share_accepted(&client, corpus::read(corpus::SMALL)).await;
        let whole = made(&client, whole).await;
        stage.fleet.workers[0].freeze();
        let id = share_accepted(&client, corpus::read(corpus::SMALL)).await;
        stage.proxy.set(Fault::Corrupt(Way::Out, IN_THE_PICTURE));
        stage.fleet.workers[0].thaw();
        until("it was tried", async || (job(&database, id).await.failures > 0).then_some(())).await;
        stage.proxy.heal();
        assert!(made(&client, id).await == whole, "what is made of it is what is made of the right one");
        until("the verdict is told", async || (job(&database, id).await.state == "done").then_some(())).await;
        assert_eq!(job(&database, id).await.deaths, 0);
    }
}

/// The same of what a worker stores: refused there, and put again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f57_a_transcoding_that_is_altered_on_its_way_is_refused_by_the_store_and_put_again() {
    let stage = Stage::set(true, &[]).await;
    let (ana, database) = (stage.enter().await, stage.fleet.database().await);
    let whole = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let whole = made(&ana, whole).await;
    stage.fleet.workers[0].freeze();
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    // In the smallest of them, or the next.
    stage.proxy.set(Fault::Corrupt(Way::In, 3_000));
    stage.fleet.workers[0].thaw();
    until("the store has refused it", async || (stage.refused("PUT") > 0).then_some(())).await;
    stage.proxy.heal();
    assert!(made(&ana, id).await == whole, "each is as it was made");
    let done = job(&database, id).await;
    assert_eq!((done.failures, done.deaths), (0, 0), "{}", done.line);
}

/// How long one attempt at a request to the store may take, and all of them.
const ATTEMPT_MS: u64 = 1_000;
const RETRY_MS: u64 = 1_500;
const BUSY: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f53_a_store_that_takes_too_slowly_is_waited_for_no_longer_and_keeps_nothing_short() {
    let (attempt, retry) = (ATTEMPT_MS.to_string(), RETRY_MS.to_string());
    let stage = Stage::set(false, &[("store.attempt_ms", &attempt), ("store.retry_ms", &retry)]).await;
    let (ana, web) = (stage.enter().await, Web::default());
    let within = Duration::from_millis(ATTEMPT_MS + RETRY_MS) + BUSY;
    let (small, large) = (corpus::read(corpus::SMALL), corpus::read(corpus::LARGE));
    // Half of what would be in time, of the one; of the other it is less still for each part.
    for (picture, rate) in [(&small, small.len() / 2), (&large, 1 << 20)] {
        stage.proxy.set(Fault::Throttle(rate as u64));
        let handle = ana.upload_handle().await;
        let begun = Instant::now();
        let answer = web.upload(&handle, picture.clone()).await;
        println!(
            "f53: {} bytes at {rate} bytes a second: {} after {:?}",
            picture.len(),
            answer.status,
            begun.elapsed()
        );
        assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
        assert!(begun.elapsed() < within, "{:?}", begun.elapsed());
        stage.proxy.heal();
        until("nothing is left of it", async || stage.s3.unfinished().is_empty().then_some(())).await;
    }
    // Slow, and in time.
    stage.proxy.set(Fault::Throttle(4 * small.len() as u64));
    let id = share_accepted(&ana, small.clone()).await;
    stage.assert_whole(&small);
    stage.proxy.heal();
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    // What had gone through unheard, too: none of it is short.
    stage.assert_whole(&small);
}

/// Clients upload while the next reply on each connection has a flipped bit, at one
/// place after the other. Everybody comes to terms with it and what was accepted is kept.
/// Tells the longest time until all was well again, and what the ledger says.
async fn nothing_is_lost_for(mut fleet: Fleet, proxy: &Proxy, places: &[u64]) -> (Duration, Outcome) {
    let mut longest = Duration::ZERO;
    let (crowd, web) = (Crowd::on(&fleet, CLIENTS), Web::default());
    until("uploads are accepted", async || (crowd.accepted() > CLIENTS).then_some(())).await;
    for place in places {
        proxy.set(Fault::Corrupt(Way::Out, *place));
        tokio::time::sleep(ALTERED).await;
        proxy.heal();
        let (before, healed) = (crowd.accepted(), Instant::now());
        until("uploads are accepted again", async || (crowd.accepted() > before + CLIENTS).then_some(())).await;
        for coordinator in &fleet.coordinators {
            let ready = format!("{}/readyz", coordinator.ready);
            until("it is ready", async || (web.get(&ready).await.status == 200).then_some(())).await;
        }
        longest = longest.max(healed.elapsed());
    }
    let outcome = crowd.end(&fleet).await;
    for process in fleet.coordinators.iter_mut().chain(&mut fleet.workers) {
        assert!(process.is_alive(), "{}", process.log());
    }
    assert!(outcome.is_clean(), "{outcome}");
    (longest, outcome)
}

/// In the type, the length and the line's end of what it says, and where a value begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_of_redis_with_a_flipped_bit_lose_nothing() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port());
    let fleet = Fleet::with(2, 2, &[("queue.url", &format!("redis://127.0.0.1:{}", proxy.port()))]).await;
    let (longest, outcome) = nothing_is_lost_for(fleet, &proxy, &[0, 1, 2, 3, 4, 5, 9, 16, 30, 37]).await;
    println!("all is well after {longest:?} at the most\n{outcome}");
}

/// In the type and the length of a message, and what a reply begins with. A flipped bit in
/// a value is another value to whoever reads it: only TLS would find that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_of_postgresql_with_a_flipped_bit_lose_nothing() {
    let server = Postgres::start();
    let direct = server.fresh_url();
    let port = direct.rsplit(':').next().and_then(|rest| rest.split('/').next()?.parse().ok()).expect("a port");
    let proxy = Proxy::before(port);
    let by = direct.replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let fleet = Fleet::over(direct, Some(by), 2, 2, &[("database.timeout_ms", "2000")]).await;
    let (longest, outcome) = nothing_is_lost_for(fleet, &proxy, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).await;
    println!("all is well after {longest:?} at the most\n{outcome}");
}
