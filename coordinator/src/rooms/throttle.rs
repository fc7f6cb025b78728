//! What a session may ask for in a while. heim's own commands are slowed down,
//! and whoever does not slow down by itself is dropped; media commands are only
//! slowed down.

use heim_common::Millis;
use std::time::Duration;

/// Replies in a row that may be held back; after one more the session ends.
const IN_A_ROW_MAX: u32 = 10;

/// A token bucket (ITU-T I.371, annex A).
#[derive(Debug)]
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    filled: Millis,
}

impl Bucket {
    /// A full one.
    fn new(capacity: u32, per_second: u32, now: Millis) -> Self {
        let (capacity, per_second) = (f64::from(capacity), f64::from(per_second));
        Self { capacity, per_second, tokens: capacity, filled: now }
    }

    /// The one for media commands.
    pub(crate) fn media(now: Millis) -> Self {
        Self::new(32, 2, now)
    }

    /// Takes tokens and returns how long to wait until they are there.
    pub(crate) fn take(&mut self, cost: u32, now: Millis) -> Duration {
        let elapsed_ms = u32::try_from((now.0 - self.filled.0).max(0)).unwrap_or(u32::MAX);
        self.filled = now;
        let refilled = self.tokens + f64::from(elapsed_ms) / 1000.0 * self.per_second;
        self.tokens = refilled.min(self.capacity) - f64::from(cost);
        Duration::from_secs_f64((-self.tokens / self.per_second).max(0.0))
    }
}

/// heim's throttle of one session.
#[derive(Debug)]
pub(crate) struct Throttle {
    bucket: Bucket,
    in_a_row: u32,
}

impl Throttle {
    pub(crate) fn new(now: Millis) -> Self {
        Self { bucket: Bucket::new(50, 10, now), in_a_row: 0 }
    }

    /// How long the reply to a command is held back, if it is.
    pub(crate) fn charge(&mut self, command: &str, now: Millis) -> Option<Duration> {
        let cost = match command {
            "send" => 10,
            "nick" | "log" | "get-message" => 1,
            _ => return None,
        };
        let wait = self.bucket.take(cost, now);
        self.in_a_row = if wait.is_zero() { 0 } else { self.in_a_row + 1 };
        (!wait.is_zero()).then_some(wait)
    }

    /// Whether the session goes on at this pace for too long.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.in_a_row > IN_A_ROW_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_two_a_second() {
        let mut bucket = Bucket::media(Millis(0));
        for _ in 0..32 {
            assert_eq!(bucket.take(1, Millis(0)), Duration::ZERO);
        }
        assert_eq!(bucket.take(1, Millis(0)), Duration::from_millis(500));
        assert_eq!(bucket.take(1, Millis(500)), Duration::from_millis(500));
        assert_eq!(bucket.take(1, Millis(60_000)), Duration::ZERO);
    }

    #[test]
    fn five_messages_are_free_and_then_one_a_second_for_a_while() {
        let (mut throttle, mut now) = (Throttle::new(Millis(0)), Millis(0));
        for _ in 0..5 {
            assert_eq!(throttle.charge("send", now), None);
        }
        assert_eq!(throttle.charge("who", now), None, "costs nothing");
        for _ in 0..10 {
            assert_eq!(throttle.charge("send", now), Some(Duration::from_secs(1)));
            assert_eq!(throttle.charge("who", now), None, "and forgives nothing");
            assert!(!throttle.is_exhausted());
            now = now.after(Duration::from_secs(1));
        }
        let mut patient = throttle;
        assert_eq!(patient.charge("log", now), Some(Duration::from_millis(100)));
        assert!(patient.is_exhausted(), "the eleventh in a row");
        assert_eq!(patient.charge("nick", Millis(60_000)), None);
        assert!(!patient.is_exhausted());
    }
}
