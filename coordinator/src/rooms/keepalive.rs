//! heim's keep-alive: a ping at the start and at every tick; a session that
//! lets four of them go unanswered is dropped without a word.
//!
//! Whoever answers no ping of heim's still answers those of the `WebSocket`, if
//! there is anybody: where nothing at all comes for two ticks and to the next,
//! the connection is open on this side only, and is dropped then.

use heim_common::Millis;
use serde::Serialize;

/// Pings that may be unanswered when the next one is due.
const OUTSTANDING_MAX: u32 = 3;
/// Ticks in a row before which nothing at all may have come.
const UNHEARD_MAX: u32 = 2;
/// How much later than its own time the next ping is promised, in seconds.
const NEXT_S: i64 = 30;

/// The pings of one session.
#[derive(Debug, Default)]
pub(crate) struct Keepalive {
    outstanding: u32,
    /// Ticks since something came.
    unheard: u32,
    expected: i64,
    held_up: bool,
}

/// `ping-event`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ping {
    time: i64,
    next: i64,
}

impl Keepalive {
    /// The next ping, or `None` when the session is to be dropped.
    pub(crate) fn tick(&mut self, now: Millis) -> Option<Ping> {
        if !std::mem::take(&mut self.held_up) {
            if self.outstanding > OUTSTANDING_MAX || self.unheard >= UNHEARD_MAX {
                return None;
            }
            self.outstanding += 1;
            self.unheard += 1;
        }
        self.expected = now.seconds();
        Some(Ping { time: self.expected, next: self.expected + NEXT_S })
    }

    /// The session was made to wait. Its answers wait behind the commands that
    /// were not read yet, so until the next tick it is not called silent.
    pub(crate) fn hold_up(&mut self) {
        self.held_up = true;
    }

    /// Something came, whatever it was.
    pub(crate) fn heard(&mut self) {
        self.unheard = 0;
    }

    /// A `ping-reply` came. The wrong time counts a little, so that sloppy bots
    /// survive.
    pub(crate) fn reply(&mut self, time: Option<i64>) {
        if time == Some(self.expected) {
            self.outstanding = 0;
        } else if self.outstanding > 1 {
            self.outstanding -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_dropped_at_the_fifth_tick() {
        let mut pings = Keepalive::default();
        for _ in 0..4 {
            assert!(pings.tick(Millis(1_000)).is_some());
            pings.heard();
        }
        assert!(pings.tick(Millis(1_000)).is_none());
    }

    #[test]
    fn a_connection_that_nothing_comes_by_is_dropped_at_the_third_tick() {
        let mut pings = Keepalive::default();
        for _ in 0..10 {
            assert!(pings.tick(Millis(1_000)).is_some());
            pings.heard();
            pings.reply(Some(1));
        }
        assert!(pings.tick(Millis(1_000)).is_some() && pings.tick(Millis(1_000)).is_some());
        assert!(pings.tick(Millis(1_000)).is_none());
    }

    #[test]
    fn who_is_made_to_wait_is_not_silent() {
        let mut pings = Keepalive::default();
        for _ in 0..100 {
            pings.hold_up();
            assert!(pings.tick(Millis(1_000)).is_some());
        }
        for _ in 0..4 {
            assert!(pings.tick(Millis(1_000)).is_some());
            pings.heard();
        }
        assert!(pings.tick(Millis(1_000)).is_none());
    }

    #[test]
    fn right_and_sloppy_answers_keep_a_session() {
        let (mut right, mut sloppy) = (Keepalive::default(), Keepalive::default());
        for second in 0..100 {
            let ping = right.tick(Millis(second * 1_000)).unwrap();
            assert_eq!(ping, Ping { time: second, next: second + 30 });
            right.heard();
            right.reply(Some(second));
            assert!(sloppy.tick(Millis(second * 1_000)).is_some());
            sloppy.heard();
            sloppy.reply(None);
        }
    }
}
