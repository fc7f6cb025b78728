//! `make bench-queue`: how long a job waits for an idle worker, how many jobs a
//! second workers begin while enough wait, and what CPU a job takes, beside
//! `BullMQ` over the same Redis. By turns, in rounds. Prints a table.
//!
//! A worker is a process that works on one job at a time, on either side. The
//! jobs make no pixels. What the two sides do for a job is not the same: see
//! `docs/queue.md`.

mod bullmq;
mod hands;
mod heim;
mod table;
mod worker;

use hands::{Hands, Took};
use heim_tests::{fleet::Fleet, usage};
use rustix::process::Pid;
use std::time::Duration;
use table::Measured;

/// Workers at a time.
const WORKERS: [usize; 3] = [1, 4, 16];
const ROUNDS: usize = 5;
/// Jobs that wait when the workers begin.
const BACKLOG: usize = 1_000;
/// Jobs that come one by one to idle workers.
const PICKUPS: usize = 60;

/// One of the two queues.
trait Side {
    /// Hands in so many jobs.
    async fn hand_in(&mut self, jobs: usize);
    /// Starts so many workers, which take nothing yet.
    async fn workers(&mut self, count: usize) -> Hands;
    /// CPU time of its processes so far, but for its workers.
    fn spent(&self) -> Duration;
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    // Started again by itself, as a worker.
    if arguments.next().as_deref() == Some(worker::ARGUMENT) {
        let mut text = || arguments.next().expect("it is told whom to work for");
        runtime.block_on(worker::work(&text(), &text()));
    } else {
        runtime.block_on(compare());
    }
}

async fn compare() {
    let fleet = Fleet::of_one_thumbnail(1).await;
    let (mut ours, mut theirs) = (heim::Heim::new(&fleet), bullmq::BullMq::start(fleet.redis.port()).await);
    let mut all: Vec<(Measured, Measured)> = WORKERS.map(|count| (Measured::of(count), Measured::of(count))).into();
    for round in 1..=ROUNDS {
        for (heim, bullmq) in &mut all {
            measure(&mut ours, &fleet, heim).await;
            measure(&mut theirs, &fleet, bullmq).await;
        }
        table::say(&format!("round {round} of {ROUNDS} is over\n"));
    }
    table::print(&all);
}

/// One round of one side, with as many workers as it is to be measured with.
async fn measure(side: &mut impl Side, fleet: &Fleet, measured: &mut Measured) {
    side.hand_in(BACKLOG).await;
    let mut hands = side.workers(measured.workers).await;
    let before = Spent::by(side, &hands, fleet).await;
    hands.begin().await;
    let took = hands.take(BACKLOG).await;
    measured.spent.push(Spent::by(side, &hands, fleet).await.since(before) / BACKLOG);
    measured.rates.push(rate(&took));
    for _ in 0..PICKUPS {
        side.hand_in(1).await;
        measured.waits.extend(hands.take(1).await.iter().map(Took::waited));
    }
}

/// Jobs a second, from the first one that was begun to the last.
fn rate(took: &[Took]) -> f64 {
    let begun = || took.iter().map(|took| took.begun);
    let span = begun().fold(f64::MIN, f64::max) - begun().fold(f64::MAX, f64::min);
    (table::as_f64(took.len()) - 1.0) / span * 1e3
}

/// CPU time in seconds, of all who work for one side.
#[derive(Clone, Copy, Debug)]
struct Spent {
    own: f64,
    postgres: f64,
    redis: f64,
}

impl Spent {
    async fn by(side: &impl Side, hands: &Hands, fleet: &Fleet) -> Self {
        let workers: Duration = hands.ids().map(|id| usage::cpu(process(id))).sum();
        Self {
            own: (side.spent() + workers).as_secs_f64(),
            postgres: usage::cpu_of_postgres(fleet.database_url()).await.as_secs_f64(),
            redis: usage::cpu(process(fleet.redis.pid())).as_secs_f64(),
        }
    }

    fn since(self, before: Self) -> Self {
        let Self { own, postgres, redis } = before;
        Self { own: self.own - own, postgres: self.postgres - postgres, redis: self.redis - redis }
    }
}

impl std::ops::Div<usize> for Spent {
    type Output = Self;

    fn div(self, jobs: usize) -> Self {
        let jobs = table::as_f64(jobs);
        Self { own: self.own / jobs, postgres: self.postgres / jobs, redis: self.redis / jobs }
    }
}

fn process(id: u32) -> Pid {
    usage::process_of(&id.to_string())
}
