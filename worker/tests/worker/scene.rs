//! One job with all that it needs: a coordinator that gives it out, a store
//! with its original, and a bench to do it on.

use crate::{fake_coordinator::FakeCoordinator, misbehaving_child::misbehaving_child};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use heim_common::{
    JobRef, MediaId, Snowflake,
    key::ObjectKey,
    spec::default_specs,
    wire::{ClaimReply, ClaimedMedia, ClaimedTranscoding},
};
use heim_runtime::Secret;
use heim_store::{Store, StoreConfig};
use heim_worker::{Bench, Credentials, PixelsConfig, WorkerConfig, children::ChildCommand};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// No job of these tests takes longer, unless it hangs.
const BOUND: Duration = Duration::from_secs(20);

pub(crate) const JOB: &str = "0c1ofy7941g5c";
pub(crate) const MEDIA: &str = "0c1ofy7941g5d";

pub(crate) struct Scene {
    pub(crate) coordinator: Arc<FakeCoordinator>,
    pub(crate) store: Store,
    pub(crate) bench: Bench,
    pub(crate) stop: CancellationToken,
    folder: TempDir,
}

/// What a test may want otherwise.
pub(crate) struct Terms {
    pub(crate) claim: ClaimReply,
    pub(crate) config: WorkerConfig,
    pub(crate) children: ChildCommand,
}

impl Scene {
    /// A file in the store, and one child that does what the file says.
    pub(crate) async fn set(file: &[u8], change: impl FnOnce(&mut Terms)) -> Self {
        let mut terms = Terms {
            claim: claim(file),
            config: WorkerConfig { concurrency: 1, ..WorkerConfig::default() },
            children: misbehaving_child(),
        };
        change(&mut terms);
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&StoreConfig { url: format!("file://{}", folder.path().display()), ..StoreConfig::default() })
                .unwrap();
        store.put(&original(), terms.claim.secret.as_ref(), Bytes::copy_from_slice(file)).await.unwrap();
        let coordinator = FakeCoordinator::start(terms.claim).await;
        let config = WorkerConfig { coordinator_url: format!("http://{}/", coordinator.address), ..terms.config };
        let hooks = Credentials { key: "worker".to_owned(), secret: Secret::new("hunter2".to_owned()) };
        let stop = CancellationToken::new();
        let bench = Bench::open(&config, PixelsConfig::default(), hooks, store.clone(), terms.children, stop.clone())
            .await
            .unwrap();
        Self { coordinator, store, bench, stop, folder }
    }

    /// Does the job, which must end within the bound.
    pub(crate) async fn play(&self) {
        let job = JobRef::new(JOB.parse().unwrap());
        tokio::time::timeout(BOUND, self.bench.transcode(job)).await.expect("the job does not end");
    }

    /// The file of an object.
    pub(crate) fn file(&self, key: &ObjectKey) -> PathBuf {
        self.folder.path().join(key.as_str())
    }

    /// Waits until the coordinator has been called so.
    pub(crate) async fn call_of(&self, kind: &str) {
        let called = async {
            while self.coordinator.calls(kind).is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(BOUND, called).await.unwrap_or_else(|_| panic!("no call of {kind}"));
    }
}

pub(crate) fn original() -> ObjectKey {
    ObjectKey::original(media(), Snowflake(1))
}

fn media() -> MediaId {
    MEDIA.parse().unwrap()
}

/// As coordinators write it.
pub(crate) fn sha256(file: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, file).as_ref())
}

fn claim(file: &[u8]) -> ClaimReply {
    let transcoding = |spec: heim_common::spec::TranscodingSpec| ClaimedTranscoding {
        key: ObjectKey::transcoding(media(), &spec.name, heim_pixels::ENGINE_VERSION),
        spec,
    };
    let (size, sha256) = (file.len() as u64, Some(sha256(file)));
    ClaimReply {
        fence: 7,
        lease_ms: 3_000,
        media: ClaimedMedia { id: media(), room: "welcome".parse().unwrap(), key: original(), size, sha256 },
        transcodings: default_specs().into_iter().map(transcoding).collect(),
        secret: None,
        pixels_max: 100_000_000,
        animation_pixels_max: 100_000_000,
        animation_frames_max: 2_000,
        deadline_ms: 20_000,
        trace: None,
    }
}
