//! How a connection is waited for: one line in the log when it is lost, one
//! when it is back, and a pause that grows in between.

use heim_common::retry::Backoff;
use std::{error::Error, time::Duration};

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(2) };

/// The failures of one connection since it last worked.
pub(super) struct Outage {
    /// What the connection is for.
    purpose: &'static str,
    failures: u32,
}

impl Outage {
    pub(super) fn none(purpose: &'static str) -> Self {
        Self { purpose, failures: 0 }
    }

    /// Counts a failure and says how long to wait before the next attempt.
    pub(super) fn failed(&mut self, error: &(dyn Error + 'static)) -> Duration {
        if self.failures == 0 {
            tracing::warn!(purpose = self.purpose, error, "Redis is away; trying until it is back");
        }
        self.failures = self.failures.saturating_add(1);
        BACKOFF.wait(self.failures, rand::random())
    }

    pub(super) fn over(&mut self) {
        if self.failures > 0 {
            tracing::info!(purpose = self.purpose, failures = self.failures, "Redis is back");
            self.failures = 0;
        }
    }
}
