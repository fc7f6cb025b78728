//! The lease of a claimed job: renewed by a heartbeat beside the work, and
//! noticed when it is lost.
//!
//! The heart beats in a future of the runtime while the pixels are made in
//! another process, so no picture can hold it up.

use crate::coordinator::{CallError, Coordinator, Fence};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Heartbeats to a lease: one may be lost, and there is time for another.
const BEATS: u32 = 3;
/// Guards against a lease that would make the heart race, or stand still.
const BEAT_MIN: Duration = Duration::from_millis(20);
const BEAT_MAX: Duration = Duration::from_mins(1);

/// A lease that is kept for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lease {
    lost: CancellationToken,
    _heart: AbortOnDropHandle<()>,
}

impl Lease {
    /// Keeps a lease that was asked for at `asked`.
    pub(crate) fn keep(coordinator: Coordinator, held: Fence, asked: Instant, lease: Duration) -> Self {
        let lost = CancellationToken::new();
        let tell = lost.clone();
        let heart = tokio::spawn(async move {
            beat(&coordinator, held, asked, lease).await;
            tell.cancel();
        });
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
        match coordinator.heartbeat(held, pause.min(end - now)).await {
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
