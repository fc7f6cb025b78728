//! The lease of a claimed job: renewed by a heartbeat beside the work, and
//! noticed when it is lost.
//!
//! The pixels are made in other processes, and the heart beats on a thread with
//! a runtime and connections of its own: neither a picture nor whatever keeps
//! the worker's runtime busy can hold it up.

use crate::coordinator::{CallError, Coordinator, Fence};
use std::{io, sync::Arc, thread, time::Duration};
use tokio::{
    runtime::{Builder, Handle},
    time::Instant,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::AbortOnDropHandle,
};
use tracing::Instrument;

/// Heartbeats to a lease: some may be lost, or late because the machine has no
/// time, and there is still one that holds it.
const BEATS: u32 = 5;
/// Guards against a lease that would make the heart race, or stand still.
const BEAT_MIN: Duration = Duration::from_millis(20);
const BEAT_MAX: Duration = Duration::from_mins(1);

/// Where all leases of a worker are kept. Cheap to clone; the thread ends with
/// the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Heart {
    coordinator: Coordinator,
    runtime: Handle,
    _alive: Arc<DropGuard>,
}

impl Heart {
    /// Starts the thread. The connections of `coordinator` must be the heart's
    /// own: whoever opens one has it driven by its runtime.
    ///
    /// # Errors
    /// If there is no thread or no runtime to be had.
    pub(crate) fn start(coordinator: Coordinator) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let alive = Arc::new(stop.clone().drop_guard());
        thread::Builder::new().name("heart".to_owned()).spawn(move || runtime.block_on(stop.cancelled()))?;
        Ok(Self { coordinator, runtime: handle, _alive: alive })
    }
}

/// A lease that is kept for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lease {
    lost: CancellationToken,
    _heart: AbortOnDropHandle<()>,
}

impl Lease {
    /// Keeps a lease that was asked for at `asked`.
    pub(crate) fn keep(heart: &Heart, held: Fence, asked: Instant, lease: Duration) -> Self {
        let lost = CancellationToken::new();
        let (tell, coordinator) = (lost.clone(), heart.coordinator.clone());
        let beats = async move {
            beat(&coordinator, held, asked, lease).await;
            tell.cancel();
        };
        let heart = heart.runtime.spawn(beats.in_current_span());
        Self { lost, _heart: AbortOnDropHandle::new(heart) }
    }

    /// Returns when the lease is lost: somebody else may hold the job.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

/// Returns when the lease is lost, by the coordinator's word or by the clock.
async fn beat(coordinator: &Coordinator, held: Fence, mut asked: Instant, mut lease: Duration) {
    loop {
        // Counted from before the request went out, so that this side never
        // believes in a lease for longer than the database does.
        let end = asked + lease;
        let pause = (lease / BEATS).clamp(BEAT_MIN, BEAT_MAX);
        tokio::time::sleep_until((Instant::now() + pause).min(end)).await;
        let now = Instant::now();
        if now >= end {
            tracing::warn!(job = %held.job, "the lease ran out: the coordinator has not answered");
            return;
        }
        // Of what is left of the lease, half is for the next try.
        let patience = ((end - now) / 2).max(pause.min(end - now));
        match coordinator.heartbeat(held, patience).await {
            Ok(reply) => (asked, lease) = (now, Duration::from_millis(reply.lease_ms)),
            Err(error) if error.is_transient() => {
                tracing::debug!(job = %held.job, error = &error as &dyn std::error::Error, "a heartbeat was missed");
            }
            Err(CallError::LeaseLost) => return,
            Err(error) => {
                tracing::warn!(job = %held.job, error = &error as &dyn std::error::Error, "a heartbeat was refused");
                return;
            }
        }
    }
}
