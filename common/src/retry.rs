//! How long to wait before another attempt.

use std::time::Duration;

/// Capped exponential backoff with full jitter.
///
/// Source: M. Brooker, "Exponential Backoff And Jitter", 2015.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub base: Duration,
    /// Upper bound of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// The wait after `failures` (1 for the first) for a `chance` in `0.0..1.0`.
    ///
    /// Never less than half of the bound, so that a retry is never at once.
    #[must_use]
    pub fn wait(&self, failures: u32, chance: f64) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1).min(31));
        let bound = self.base.saturating_mul(doubled).min(self.cap);
        bound.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_cap_and_stays_within_the_jitter() {
        let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(1) };
        assert_eq!(backoff.wait(1, 1.0), Duration::from_secs(1));
        assert_eq!(backoff.wait(1, 0.0), Duration::from_millis(500));
        assert_eq!(backoff.wait(3, 1.0), Duration::from_secs(4));
        assert_eq!(backoff.wait(u32::MAX, 1.0), Duration::from_mins(1));
    }
}
