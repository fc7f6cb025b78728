//! The state machine of media objects and jobs, over random schedules: several
//! workers, some of them dead and some zombies with old fences, answers that get
//! lost and calls that are repeated, clocks that jump, sweeps at any moment, and an
//! operator who tries again, gives up, pauses and purges.
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
mod steered;
mod steering;
mod step;

use real::Real;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Schedules of the model.
const SCHEDULES: u64 = 100_000;
/// How many of them the database plays as well, at least.
const REAL_MIN: u64 = 2_000;
/// Databases that are played on at a time.
const PLAYERS: u64 = 2;
/// For how long it goes on with more.
const REAL_FOR: Duration = Duration::from_mins(1);
/// Plays this many on the database, however long it takes.
const REAL_VARIABLE: &str = "HEIM_MEDIA_SCHEDULES";

#[test]
fn the_state_machine_holds_over_100_000_schedules() {
    let steps: usize = (0..SCHEDULES).map(schedule::play).sum();
    tell(&format!("{SCHEDULES} schedules of the model, {steps} steps"));
}

#[test]
fn the_database_does_what_the_state_machine_says() {
    #[expect(clippy::disallowed_methods, reason = "how long the test runs is for whoever starts it to say")]
    let asked = std::env::var(REAL_VARIABLE).ok().map(|count| count.parse::<u64>().unwrap());
    let began = Instant::now();
    let played = thread::scope(|scope| {
        let players: Vec<_> = (0..PLAYERS).map(|first| scope.spawn(move || play_real(first, asked, began))).collect();
        players.into_iter().map(|player| player.join().unwrap()).collect::<Vec<_>>()
    });
    let (played, steps) = played.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    tell(&format!("{played} schedules on SQLite, {steps} steps, {:.0} s", began.elapsed().as_secs_f64()));
}

/// Plays every so many schedules on a database of its own; says how many, and how
/// many steps they had.
fn play_real(first: u64, asked: Option<u64>, began: Instant) -> (u64, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut real = Real::start().await;
        let (mut next, mut played, mut steps) = (first, 0, 0);
        while asked.map_or(next < REAL_MIN || began.elapsed() < REAL_FOR, |asked| next < asked) {
            steps += schedule::play_on(&mut real, next).await;
            (next, played) = (next + PLAYERS, played + 1);
        }
        (played, steps)
    })
}

#[expect(clippy::print_stderr, reason = "how many they were is what one wants to know")]
fn tell(text: &str) {
    eprintln!("{text}");
}
