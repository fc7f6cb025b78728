//! The bucket that media commands draw from: it slows a session down and never
//! drops it.

use heim_common::Millis;
use std::time::Duration;

const CAPACITY: f64 = 32.0;
const PER_SECOND: f64 = 2.0;

/// A token bucket (ITU-T I.371, annex A).
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    filled: Millis,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(now: Millis) -> Self {
        Self { tokens: CAPACITY, filled: now }
    }

    /// Takes one token and returns how long to wait until it is there.
    pub(crate) fn take(&mut self, now: Millis) -> Duration {
        let elapsed_ms = u32::try_from((now.0 - self.filled.0).max(0)).unwrap_or(u32::MAX);
        self.filled = now;
        self.tokens = (self.tokens + f64::from(elapsed_ms) / 1000.0 * PER_SECOND).min(CAPACITY) - 1.0;
        Duration::from_secs_f64((-self.tokens / PER_SECOND).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_two_a_second() {
        let mut bucket = Bucket::new(Millis(0));
        for _ in 0..32 {
            assert_eq!(bucket.take(Millis(0)), Duration::ZERO);
        }
        assert_eq!(bucket.take(Millis(0)), Duration::from_millis(500));
        assert_eq!(bucket.take(Millis(500)), Duration::from_millis(500));
        assert_eq!(bucket.take(Millis(60_000)), Duration::ZERO);
    }
}
