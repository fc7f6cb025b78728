//! The object store fails, hangs, cuts bodies or is full.

use bytes::Bytes;
use futures_util::{TryStreamExt, future::join_all};
use heim_common::{key::ObjectKey, media::MediaState, wire::UploadHandle};
use heim_runtime::Secret;
use heim_store::{Store, StoreConfig, StoreError};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    proxy::{Fault, Proxy, Way},
    raw::{Raw, upload_head},
    s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY, Seen, Trouble},
    sharing::{NAMES, finished, share, share_accepted},
    slow,
    small_disk::SmallDisk,
    standalone::Standalone,
    stored,
    until::until,
    usage,
    web::{Answer, Web},
};
use serde_json::json;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// How long a request to the store may take, by its defaults: an attempt and what is
/// tried again; and what a busy machine adds.
const HANGS_FOR: Duration = Duration::from_secs(4 + 5);
const BUSY: Duration = Duration::from_secs(6);
const BUDGET: Duration = HANGS_FOR.saturating_add(BUSY);
/// A quick sweep of the store, for what a server did late.
const SWEEPS: [(&str, &str); 5] = [
    ("retention.orphans_s", "1"),
    ("retention.orphans_kept_s", "6"),
    ("retention.unfinished_kept_s", "6"),
    ("limits.body_timeout_ms", "5000"),
    ("limits.body_idle_timeout_ms", "5000"),
];

async fn over(port: u16, more: &[(&str, &str)]) -> Fleet {
    let own = S3::settings("fleet", port);
    let settings: Vec<_> = own.iter().map(|(key, value)| (*key, value.as_str())).chain(more.iter().copied()).collect();
    Fleet::with(1, 1, &settings).await
}

async fn enter(base: &str) -> Client {
    Client::enter(base, "welcome", Entrance::aware(), "ana").await
}

/// A share that is refused for a while, in time and with the word when to come again.
async fn refused_in_time(ana: &Client, picture: &[u8]) -> Duration {
    let handle = ana.upload_handle().await;
    let begun = Instant::now();
    let answer = Web::default().upload(&handle, picture.to_vec()).await;
    let took = begun.elapsed();
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    assert!(took < BUDGET, "{took:?}");
    took
}

async fn shared(ana: &Client, picture: &[u8]) {
    let id = share_accepted(ana, picture.to_vec()).await;
    assert_eq!(finished(ana, id).await.state, MediaState::Ready);
}

async fn becomes(s3: &S3, objects: usize) {
    until("nothing is left of what failed", async || {
        (s3.objects().len() == objects && s3.unfinished().is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f52_bursts_of_503_and_500_are_waited_out_and_no_longer_than_a_request_may_take() {
    let s3 = S3::start();
    let fleet = over(s3.port(), &[]).await;
    let (ana, picture) = (enter(fleet.base(0)).await, corpus::read(corpus::SMALL));
    let mut accepted = 0;
    for status in [503, 500] {
        for method in ["PUT", "GET"] {
            s3.set(Trouble::Refuse { method: Some(method), status, times: 3 });
            shared(&ana, &picture).await;
            assert_eq!(s3.troubled(), 3, "{status} for {method}");
            accepted += 1;
        }
        s3.set(Trouble::Refuse { method: None, status, times: u32::MAX });
        let took = refused_in_time(&ana, &picture).await;
        assert!(s3.troubled() > 2, "it was tried again");
        println!("f52: {status} all the time: refused after {took:?}, {} requests", s3.troubled());
        s3.set(Trouble::None);
    }
    shared(&ana, &picture).await;
    assert_eq!(s3.objects().len(), (accepted + 1) * NAMES.len());
    s3.set(Trouble::Refuse { method: Some("PUT"), status: 507, times: u32::MAX });
    let (_, answer) = share(&ana, picture).await;
    assert_eq!(answer.refusal(), (507, "store-full".to_owned()));
    assert_eq!(s3.troubled(), 1, "a full server is not asked again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f53_a_store_that_hangs_costs_a_request_its_budget_and_nothing_is_left() {
    let s3 = S3::start();
    let proxy = Proxy::before(s3.port());
    let fleet = over(proxy.port(), &SWEEPS).await;
    let (ana, picture) = (enter(fleet.base(0)).await, corpus::read(corpus::SMALL));
    shared(&ana, &picture).await;
    proxy.set(Fault::BlackHole);
    let took = refused_in_time(&ana, &picture).await;
    println!("f53: small, refused after {took:?}");
    let took = refused_in_time(&ana, &corpus::read(corpus::LARGE)).await;
    println!("f53: in parts, refused after {took:?}");
    assert_eq!(Web::default().get(&format!("{}/readyz", fleet.base(0))).await.status, 503);
    assert_eq!(Web::default().get(&format!("{}/healthz", fleet.base(0))).await.status, 200);
    proxy.heal();
    // What was on its way arrives now, and is nobody's.
    becomes(&s3, NAMES.len()).await;
    shared(&ana, &picture).await;
}

/// Who upload at a time, and who say something meanwhile, in turns.
const CROWD: usize = 60;
const SPEAKERS: usize = 10;
/// What others wait for at the most, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Connections to the store that no upload has.
const SPARE: usize = 8;

/// The longest that somebody waits for what has nothing to do with the store.
async fn others_wait(base: &str, speaker: &Client) -> Duration {
    let (web, mut longest) = (Web::default(), Duration::ZERO);
    for path in ["/healthz", "/room/welcome/"] {
        let asked = Instant::now();
        assert_eq!(web.get(&format!("{base}{path}")).await.status, 200);
        longest = longest.max(asked.elapsed());
    }
    let asked = Instant::now();
    speaker.send("meanwhile", &[]).await;
    speaker.command("log", json!({ "n": 10 })).await;
    longest.max(asked.elapsed())
}

/// There is no circuit breaker: this is why there need be none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f53_a_crowd_that_uploads_to_a_store_that_hangs_is_answered_in_time_and_in_nobodys_way() {
    let s3 = S3::start();
    let proxy = Proxy::before(s3.port());
    let fleet = over(proxy.port(), &[]).await;
    let (base, web, picture) = (fleet.base(0), Web::default(), corpus::read(corpus::SMALL));
    let speakers = join_all((0..SPEAKERS).map(|_| enter(base))).await;
    shared(&speakers[0], &picture).await;
    let handles = slow::handles(base, CROWD).await;
    proxy.set(Fault::BlackHole);
    let is_over = Cell::new(false);
    let uploading = async {
        let one = async |handle: &UploadHandle| {
            let begun = Instant::now();
            let answer = web.upload(handle, picture.clone()).await;
            assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
            begun.elapsed()
        };
        let took = join_all(handles.iter().map(one)).await;
        is_over.set(true);
        took.into_iter().max().expect("there are some")
    };
    let meanwhile = async {
        let (mut longest, mut most) = (Duration::ZERO, 0);
        for speaker in speakers.iter().cycle() {
            longest = longest.max(others_wait(base, speaker).await);
            most = most.max(usage::connections_to(proxy.port()));
            if is_over.get() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        (longest, most)
    };
    let (took, (others, most)) = tokio::join!(uploading, meanwhile);
    println!("f53: {CROWD} uploads are answered after {took:?}, others after {others:?}; {most} connections hang");
    assert!(took < HANGS_FOR + BUSY, "{took:?}");
    assert!(others < AT_ONCE, "{others:?}");
    assert!((CROWD / 2..=CROWD + SPARE).contains(&most), "{most} connections for {CROWD} uploads");
    until("they are closed", async || (usage::connections_to(proxy.port()) <= SPARE).then_some(())).await;
    proxy.heal();
    shared(&speakers[0], &picture).await;
}

/// A store without a second attempt, by way of a proxy.
fn by(proxy: &Proxy) -> Store {
    let config = StoreConfig {
        url: format!("s3://{BUCKET}/fleet"),
        endpoint: format!("http://127.0.0.1:{}", proxy.port()),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: Secret::new(SECRET_KEY.to_owned()),
        allow_plain_http: true,
        retry_ms: 0,
        ..StoreConfig::default()
    };
    Store::open(&config).expect("the configuration is good")
}

/// Does something with the connection cut after each byte of one way, until it
/// succeeds three times on end: there is nothing left to cut. Says how often it
/// was cut.
async fn at_every_byte(proxy: &Proxy, way: Way, mut work: impl AsyncFnMut(&Store) -> bool) -> u64 {
    let (mut cuts, mut whole, store) = (0, 0, by(proxy));
    for bytes in 0.. {
        proxy.set(Fault::CutAfter(way, bytes));
        if work(&store).await {
            whole += 1;
        } else {
            whole = 0;
            cuts += 1;
        }
        if whole == 3 {
            break;
        }
    }
    proxy.heal();
    cuts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f54_no_object_is_short_wherever_the_connection_is_cut() {
    let s3 = S3::start();
    let proxy = Proxy::before(s3.port());
    let (key, bytes) = (ObjectKey::from_stored("media/0c1ofy/0c1ofy7941g5c/original.1".into()), [7; 100]);
    let path = s3.path("fleet/media/0c1ofy/0c1ofy7941g5c/original.1");
    let put = at_every_byte(&proxy, Way::In, async |store| {
        let _ = std::fs::remove_file(&path);
        let put = store.put(&key, None, Bytes::copy_from_slice(&bytes)).await;
        let there = std::fs::read(&path).ok();
        assert!(there.as_ref().is_none_or(|there| *there == bytes), "short: {there:?}");
        assert!(put.is_err() || there.is_some(), "what was accepted is there");
        put.is_ok()
    })
    .await;
    assert!(put > 100, "every byte of the object and of its head: {put}");
    let get = at_every_byte(&proxy, Way::Out, async |store| {
        let read = async {
            let body = store.read(&key, None, None).await?;
            Ok::<_, StoreError>(body.try_collect::<Vec<Bytes>>().await?.concat())
        };
        match read.await {
            Ok(read) => {
                assert_eq!(read, bytes, "all of it");
                true
            }
            Err(_) => false,
        }
    })
    .await;
    assert!(get > 100, "every byte of the object and of its head: {get}");
    println!("f54: cut {put} times on the way in, {get} times on the way out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f54_an_upload_that_is_cut_before_the_store_is_refused_and_never_ready() {
    let s3 = S3::start();
    let proxy = Proxy::before(s3.port());
    let fleet = over(proxy.port(), &[("store.retry_ms", "1")]).await;
    let (ana, picture) = (enter(fleet.base(0)).await, corpus::read(corpus::SMALL));
    for cut in (0..8).map(|eighth| picture.len() as u64 * eighth / 8) {
        proxy.set(Fault::CutAfter(Way::In, cut));
        refused_in_time(&ana, &picture).await;
        assert!(s3.objects().is_empty() && s3.unfinished().is_empty(), "cut after {cut}: {:?}", s3.objects());
    }
    proxy.heal();
    shared(&ana, &picture).await;
    becomes(&s3, NAMES.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f55_a_put_whose_answer_is_lost_is_done_once() {
    let s3 = S3::start();
    let fleet = over(s3.port(), &[]).await;
    let (ana, picture) = (enter(fleet.base(0)).await, corpus::read(corpus::SMALL));
    s3.set(Trouble::LoseReply { method: "PUT", times: 2 });
    shared(&ana, &picture).await;
    assert_eq!((s3.troubled(), s3.objects().len()), (2, NAMES.len()));
    // Of an upload in parts, the answer that says that it is whole.
    let large = corpus::read(corpus::LARGE);
    let handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    let mut raw = Raw::connect(&handle.url).await;
    assert!(raw.write(upload_head(&handle, &[("Content-Length", &large.len().to_string())])).await);
    assert!(raw.write(&large[..6 << 20]).await);
    until("the upload in parts is begun", async || (!s3.unfinished().is_empty()).then_some(())).await;
    s3.set(Trouble::LoseReply { method: "POST", times: 1 });
    assert!(raw.write(&large[6 << 20..]).await);
    let Answer { status, .. } = raw.answer().await.expect("an answer");
    assert_eq!((status, s3.troubled()), (201, 1));
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
    assert_eq!(s3.objects().len(), 2 * NAMES.len());
    let original = s3.objects().into_iter().find(|key| key.contains(&format!("{}/original", handle.id)));
    assert!(std::fs::read(s3.path(&original.expect("it is there"))).expect("a file") == large);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f56_an_upload_of_which_a_part_is_lost_is_refused_and_aborted_and_can_be_tried_again() {
    let s3 = S3::start();
    let fleet = over(s3.port(), &[]).await;
    let (ana, large) = (enter(fleet.base(0)).await, corpus::read(corpus::LARGE));
    let handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    s3.lose_parts(true);
    let answer = Web::default().upload(&handle, large.clone()).await;
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    // By the coordinator that began it: sweeps of the store leave what is younger than a day.
    becomes(&s3, 0).await;
    let (asked, aborted) = (s3.seen(), |seen: &Seen| seen.method == "DELETE" && seen.target.contains("uploadId="));
    assert_eq!(asked.iter().filter(|seen| aborted(seen)).count(), 1, "{asked:?}");
    assert_eq!(ana.media(handle.id).await.state, MediaState::Created);

    s3.lose_parts(false);
    assert_eq!(Web::default().upload(&handle, large.clone()).await.status, 201);
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
    becomes(&s3, NAMES.len()).await;
    let original = s3.objects().into_iter().find(|key| key.contains(&format!("{}/original", handle.id)));
    assert!(std::fs::read(s3.path(&original.expect("it is there"))).expect("a file") == large);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f59_a_full_disk_is_told_as_507_leaves_nothing_and_is_forgotten_when_there_is_room() {
    let disk = SmallDisk::of(16 << 20);
    let folder = disk.path().join("store");
    let heim = Standalone::with(&[("store.url", &format!("file://{}", folder.display()))]).await;
    let (ana, photo) = (enter(heim.base()).await, corpus::read(corpus::PHOTO));
    let (web, handle) = (Web::default(), ana.upload_handle().await);
    let readiness = async |web: &Web| web.get(&format!("{}/readyz", heim.base())).await.status;
    ana.send("look", &[handle.id]).await;
    for percent in [0, 50, 99] {
        disk.fill_but(photo.len() as u64 * percent / 100);
        let answer = web.upload(&handle, photo.clone()).await;
        assert_eq!(answer.refusal(), (507, "store-full".to_owned()), "room for {percent} %");
        until("nothing is left of it", async || stored::files(&folder).is_empty().then_some(())).await;
        if percent == 0 {
            until("it says so", async || (readiness(&web).await == 503).then_some(())).await;
        }
        disk.free();
    }
    assert_eq!(web.upload(&handle, photo).await.status, 201);
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
    assert_eq!(stored::files(&folder).len(), NAMES.len());
    until("it is ready", async || (readiness(&web).await == 200).then_some(())).await;
}
