//! A whole worker: from its configuration to its end.

use crate::{
    bench::Bench,
    children::{ChildCommand, PoolError, Walls},
    config::{Credentials, PixelsConfig, WorkerConfig},
    coordinator::InvalidAddress,
    measures,
    report::Reporter,
};
use heim_queue::{Gate, Queue, QueueError};
use heim_runtime::clock;
use heim_store::Store;
use tokio_util::sync::CancellationToken;

/// Why a worker did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The coordinator's URL is not one that a worker talks to.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// No HTTP client could be made.
    #[error("making an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The port of `worker.listen` cannot be had.
    #[error("cannot listen on worker.listen = {0:?}")]
    Listen(String, #[source] std::io::Error),
    /// There is nothing to count with.
    #[error("beginning to count")]
    Measures(#[source] heim_runtime::measure::BuildError),
    /// The thread of the heartbeats could not be started.
    #[error("starting the thread of the heartbeats")]
    Heart(#[source] std::io::Error),
    /// The children could not be started.
    #[error("starting the pixel children")]
    Pool(#[source] PoolError),
    /// The queue cannot be used.
    #[error("working on the queue")]
    Queue(#[source] QueueError),
}

/// Works until `stop`: takes nothing new then, gives running jobs their grace,
/// hands back what is left, and returns. An operator who drains the worker ends it,
/// too, when its jobs are done. `ready` is called once with the
/// worker's name and what is around its children, when these are up.
///
/// The running binary must call [`pixel_child_main`](crate::pixel_child_main)
/// first thing when its first argument is
/// [`PIXEL_CHILD_ARG`](crate::PIXEL_CHILD_ARG): it is started again as the
/// pixel children.
///
/// # Errors
/// If it could not start, or the queue gave up.
pub async fn run(
    config: WorkerConfig,
    pixels: PixelsConfig,
    hooks: Credentials,
    queue: Queue,
    store: Store,
    stop: CancellationToken,
    ready: impl FnOnce(&str, &Walls),
) -> Result<(), WorkerError> {
    let bench = Bench::open(&config, pixels, hooks, store, ChildCommand::this_binary(), stop.clone()).await?;
    let (name, slots) = (bench.name.clone(), config.slots());
    measures::begin(slots.get(), bench.pool.walls());
    ready(&name, bench.pool.walls());
    tracing::info!(name, slots, "working");
    // A worker that is drained ends without a grace: it has all the time that its jobs take.
    let (gate, drain) = (Gate::default(), stop.child_token());
    let mut reporter = Reporter::new(&bench, slots.get(), gate.clone(), drain.clone(), clock::system);
    let handler = move |job| {
        let bench = bench.clone();
        async move { bench.transcode(job).await }
    };
    let working = heim_queue::work_while_open(queue, name, slots.get(), gate, drain, handler);
    let ended = tokio::select! {
        ended = working => ended,
        never = reporter.run() => match never {},
    };
    reporter.farewell().await;
    ended.map_err(WorkerError::Queue)
}
