//! The state machine of media objects and jobs, over random schedules: several
//! workers, some of them dead and some zombies with old fences, answers that get
//! lost and calls that are repeated, clocks that jump, sweeps at any moment.
//!
//! `model` says what must happen, `history` holds the promises against what
//! did happen, and `real` does the same to a database: every answer and, at the
//! end, every row must be the model's. So the schedules that are too many for
//! the database still say something of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends by a panic")]

mod chance;
mod ending;
mod history;
mod jobs;
mod model;
mod real;
mod rows;
mod schedule;
mod step;

use real::Real;
use std::time::{Duration, Instant};

/// Schedules of the model.
const SCHEDULES: u64 = 100_000;
/// How many of them the database plays as well, at least.
const REAL_MIN: u64 = 2_000;
/// For how long it goes on with more.
const REAL_FOR: Duration = Duration::from_mins(1);
/// Plays this many on the database, however long it takes.
const REAL_VARIABLE: &str = "HEIM_MEDIA_SCHEDULES";

#[test]
fn the_state_machine_holds_over_100_000_schedules() {
    let steps: usize = (0..SCHEDULES).map(schedule::play).sum();
    tell(&format!("{SCHEDULES} schedules of the model, {steps} steps"));
}

#[tokio::test]
async fn the_database_does_what_the_state_machine_says() {
    #[expect(clippy::disallowed_methods, reason = "how long the test runs is for whoever starts it to say")]
    let asked = std::env::var(REAL_VARIABLE).ok().map(|count| count.parse::<u64>().unwrap());
    let mut real = Real::start().await;
    let (began, mut played, mut steps) = (Instant::now(), 0, 0);
    while asked.map_or(played < REAL_MIN || began.elapsed() < REAL_FOR, |asked| played < asked) {
        steps += schedule::play_on(&mut real, played).await;
        played += 1;
    }
    tell(&format!("{played} schedules on SQLite, {steps} steps, {:.0} s", began.elapsed().as_secs_f64()));
}

#[expect(clippy::print_stderr, reason = "how many they were is what one wants to know")]
fn tell(text: &str) {
    eprintln!("{text}");
}
