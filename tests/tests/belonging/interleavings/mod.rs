//! Everybody in a room is told of each transcoding once: inside of a message, or
//! by an event after it; and nobody is told who may not know. Held against the
//! database after random interleavings of all that can happen to media objects,
//! messages and sessions, at two coordinators at once.

mod heard;
mod history;
mod judge;
mod paging;
mod play;
mod schedule;
mod sitting;
mod stage;
mod verdict;

use futures_util::{FutureExt, StreamExt, stream};
use heim_common::job::{Attempts, Lane, Reason, Verdict};
use heim_db::{Cursors, Database};
use heim_tests::keyed::Keyed;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngSeed, TestRunner},
};
use schedule::{Schedule, schedules};
use stage::Stage;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

/// Plays at a time.
const AT_ONCE: usize = 8;
/// How often a smaller schedule is played before it counts as one that does not
/// fail: what fails depends on who is quicker.
const PLAYED_AGAIN: usize = 6;
/// How long a smaller schedule that fails as well is looked for.
const SHRINKING_MAX: Duration = Duration::from_mins(2);

/// A number that whoever runs the tests may set.
fn wish(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?;
    let text = text.to_str().expect("a number");
    Some(text.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The schedule of a seed, which can be made smaller.
fn tree(seed: u64) -> impl ValueTree<Value = Schedule> {
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    schedules().new_tree(&mut TestRunner::new(config)).expect("every draw is a schedule")
}

/// Plays one schedule; what is wrong with it.
async fn play(stage: &Arc<Stage>, schedule: Schedule) -> Result<(), String> {
    let playing = AssertUnwindSafe(async {
        let play = play::Play::play(Arc::clone(stage), &schedule).await;
        verdict::of(&play).await
    });
    // What a panic says is shown when it happens.
    playing.catch_unwind().await.unwrap_or_else(|_| Err("a step panicked".to_owned()))
}

/// Plays schedules of seeds from `seed` on. Fails with the smallest that it can
/// find of the first one that fails.
async fn hold(stage: Arc<Stage>, seed: u64, count: u64) {
    let plays = stream::iter(0..count).map(|n| {
        let (stage, seed) = (Arc::clone(&stage), seed.wrapping_add(n));
        async move { (seed, play(&stage, tree(seed).current()).await) }
    });
    let mut plays = Box::pin(plays.buffer_unordered(AT_ONCE));
    while let Some((seed, result)) = plays.next().await {
        let Err(mut why) = result else { continue };
        drop(plays);
        let mut tree = tree(seed);
        let mut smallest = tree.current();
        let (mut is_smaller, began) = (tree.simplify(), Instant::now());
        while is_smaller && began.elapsed() < SHRINKING_MAX {
            match fails_again(&stage, &tree.current()).await {
                Some(again) => {
                    (why, smallest) = (again, tree.current());
                    is_smaller = tree.simplify();
                }
                None => is_smaller = tree.complicate(),
            }
        }
        panic!("{why}\nby {smallest:#?}\nwhich comes of HEIM_SCHEDULE_SEED={seed} HEIM_SCHEDULES=1");
    }
}

async fn fails_again(stage: &Arc<Stage>, schedule: &Schedule) -> Option<String> {
    for _ in 0..PLAYED_AGAIN {
        if let Err(why) = play(stage, schedule.clone()).await {
            return Some(why);
        }
    }
    None
}

fn seed() -> u64 {
    wish("HEIM_SCHEDULE_SEED").unwrap_or_else(|| RandomState::new().hash_one(()))
}

/// Ends the jobs that no worker was there for. The coordinators tell of them at the
/// same time, so that none to be chosen does not mean that none is left.
async fn settle(database: &Database) {
    const MANY: usize = 256;
    let attempts = Attempts { failures_max: 1, deaths_max: 1, away_max: Duration::ZERO };
    while database.jobs_outstanding().await.expect("the database answers").pending > 0 {
        let lane = Lane::Interactive;
        database.jobs_retell(lane, 0, Duration::ZERO).await.expect("the database answers");
        let wanted = BTreeMap::from([(lane, MANY)]);
        let due = database.jobs_choose(&wanted, &Cursors::default()).await.expect("the database answers");
        for job in due.jobs.into_values().flatten() {
            // One of which nothing is missing is done by that.
            let lease = Duration::from_mins(1);
            if let Some(claim) = database.job_claim(job, "settler", 1, lease).await.expect("the database answers") {
                let verdict = Verdict::Discard { reason: Reason::Internal };
                let finished = database.job_finish(job, claim.fence, verdict, &attempts, &|_| Duration::ZERO).await;
                finished.expect("the database answers");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_viewer_is_told_of_every_transcoding_once_whatever_happens_at_the_same_time() {
    let keyed = Keyed::start(2, 0).await;
    let stage = Arc::new(Stage::of(&keyed, false).await);
    hold(stage, seed(), wish("HEIM_SCHEDULES").unwrap_or(150)).await;
    settle(&keyed.fleet.database().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_private_rooms_with_workers_it_is_the_same() {
    let keyed = Keyed::start(2, 1).await;
    let stage = Arc::new(Stage::of(&keyed, true).await);
    hold(stage, seed(), wish("HEIM_SCHEDULES").unwrap_or(30)).await;
}
