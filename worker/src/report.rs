//! Says every few seconds how this worker is, and does what is wanted of it: takes no
//! jobs while it is paused, and ends when it is drained and what it holds is done.
//!
//! Nothing else depends on it: a coordinator that does not answer, or is of a release
//! that does not know the call, has a worker that works.

use crate::{
    bench::Bench,
    children::Walls,
    coordinator::{CallError, Coordinator},
    load::Load,
    name,
};
use heim_common::{
    JobId,
    time::Clock,
    wire::{WorkerOrders, WorkerReport},
    worker::WorkerState,
};
use heim_queue::Gate;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Shortest and longest pause between two reports, whatever a coordinator says.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// The pause after a report that was not heard, and after one that was not understood.
const AFTER_FAULT: Duration = Duration::from_secs(2);
const AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// How long the last report may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The jobs that a worker holds. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldJobs(Arc<Mutex<BTreeSet<JobId>>>);

/// That one job is held, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Listed {
    job: JobId,
    all: HeldJobs,
}

impl HeldJobs {
    /// Lists a job.
    pub(crate) fn list(&self, job: JobId) -> Listed {
        self.with(|jobs| jobs.insert(job));
        Listed { job, all: self.clone() }
    }

    fn all(&self) -> Vec<JobId> {
        self.with(|jobs| jobs.iter().copied().collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeSet<JobId>) -> T) -> T {
        // Every change is a single insertion or removal: whole even after a panic.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.all.with(|jobs| jobs.remove(&self.job));
    }
}

/// The one who reports.
pub(crate) struct Reporter {
    coordinator: Coordinator,
    held: HeldJobs,
    gate: Gate,
    drain: CancellationToken,
    told: WorkerReport,
    load: Load,
}

impl Reporter {
    /// Of this worker. `drain` is cancelled when it is to end.
    pub(crate) fn new(bench: &Bench, slots: usize, gate: Gate, drain: CancellationToken, clock: Clock) -> Self {
        let told = WorkerReport {
            worker: bench.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: name::host(),
            started: clock(),
            state: WorkerState::Running,
            concurrency: u32::try_from(slots).unwrap_or(u32::MAX),
            jobs: Vec::new(),
            walls: in_words(bench.pool.walls()),
            cpu_percent: 0,
            child_memory_bytes: 0,
        };
        let (coordinator, held) = (bench.coordinator.clone(), bench.held.clone());
        Self { coordinator, held, gate, drain, told, load: Load::now() }
    }

    /// Reports until it is dropped.
    pub(crate) async fn run(&mut self) -> Infallible {
        let mut was_heard = true;
        loop {
            let answer = self.report().await;
            let pause = match &answer {
                Ok(orders) => {
                    self.obey(orders.wish);
                    Duration::from_millis(orders.report_ms).clamp(PAUSE_MIN, PAUSE_MAX)
                }
                Err(error) if error.is_transient() => AFTER_FAULT,
                Err(_) => AFTER_REFUSAL,
            };
            if let (Err(error), true) = (&answer, was_heard) {
                tracing::debug!(error = error as &dyn std::error::Error, "nobody hears how this worker is");
            }
            was_heard = answer.is_ok();
            tokio::time::sleep(pause).await;
        }
    }

    /// Says that this worker has ended.
    pub(crate) async fn farewell(&mut self) {
        self.told.state = WorkerState::Stopped;
        // Who does not hear it finds out by the silence.
        let _ = tokio::time::timeout(FAREWELL, self.report()).await;
    }

    async fn report(&mut self) -> Result<WorkerOrders, CallError> {
        // Some files of /proc: nothing that the runtime should wait for.
        let now = tokio::task::spawn_blocking(Load::now).await.unwrap_or(self.load);
        self.told.jobs = self.held.all();
        self.told.cpu_percent = now.percent_since(&self.load);
        self.told.child_memory_bytes = now.child_memory;
        self.load = now;
        self.coordinator.report(&self.told).await
    }

    fn obey(&mut self, wish: WorkerState) {
        let now = match wish {
            // What is draining has begun to end.
            _ if self.told.state == WorkerState::Draining => return,
            WorkerState::Stopped => return,
            now => now,
        };
        if now == self.told.state {
            return;
        }
        tracing::info!(from = self.told.state.as_str(), to = now.as_str(), "an operator steers this worker");
        self.told.state = now;
        self.gate.set(now == WorkerState::Running);
        if now == WorkerState::Draining {
            self.drain.cancel();
        }
    }
}

/// How each wall stands.
fn in_words(walls: &Walls) -> std::collections::BTreeMap<String, String> {
    walls.iter().map(|(wall, standing)| (wall.as_str().to_owned(), standing.to_string())).collect()
}
