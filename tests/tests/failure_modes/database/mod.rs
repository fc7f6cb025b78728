//! The database is away, refuses, is crowded, full, or killed.

mod away;
mod cancelled;
mod crowded;
mod every_route;
mod lost_answer;
mod routes;
mod silent;
mod sqlite;

use std::time::Duration;

/// For how long an upload asks what became of its commit, where that is in doubt.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);
/// What a busy machine adds.
const SLACK: Duration = Duration::from_secs(5);

/// How soon a transaction has an end: it takes three timeouts of a statement at the most.
fn over_within(timeout_ms: u64) -> Duration {
    Duration::from_millis(3 * timeout_ms) + SLACK
}

/// How soon an upload is answered.
fn answered_within(timeout_ms: u64) -> Duration {
    SETTLES_WITHIN + over_within(timeout_ms)
}
