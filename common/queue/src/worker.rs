//! The worker's loop: apalis' worker and layers over a backend of our own.
//!
//! ```text
//! permit ─▶ pop ─▶ channel ─▶ apalis ─▶ catch panic ─▶ handler, on a task of its own
//!   ▲                                                     │
//!   └──────────────── given back with the job ────────────┘
//! ```
//! A permit is taken *before* a job is popped and travels with it, so that no
//! job leaves the queue for a worker that has no hands free, and never more
//! than `concurrency` handlers run.

use crate::{Gate, Queue, QueueError, queue::Source};
use apalis::layers::catch_panic::CatchPanicLayer;
use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    error::AbortError,
    task::{Task, builder::TaskBuilder},
    worker::{builder::WorkerBuilder, context::WorkerContext, ext::parallelize::ParallelizeLayer},
};
use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use heim_common::JobRef;
use std::{
    any::Any,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tower::layer::util::Identity;

/// Takes jobs and runs `handler` for each, `concurrency` at a time.
///
/// Returns when `stop` has fired and every running handler has ended; a job
/// that was popped but not begun goes back to the head of its lane. A handler
/// that panics is logged, and its job's lease runs out. While Redis is away,
/// running handlers go on and new jobs are tried for with a backoff.
///
/// Dropping the future ends the handlers where they wait.
///
/// # Errors
/// If the loop itself fails, which no failure of a job or of Redis makes it do.
pub async fn work<F, Fut>(
    queue: Queue,
    name: String,
    concurrency: usize,
    stop: CancellationToken,
    handler: F,
) -> Result<(), QueueError>
where
    F: Fn(JobRef) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    work_while_open(queue, name, concurrency, Gate::default(), stop, handler).await
}

/// The same, but nothing is taken while `gate` is closed. What runs goes on.
///
/// # Errors
/// As [`work`].
pub async fn work_while_open<F, Fut>(
    queue: Queue,
    name: String,
    concurrency: usize,
    gate: Gate,
    stop: CancellationToken,
    handler: F,
) -> Result<(), QueueError>
where
    F: Fn(JobRef) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let concurrency = concurrency.max(1);
    let (incoming, jobs) = mpsc::channel(concurrency);
    let running = handle(name, jobs, handler);
    let stop = stop.child_token();
    let handling = async {
        let ended = running.await;
        stop.cancel();
        ended
    };
    let ((), ended) = tokio::join!(fetch(&queue, concurrency, &gate, incoming, &stop), handling);
    ended
}

/// Runs the handler for all that comes until the channel closes.
///
/// Boxed here, where every type is known: inside of an `async fn` the compiler
/// cannot prove that apalis' future may go from thread to thread.
fn handle<F, Fut>(name: String, jobs: mpsc::Receiver<Held>, handler: F) -> BoxFuture<'static, Result<(), QueueError>>
where
    F: Fn(JobRef) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let handle = move |held: Held| {
        let handler = handler.clone();
        // Called inside of the future: apalis counts a job before it has one,
        // and would wait at the end for a job that panicked in between.
        async move {
            handler(held.job).await;
            drop(held.permit);
        }
    };
    // The last layer is the innermost.
    let worker = WorkerBuilder::new(name)
        .backend(Incoming { jobs })
        .layer(ParallelizeLayer::new(on_a_task_of_its_own))
        .layer(CatchPanicLayer::with_panic_handler(log_panic))
        .build(handle);
    worker.run().map_err(|error| QueueError::Worker(error.into())).boxed()
}

/// Brings jobs until `stop` fires; closing the channel then ends the worker.
async fn fetch(queue: &Queue, concurrency: usize, gate: &Gate, incoming: mpsc::Sender<Held>, stop: &CancellationToken) {
    let permits = Arc::new(Semaphore::new(concurrency));
    let mut source = queue.pops();
    while let Some(Ok(permit)) = stop.run_until_cancelled(permits.clone().acquire_owned()).await {
        let Some(job) = next(&mut source, gate, stop).await else { return };
        // There is room for every permit. Only a worker that is gone refuses,
        // and the sweep then dispatches the job again.
        if incoming.send(Held { job, permit }).await.is_err() {
            return;
        }
    }
}

/// The next job that comes while the gate is open; none once `stop` has fired.
async fn next(source: &mut Source, gate: &Gate, stop: &CancellationToken) -> Option<JobRef> {
    loop {
        stop.run_until_cancelled(gate.becomes(true)).await?;
        let turn = stop.child_token();
        let close = async {
            gate.becomes(false).await;
            turn.cancel();
            // A pop is awaited to its end: what came at this moment is given back.
            std::future::pending::<()>().await;
        };
        let job = tokio::select! {
            job = source.next(&turn) => job,
            () = close => None,
        };
        if job.is_some() || stop.is_cancelled() {
            return job;
        }
    }
}

fn on_a_task_of_its_own<Fut>(running: Fut) -> AbortOnDropHandle<Fut::Output>
where
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(running))
}

fn log_panic(panic: &Box<dyn Any + Send>) -> AbortError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message").to_owned();
    tracing::error!(panic = text, "a job's handler panicked; its lease runs out and it is dispatched again");
    AbortError::new(std::io::Error::other(text))
}

/// A job that was popped, and the permit to run it.
struct Held {
    job: JobRef,
    permit: OwnedSemaphorePermit,
}

/// The end of the channel that apalis polls.
struct Incoming {
    jobs: mpsc::Receiver<Held>,
}

impl Backend for Incoming {
    type Task = Task<Held>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.jobs.poll_recv(cx).map(|held| held.map(|held| Ok(TaskBuilder::new(held).build())))
    }

    /// Called when the channel is closed and every handler has ended. The
    /// worker only ends if it was also told to stop.
    fn poll_close(&mut self, _: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if let Err(error) = worker.stop() {
            tracing::debug!(%error, "the worker had stopped already");
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Incoming {
    type Args = Held;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
