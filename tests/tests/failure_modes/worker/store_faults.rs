//! The store fails while a worker is at work. What is wrong is wrong for as long as
//! it takes until the worker gives up, and puts its job off.

use super::job::{events, job};
use heim_common::media::MediaState;
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    operator::Operator,
    proxy::{Fault, Proxy, Way},
    s3::{S3, Trouble},
    sharing::{NAMES, finished, share_accepted},
    small_disk::SmallDisk,
    sql::sql,
    stored,
    until::until,
    web::Web,
};
use std::time::Instant;

const ROOM: &str = "vault";
const PASSCODE: &str = "heron in the hail";
/// A worker that does not wait for long, and takes the jobs of both rooms at once.
const HASTY: [(&str, &str); 4] =
    [("store.connect_ms", "400"), ("store.attempt_ms", "400"), ("store.retry_ms", "400"), ("worker.concurrency", "2")];

/// What goes wrong, at the server or on the way to it.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Server(Trouble),
    Way(Fault),
}

/// For as long as it is on.
const ALL: u32 = u32::MAX;
const WRONGS: [Wrong; 8] = [
    Wrong::Server(Trouble::Refuse { method: Some("GET"), status: 503, times: ALL }),
    // In the middle of the original.
    Wrong::Way(Fault::CutAfter(Way::Out, 20_000)),
    Wrong::Way(Fault::BlackHole),
    Wrong::Server(Trouble::Refuse { method: Some("PUT"), status: 500, times: ALL }),
    Wrong::Server(Trouble::Refuse { method: Some("PUT"), status: 507, times: ALL }),
    Wrong::Server(Trouble::Hang { method: "PUT", times: ALL }),
    Wrong::Server(Trouble::LoseReply { method: "PUT", times: ALL }),
    // In the middle of the smallest transcoding.
    Wrong::Way(Fault::CutAfter(Way::In, 2_000)),
];

/// A picture in each of these rooms, which meets with this on its way.
async fn meets_with(fleet: &Fleet, clients: &[Client], wrong: impl Fn(bool)) {
    // Whatever comes meanwhile it takes when it wakes.
    fleet.workers[0].freeze();
    let mut ids = Vec::new();
    for client in clients {
        ids.push(share_accepted(client, corpus::read(corpus::SMALL)).await);
    }
    wrong(true);
    fleet.workers[0].thaw();
    for id in &ids {
        let query = format!("SELECT state, snoozes > 0 FROM job WHERE media_id = {}", id.as_i64());
        until("the job is put off, or has ended", async || {
            let row = sql(fleet.database_url(), &query).await;
            (row.ends_with("|t") || row.starts_with("done") || row.starts_with("failed")).then_some(())
        })
        .await;
        let put_off = job(&fleet.database().await, *id).await;
        assert!(put_off.line.ends_with(" because of store-unavailable"), "{}", put_off.line);
    }
    wrong(false);
    for (client, id) in clients.iter().zip(ids) {
        let media = finished(client, id).await;
        assert_eq!(media.state, MediaState::Ready);
        for (name, view) in &media.transcodings {
            let got = Web::default().get(&view.url).await;
            assert_eq!((got.status, got.body.len() as u64), (200, view.size), "{name} is whole");
        }
        let database = fleet.database().await;
        until("the verdict is told", async || (job(&database, id).await.state == "done").then_some(())).await;
        let done = job(&database, id).await;
        assert_eq!((done.failures, done.deaths, events(&database, id).await), (0, 0, NAMES.len()), "{}", done.line);
    }
}

/// Each object that a row names.
async fn named(fleet: &Fleet, prefix: &str) -> Vec<String> {
    let rows = sql(fleet.database_url(), "SELECT uri FROM media_transcoding").await;
    let mut named: Vec<_> = rows.lines().map(|uri| format!("{prefix}{uri}")).collect();
    named.sort();
    named
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f54_whatever_a_bucket_does_to_a_worker_costs_no_attempt_and_nothing_short_is_ready() {
    let s3 = S3::start();
    let proxy = Proxy::before(s3.port());
    let own = S3::settings("fleet", s3.port());
    let settings = own.iter().map(|(key, value)| (*key, value.as_str()));
    let more = [("admin.token", TOKEN), ("keys.master", MASTER), ("jobs.backoff_ms", "100")];
    let mut fleet = Fleet::with(1, 0, &settings.chain(more).collect::<Vec<_>>()).await;
    let endpoint = format!("http://127.0.0.1:{}", proxy.port());
    let worker = fleet.worker(0).setting("store.endpoint", &endpoint).settings(&HASTY).start().await;
    fleet.workers.push(worker);
    Operator::of(fleet.base(0)).make_private(ROOM, PASSCODE).await;
    let clients = [
        Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await,
        admitted(fleet.base(0), ROOM, PASSCODE, Entrance::aware(), "ana").await,
    ];
    for wrong in WRONGS {
        let began = Instant::now();
        meets_with(&fleet, &clients, |is_on| match wrong {
            Wrong::Server(trouble) => s3.set(if is_on { trouble } else { Trouble::None }),
            Wrong::Way(fault) => proxy.set(if is_on { fault } else { Fault::None }),
        })
        .await;
        println!("{wrong:?}: made good after {:.1} s", began.elapsed().as_secs_f64());
    }
    let named = named(&fleet, "fleet/").await;
    assert_eq!(named.len(), WRONGS.len() * clients.len() * NAMES.len());
    assert_eq!(s3.objects(), named, "and nothing else");
    assert!(s3.unfinished().is_empty(), "{:?}", s3.unfinished());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f59_a_disk_that_is_full_for_a_transcoding_costs_no_attempt_and_leaves_nothing() {
    let disk = SmallDisk::of(16 << 20);
    let folder = disk.path().join("store");
    let settings = [("store.url", &*format!("file://{}", folder.display())), ("jobs.backoff_ms", "100")];
    let fleet = Fleet::with(1, 1, &settings).await;
    let ana = [Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await];
    meets_with(&fleet, &ana, |is_on| {
        if is_on {
            disk.fill();
        } else {
            assert_eq!(stored::files(&folder).len(), 1, "the original, and no half of a thumbnail");
            disk.free();
        }
    })
    .await;
    assert_eq!(stored::files(&folder), named(&fleet, "").await, "and nothing else");
}
