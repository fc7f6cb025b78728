//! What a session may ask for in a while. heim's own commands are slowed down,
//! and whoever does not slow down by itself is dropped; media commands are only
//! slowed down.

use heim_common::Millis;
use std::time::Duration;

/// Replies in a row that may be held back; after one more the session ends.
const IN_A_ROW_MAX: u32 = 10;

/// A token bucket (ITU-T I.371, annex A) that is filled by a number of tokens at
/// once on every tick since it was made, as heim's is.
#[derive(Debug)]
pub(crate) struct Bucket {
    capacity: i64,
    quantum: i64,
    tick_ms: i64,
    made: Millis,
    /// The tick up to which it was filled.
    filled: i64,
    tokens: i64,
}

impl Bucket {
    /// A full one.
    fn new(capacity: i64, quantum: i64, tick_ms: i64, now: Millis) -> Self {
        Self { capacity, quantum, tick_ms, made: now, filled: 0, tokens: capacity }
    }

    /// The one for media commands.
    pub(crate) fn media(now: Millis) -> Self {
        Self::new(32, 1, 500, now)
    }

    /// Takes tokens and returns how long to wait until they are there.
    pub(crate) fn take(&mut self, cost: u32, now: Millis) -> Duration {
        // A clock that steps back fills nothing and takes nothing away.
        let elapsed_ms = (now.0 - self.made.0).max(0);
        let tick = (elapsed_ms / self.tick_ms).max(self.filled);
        self.tokens = self.capacity.min(self.tokens.saturating_add((tick - self.filled).saturating_mul(self.quantum)));
        self.filled = tick;
        self.tokens -= i64::from(cost);
        let missing = (-self.tokens).max(0);
        let ticks = missing / self.quantum + i64::from(missing % self.quantum > 0);
        let wait_ms = if ticks == 0 { 0 } else { (tick + ticks) * self.tick_ms - elapsed_ms };
        Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))
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
        Self { bucket: Bucket::new(50, 10, 1_000, now), in_a_row: 0 }
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
        assert_eq!(patient.charge("log", now), Some(Duration::from_secs(1)));
        assert!(patient.is_exhausted(), "the eleventh in a row");
        assert_eq!(patient.charge("nick", Millis(60_000)), None);
        assert!(!patient.is_exhausted());
    }
}
