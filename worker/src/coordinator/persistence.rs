//! Making a call again while that makes sense.

use super::CallError;
use heim_common::retry::Backoff;
use std::time::Duration;
use tokio::time::Instant;

/// How a worker keeps asking.
#[derive(Clone, Copy, Debug)]
pub struct Persistence {
    /// The waits between calls.
    pub backoff: Backoff,
    /// Draws from `0.0..1.0`.
    pub chance: fn() -> f64,
}

impl Persistence {
    /// Waits of 0.1 to 5 seconds.
    #[must_use]
    pub fn new(chance: fn() -> f64) -> Self {
        Self { backoff: Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) }, chance }
    }

    /// The wait after so many failures.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        self.backoff.wait(failures, (self.chance)())
    }

    /// Calls until there is an answer that another call would not change, or
    /// until there is no time for one. Every call is idempotent by its fence.
    ///
    /// # Errors
    /// That of the last call.
    pub async fn call<T, F>(&self, until: Instant, mut call: impl FnMut() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut failures = 0;
        loop {
            let error = match call().await {
                Err(error) if error.is_transient() => error,
                answer => return answer,
            };
            failures += 1;
            let wait = self.wait(failures);
            if Instant::now() + wait >= until {
                return Err(error);
            }
            tracing::debug!(error = &error as &dyn std::error::Error, failures, "calling the coordinator again");
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    async fn calls(status: u16, millis: u64) -> u32 {
        let mut calls = 0;
        let until = Instant::now() + Duration::from_millis(millis);
        let persistence = Persistence::new(|| 1.0);
        let answer = persistence
            .call(until, || {
                calls += 1;
                std::future::ready(Err::<(), _>(CallError::from_answer(StatusCode::from_u16(status).unwrap(), b"")))
            })
            .await;
        assert!(answer.is_err());
        calls
    }

    #[tokio::test]
    async fn only_what_may_go_better_is_tried_again_and_not_for_ever() {
        assert_eq!(calls(401, 10_000).await, 1);
        // Waits of 100, 200 and 400 ms; the fourth would end past the time.
        assert_eq!(calls(503, 350).await, 3);
    }
}
