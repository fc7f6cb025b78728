//! `make chaos`: a fleet under load in which something breaks every five
//! seconds, for as many minutes as are asked for; then fleets that lose a worker
//! in the middle of a job, as many times as are asked for.

use heim_tests::{chaos, kills::kills};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Fleets that lose workers at a time: each waits for leases, mostly.
const FLEETS: usize = 6;
/// How long it may take until another worker runs what a killed one had.
const ELSEWHERE: Duration = Duration::from_secs(5);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it prints what it is there for")]
async fn main() -> ExitCode {
    let minutes = number("MINUTES").unwrap_or(20);
    let seed = number("SEED").unwrap_or(u64::from(std::process::id()));
    let rounds = number("ROUNDS").unwrap_or(980).try_into().expect("no more than memory has room for");
    let mut is_good = true;
    if minutes > 0 {
        let report = chaos::run(Duration::from_secs(minutes * 60), 1, seed).await;
        println!("{report}");
        is_good = report.is_clean();
    }
    let began = Instant::now();
    let kills = kills(rounds, FLEETS).await;
    println!("{kills}, in {:.0} s", began.elapsed().as_secs_f64());
    if is_good && kills.at(99) <= ELSEWHERE { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(variable: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how long it runs is for whoever starts it to say")]
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
