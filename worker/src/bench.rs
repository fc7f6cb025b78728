//! What every job works with, and how it comes to be.

use crate::{
    WorkerError,
    children::{ChildCommand, Pool},
    config::{Credentials, PixelsConfig, WorkerConfig},
    coordinator::{Coordinator, Persistence, parse},
    jobs::transcode,
    lease::Heart,
    name,
    report::HeldJobs,
};
use heim_common::JobRef;
use heim_store::Store;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Plain handles to everything that a job needs. Cheap to clone. The pixel
/// children live as long as the last clone.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The worker's name.
    pub(crate) name: String,
    /// Who gives out the jobs.
    pub(crate) coordinator: Coordinator,
    /// Who keeps them held.
    pub(crate) heart: Heart,
    /// What it holds.
    pub(crate) held: HeldJobs,
    /// Draws what tells one claim from another.
    pub(crate) nonce: fn() -> i64,
    /// How long faults of the coordinator are borne.
    pub(crate) patience: Duration,
    /// How it is asked again.
    pub(crate) persistence: Persistence,
    /// Where the bytes are.
    pub(crate) store: Store,
    /// Who makes the pixels.
    pub(crate) pool: Arc<Pool>,
    /// Largest original.
    pub(crate) original_bytes_max: u64,
    /// Take nothing new.
    pub(crate) stop: CancellationToken,
    /// How long after `stop` a running job may go on.
    pub(crate) grace: Duration,
}

impl Bench {
    /// Checks the configuration and starts the children.
    ///
    /// # Errors
    /// If the coordinator's URL is refused or a child does not come up.
    pub async fn open(
        config: &WorkerConfig,
        pixels: PixelsConfig,
        hooks: Credentials,
        store: Store,
        children: ChildCommand,
        stop: CancellationToken,
    ) -> Result<Self, WorkerError> {
        let address = parse(&config.coordinator_url, config.allow_plain_http)?;
        let heart = Coordinator::new(&address, hooks.clone()).map_err(WorkerError::Client)?;
        let coordinator = Coordinator::new(&address, hooks).map_err(WorkerError::Client)?;
        let (slots, files_per_child) = (config.slots(), config.files_per_child);
        // Children take a moment to come up, which is not the runtime's to wait for.
        let start = tokio::task::spawn_blocking(move || Pool::start(&children, slots, files_per_child, pixels)).await;
        let pool = start.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        Ok(Self {
            name: config.name.clone().unwrap_or_else(|| name::fresh(rand::random())),
            coordinator,
            heart: Heart::start(heart).map_err(WorkerError::Heart)?,
            held: HeldJobs::default(),
            nonce: rand::random::<i64>,
            patience: config.persistence(),
            persistence: Persistence::new(rand::random::<f64>),
            store,
            pool: Arc::new(pool.map_err(WorkerError::Pool)?),
            original_bytes_max: config.original_bytes_max,
            stop,
            grace: config.grace(),
        })
    }

    /// Does one job, from claim to verdict.
    pub async fn transcode(&self, job: JobRef) {
        transcode::run(self, job).await;
    }
}
