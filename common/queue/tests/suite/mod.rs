//! What both transports must do, and what both ends look like to a test.

mod events;
mod outages;
mod pickup;
mod working;

pub(crate) use events::*;
pub(crate) use pickup::*;
pub(crate) use working::*;

use heim_common::{JobId, JobRef, Snowflake};
use heim_queue::{Queue, QueueError, work};
use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

pub(crate) fn jobs(numbers: Range<u64>) -> Vec<JobRef> {
    numbers.map(|number| JobRef::new(JobId(Snowflake(number + 1)))).collect()
}

pub(crate) fn number(job: JobRef) -> u64 {
    job.id.0.0 - 1
}

/// A worker whose handlers begin, say so, and wait until they are let go.
pub(crate) struct Worker {
    begun: mpsc::UnboundedReceiver<u64>,
    gate: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), QueueError>>,
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Worker {
    /// Handlers wait at a gate.
    pub(crate) fn gated(queue: Queue, concurrency: usize) -> Self {
        let (tell, begun) = mpsc::unbounded_channel();
        let (gate, stop) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
        let running = Arc::new(AtomicUsize::new(0));
        let handler = {
            let (gate, running) = (Arc::clone(&gate), Arc::clone(&running));
            move |job: JobRef| {
                let (tell, gate, running) = (tell.clone(), gate.clone(), Arc::clone(&running));
                async move {
                    running.fetch_add(1, Ordering::SeqCst);
                    let _running = Running(running);
                    tell.send(number(job)).unwrap();
                    gate.acquire().await.unwrap().forget();
                }
            }
        };
        let task = tokio::spawn(work(queue, "tester".into(), concurrency, stop.clone(), handler));
        Self { begun, gate, running, stop, task }
    }

    /// Handlers end at once.
    pub(crate) fn open(queue: Queue, concurrency: usize) -> Self {
        let worker = Self::gated(queue, concurrency);
        worker.let_go(Semaphore::MAX_PERMITS);
        worker
    }

    pub(crate) fn let_go(&self, handlers: usize) {
        self.gate.add_permits(handlers);
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// The next job that a handler has begun.
    pub(crate) async fn begun(&mut self) -> u64 {
        timeout(BOUND, self.begun.recv()).await.expect("a job begins").expect("the worker lives")
    }

    pub(crate) async fn begun_many(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.push(self.begun().await);
        }
        numbers
    }

    /// Stops, and returns what had begun and was not asked for yet.
    pub(crate) async fn stop(mut self) -> BTreeSet<u64> {
        self.stop.cancel();
        timeout(BOUND, self.task).await.expect("the worker ends").unwrap().unwrap();
        assert_eq!(self.running.load(Ordering::SeqCst), 0);
        let mut rest = BTreeSet::new();
        while let Ok(number) = self.begun.try_recv() {
            rest.insert(number);
        }
        rest
    }
}
