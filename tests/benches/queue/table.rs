//! What was measured, as a table in plain text.

use crate::Spent;
use std::{fmt::Write as _, io::Write};

/// All rounds of one side with as many workers.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) workers: usize,
    /// Of jobs that came to idle workers, in milliseconds.
    pub(crate) waits: Vec<f64>,
    /// Jobs a second of each round.
    pub(crate) rates: Vec<f64>,
    /// CPU time of a job, of each round.
    pub(crate) spent: Vec<Spent>,
}

impl Measured {
    pub(crate) fn of(workers: usize) -> Self {
        Self { workers, waits: Vec::new(), rates: Vec::new(), spent: Vec::new() }
    }
}

/// Prints the table on standard output.
pub(crate) fn print(all: &[(Measured, Measured)]) {
    let mut text = "\nworkers  queue        pickup ms        claims/s       CPU ms of a job\n\
                    \x20                    p50     p99     median     own  PostgreSQL   Redis     all\n"
        .to_owned();
    for (heim, bullmq) in all {
        for (name, Measured { workers, waits, rates, spent }) in [("heim-media", heim), ("BullMQ", bullmq)] {
            let part = |of: fn(&Spent) -> f64| at(&spent.iter().map(of).collect::<Vec<_>>(), 50) * 1e3;
            let (own, postgres, redis) =
                (part(|spent| spent.own), part(|spent| spent.postgres), part(|spent| spent.redis));
            let all = own + postgres + redis;
            let [p50, p99] = [50, 99].map(|percent| at(waits, percent));
            let _ = writeln!(
                text,
                "{workers:>7}  {name:<11} {p50:>7.2} {p99:>7.2} {:>10.0} {own:>7.2} {postgres:>11.2} {redis:>7.3} {all:>7.2}",
                at(rates, 50)
            );
        }
    }
    say(&text);
}

/// The value that this share of all does not exceed.
fn at(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// Of counts that are far below what a float holds.
pub(crate) fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

pub(crate) fn say(text: &str) {
    // Nobody reads a table that cannot be printed.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
