//! `make chaos`: a fleet under load in which something breaks every five
//! seconds, for as many minutes as are asked for.

use heim_tests::chaos;
use std::{process::ExitCode, time::Duration};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it prints what it is there for")]
async fn main() -> ExitCode {
    let minutes = number("MINUTES").unwrap_or(20);
    let seed = number("SEED").unwrap_or(u64::from(std::process::id()));
    let report = chaos::run(Duration::from_secs(minutes * 60), 1, seed).await;
    println!("{report}");
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(variable: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how long it runs is for whoever starts it to say")]
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
