//! `make backlog`: uploads that are taken while no worker runs, and then worked
//! off. Redis must not grow with the backlog, and nothing of it may be left.
//!
//! The pictures have one pixel, and one thumbnail is made of each, so that next to
//! nothing is measured of pixels: everything else is the real path. What the
//! pixel children took is printed beside the rest.

mod drain;
mod memory;

use heim_tests::{fleet::Fleet, flood::flood, sql};
use memory::Memory;
use std::{io::Write, time::Instant};

/// Uploads, if `COUNT` does not say how many.
const COUNT: usize = 100_000;
/// After how many uploads something is said.
const SAID_EVERY: usize = 10_000;
/// Most that Redis may take, in bytes.
const REDIS_BYTES_MAX: u64 = 50_000_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(run(count()));
}

async fn run(count: usize) {
    let mut fleet = Fleet::of_one_thumbnail(2).await;
    let memory = Memory::watch(&fleet.redis);

    let began = Instant::now();
    flood(&[fleet.base(0), fleet.base(1)], count, |number| {
        if number > 0 && number.is_multiple_of(SAID_EVERY) {
            say(&format!("  {number} so far"));
        }
    })
    .await;
    say(&format!("taken without a worker: {}", rate(count, began)));
    let database = fleet.database().await;
    let waiting = database.jobs_outstanding().await.expect("the database answers");
    assert_eq!((waiting.pending, waiting.running, waiting.done), (count as u64, 0, 0), "nothing has begun");
    say(&format!("Redis: {}", memory.peak()));

    let drained = drain::work_off(&mut fleet, &database, count).await;
    say(&format!("worked off: {drained}"));
    for (what, each) in [
        ("media_object", 1),
        ("media_object WHERE state = 'ready'", 1),
        // With the original.
        ("media_transcoding", 2),
    ] {
        let found = sql::number(fleet.database_url(), &format!("SELECT count(*) FROM {what}")).await;
        say(&format!("{found} rows in {what}"));
        assert_eq!(usize::try_from(found), Ok(each * count), "{what}");
    }
    let peak = memory.end(&fleet.redis);
    say(&format!("Redis: {peak}, of {REDIS_BYTES_MAX} bytes that it may take"));
    assert!(peak.used.max(peak.resident) < REDIS_BYTES_MAX, "Redis grew with the backlog");
}

fn count() -> usize {
    #[expect(clippy::disallowed_methods, reason = "how much it does is for whoever starts it to say")]
    let text = std::env::var("COUNT").ok().filter(|text| !text.is_empty());
    text.map_or(COUNT, |text| text.parse().unwrap_or_else(|error| panic!("COUNT={text}: {error}")))
}

fn rate(count: usize, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    format!("{count} in {seconds:.0} s, {:.0} a second", as_f64(count) / seconds)
}

/// Of counts that are far below what a float holds.
fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Prints a line.
fn say(text: &str) {
    // Nobody reads what cannot be printed.
    let _ = writeln!(std::io::stdout(), "{text}");
}
