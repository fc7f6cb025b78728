//! The store's disk takes nothing: it is read-only, or fails.

use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    io_errors::IoErrors,
    job::job,
    sharing::{NAMES, finished, share_accepted},
    small_disk::SmallDisk,
    stored,
    until::until,
    web::Web,
};
use serde_json::json;
use std::path::PathBuf;

/// A coordinator over a disk of its own, in which somebody has shared a picture.
struct Deployment {
    fleet: Fleet,
    ana: Client,
    disk: SmallDisk,
}

impl Deployment {
    async fn start() -> Self {
        let disk = SmallDisk::of(64 << 20);
        let url = format!("file://{}", disk.path().join("store").display());
        let fleet = Fleet::with(1, 1, &[("store.url", &url)]).await;
        let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
        let there = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
        assert_eq!(finished(&ana, there).await.state, MediaState::Ready);
        Self { fleet, ana, disk }
    }

    fn folder(&self) -> PathBuf {
        self.disk.path().join("store")
    }

    async fn becomes(&self, word: &str) {
        let address = format!("{}/readyz", self.fleet.base(0));
        until(&format!("the store is {word}"), async || {
            let answer = Web::default().get(&address).await;
            let told = answer.json();
            assert_eq!(answer.status == 200, told["ready"] == json!(true), "{told}");
            (told["store"] == word && told["ready"] == json!(word == "ok")).then_some(())
        })
        .await;
    }

    /// What is not taken leaves nothing, and is taken when the disk is well again.
    async fn is_refused_until(&self, word: &str, heal: impl AsyncFnOnce()) {
        self.becomes(word).await;
        let (picture, before) = (corpus::read(corpus::SMALL), stored::files(&self.folder()));
        let handle = self.ana.upload_handle().await;
        self.ana.send("look", &[handle.id]).await;
        let answer = Web::default().upload(&handle, picture.clone()).await;
        assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
        until("nothing is left of it", async || (stored::files(&self.folder()) == before).then_some(())).await;
        let log = self.ana.command("log", json!({ "n": 10 })).await;
        let thumbnail = log["log"][0]["attachments"][0]["transcodings"]["thumb-160"]["url"].as_str().expect("a URL");
        assert_eq!(Web::default().get(thumbnail).await.status, 200, "what is there can be read");
        heal().await;
        self.becomes("ok").await;
        assert_eq!(Web::default().upload(&handle, picture).await.status, 201);
        assert_eq!(finished(&self.ana, handle.id).await.state, MediaState::Ready);
        assert_eq!(stored::files(&self.folder()).len(), 2 * NAMES.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f60_a_store_that_is_read_only_is_503_and_not_ready_until_it_can_be_written() {
    let here = Deployment::start().await;
    here.disk.read_only(true);
    here.is_refused_until("read-only", async || here.disk.read_only(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f60_a_store_whose_disk_fails_is_503_and_not_ready_until_it_is_well() {
    let here = Deployment::start().await;
    let errors = IoErrors::of(&here.fleet.coordinators[0]).await;
    here.is_refused_until("failing", async || errors.heal().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f60_a_disk_that_fails_under_a_transcoding_costs_no_attempt() {
    let here = Deployment::start().await;
    let errors = IoErrors::of(&here.fleet.workers[0]).await;
    let id = share_accepted(&here.ana, corpus::read(corpus::SMALL)).await;
    let database = here.fleet.database().await;
    until("it was tried, and put off", async || {
        let job = job(&database, id).await;
        (job.fence >= 1 && job.state == "pending").then_some(())
    })
    .await;
    until("the original is there, and nothing half", async || {
        (stored::files(&here.folder()).len() == NAMES.len() + 1).then_some(())
    })
    .await;
    errors.heal().await;
    assert_eq!(finished(&here.ana, id).await.state, MediaState::Ready);
    let ended = until("its verdict is in", async || {
        let job = job(&database, id).await;
        (job.state != "running").then_some(job)
    })
    .await;
    assert_eq!((ended.state.as_str(), ended.failures), ("done", 0), "{}", ended.line);
}
