//! `make bench-fleet`: what an upload takes of each part of a fleet, so that one can say how
//! many cores a load needs; at which rate one coordinator is full, if pixels cost next to
//! nothing; and whether what follows from that is true, by a run at 80 % of it.
//!
//! Everything runs on this machine, the clients included. Prints tables, and writes them
//! into `docs/benchmarks.md`.

mod disk;
mod load;
mod page;
mod place;
mod share;

use heim_tests::{alone, corpus, fleet::Fleet, load::bmp};
use load::{Measured, Target, at_once, at_rate};
use place::{Databases, Kind};
use share::Share;
use std::{io::Write, time::Duration};

/// Rounds of uploads whose cost is measured, each of every photo once.
const ROUNDS: usize = 8;
/// Rounds of a short run.
const ROUNDS_SHORT: usize = 1;
/// So many at a time: more than there are pixel children, so that none waits for a client.
const PHOTOS_AT_ONCE: usize = 4;
/// Pixel children of a fleet: one for each core.
const WORKERS: usize = 2;
/// Uploads of dots whose cost is measured, and most of a step, for each round of photos.
const DOTS: usize = 200;
/// The steps in which the load of dots grows.
const DOTS_AT_ONCE: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Uploads of a step, for each that is on its way at a time and each round of photos.
const OF_STEP: usize = 20;
/// Percent of a core that the coordinator gets where it is to be full and the machine is not.
const SHARES: [u32; 2] = [40, 70];
/// So many dots at a time are more than it can take then.
const DOTS_AT_ONCE_OF_SHARE: usize = 16;
/// Jobs of one worker at a time where pixels cost next to nothing: most of a job is waiting.
const CONCURRENCY: &str = "8";
/// How much of what is possible the last run asks for.
const SHARE: f64 = 0.8;
/// How long it lasts, for each round of photos.
const SECONDS: u64 = 40;

/// What the photos of one database's fleet took.
pub(crate) struct Cost {
    pub(crate) what: &'static str,
    pub(crate) kind: Kind,
    pub(crate) measured: Measured,
    /// Of pixels alone, in milliseconds, where there are some.
    pub(crate) alone: Option<f64>,
}

/// One step of a load that grows.
pub(crate) struct Step {
    pub(crate) kind: Kind,
    /// Percent of a core that the coordinator had, where it had not what it could get.
    pub(crate) share: Option<u32>,
    pub(crate) at_once: usize,
    pub(crate) measured: Measured,
}

/// The run that checks it all.
pub(crate) struct Check {
    /// What the machine can do a second, by what an upload costs.
    pub(crate) predicted: f64,
    pub(crate) asked: f64,
    pub(crate) measured: Measured,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    // Where there is no such thing, it is known now and not in ten minutes.
    drop(Share::of(rustix::process::getpid(), 100));
    let text = runtime.block_on(async {
        let (databases, rounds) = (Databases::start(), rounds());
        let (mut costs, mut steps, mut check) = (Vec::new(), Vec::new(), None);
        for kind in [Kind::Postgres, Kind::Sqlite] {
            costs.push(photos(&databases, kind, rounds, &mut check).await);
            let (cost, of_kind) = dots(&databases, kind, rounds).await;
            costs.push(cost);
            steps.extend(of_kind);
        }
        page::text(rounds, &costs, &steps, &check.expect("PostgreSQL is checked"))
    });
    let _ = std::io::stdout().write_all(text.as_bytes());
    page::write(&text);
}

/// Real photos and the transcodings that everybody gets; with PostgreSQL, the check, too.
async fn photos(databases: &Databases, kind: Kind, rounds: usize, check: &mut Option<Check>) -> Cost {
    let coordinators = if kind == Kind::Postgres { 2 } else { 1 };
    let fleet = Fleet::over(databases.fresh(kind), None, coordinators, WORKERS, &[]).await;
    let target = Target::of(&fleet, corpus::PHOTOS.iter().map(|name| corpus::read(name)).collect());
    // What is made once, as connections and pixel children, is not what an upload costs.
    at_once(&fleet, &target, corpus::PHOTOS.len(), PHOTOS_AT_ONCE).await;
    let before = alone::pixels_of_a_photo().await;
    let measured = at_once(&fleet, &target, rounds * corpus::PHOTOS.len(), PHOTOS_AT_ONCE).await;
    let after = alone::pixels_of_a_photo().await;
    say(&format!("photos, {kind}: {}", page::in_short(&measured)));
    if kind == Kind::Postgres {
        let all: f64 = measured.parts().iter().map(|(_, ms)| ms).sum();
        let predicted = cores() * 1e3 / all;
        let asked = predicted * SHARE;
        say(&format!("{all:.0} ms of CPU for each, so {predicted:.2} a second; now {asked:.2} a second"));
        let measured = at_rate(&fleet, &target, asked, Duration::from_secs(SECONDS * rounds as u64)).await;
        say(&format!("at that rate: {}", page::in_short(&measured)));
        *check = Some(Check { predicted, asked, measured });
    }
    Cost { what: "photos", kind, measured, alone: Some((before + after).as_secs_f64() * 1e3 / 2.0) }
}

/// Pictures of 16 × 16 pixels, of each of which one thumbnail is made, through one
/// coordinator: one after the other on the real path, and ever more at a time.
async fn dots(databases: &Databases, kind: Kind, rounds: usize) -> (Cost, Vec<Step>) {
    let mut fleet = Fleet::of_one_thumbnail_over(databases.fresh(kind), 1).await;
    for _ in 0..WORKERS {
        let worker = fleet.worker(0).setting("worker.concurrency", CONCURRENCY).start().await;
        fleet.workers.push(worker);
    }
    let target = Target::of(&fleet, (0..256).map(bmp).collect());
    at_once(&fleet, &target, 100, 8).await;
    let mut steps = Vec::new();
    for at_once in DOTS_AT_ONCE {
        let uploads = (OF_STEP * at_once).min(DOTS) * rounds;
        let measured = load::at_once(&fleet, &target, uploads, at_once).await;
        say(&format!("dots, {kind}, {at_once} at once: {}", page::in_short(&measured)));
        steps.push(Step { kind, share: None, at_once, measured });
    }
    for percent in SHARES {
        let _share = Share::of(fleet.coordinators[0].pid(), percent);
        let measured = load::at_once(&fleet, &target, DOTS * rounds, DOTS_AT_ONCE_OF_SHARE).await;
        say(&format!("dots, {kind}, a coordinator with {percent} % of a core: {}", page::in_short(&measured)));
        steps.push(Step { kind, share: Some(percent), at_once: DOTS_AT_ONCE_OF_SHARE, measured });
    }
    let measured = load::at_once(&fleet, &target, DOTS * rounds, 16).await;
    (Cost { what: "dots", kind, measured, alone: None }, steps)
}

fn cores() -> f64 {
    load::count(std::thread::available_parallelism().expect("the machine has cores").get())
}

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "how much it does is for whoever starts it to say")]
    let is_short = std::env::var("SHORT").is_ok_and(|text| !text.is_empty());
    if is_short { ROUNDS_SHORT } else { ROUNDS }
}

/// Prints a line.
fn say(text: &str) {
    // Nobody reads what cannot be printed.
    let _ = writeln!(std::io::stdout(), "{text}");
}
