//! A worker is killed in the middle of a job.

use crate::round::Pair;
use heim_tests::{corpus, fleet::Fleet, process::is_running, truth, until::until};
use std::time::{Duration, Instant};

/// A lease of 3 s, a sweep every second, a backoff of a second at most; the rest
/// is for a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// When the kill comes.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Right after the job was claimed.
    Claimed,
    /// When the first thumbnail was told.
    FirstThumbnail,
}

/// One picture, one kill of the worker that has it. True if the job was really
/// interrupted, and not over a moment before.
async fn round(fleet: &mut Fleet, pair: &Pair, picture: &[u8], moment: Moment) -> bool {
    let database = fleet.database().await;
    let id = pair.share(picture).await;
    let holder = until("a worker holds the job", async || truth::holder(&database).await).await;
    let victim = fleet.place_of(&holder).expect("the holder is one of ours");
    let children = fleet.workers[victim].children();
    assert!(!children.is_empty(), "a worker has a pixel child");
    if let Moment::FirstThumbnail = moment {
        pair.viewer.media_event(id, "thumb-160").await;
    }
    fleet.workers[victim].kill9().await;
    let killed = Instant::now();
    let interrupted = truth::holder(&database).await.is_some_and(|now| now == holder);
    until("its pixel children are gone too", async || (!children.iter().any(|child| is_running(*child))).then_some(()))
        .await;
    let media = pair.see_it_ready(id).await;
    assert!(killed.elapsed() < SOON, "{moment:?}: ready only after {:?}", killed.elapsed());
    assert_eq!(media.transcodings.len(), 5);
    fleet.replace_worker(victim).await;
    interrupted
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_job_costs_time_and_nothing_else() {
    let mut fleet = Fleet::start(2, 2).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let picture = corpus::read(corpus::SLOW);
    let mut interrupted = 0;
    for number in 0..10 {
        let moment = if number % 2 == 0 { Moment::Claimed } else { Moment::FirstThumbnail };
        interrupted += u32::from(round(&mut fleet, &pair, &picture, moment).await);
    }
    assert!(interrupted >= 5, "only {interrupted} of 10 kills came in mid-job: this test tests nothing any more");
    // A put that the kill interrupted may have left its draft, `KEY#1`, which no
    // row names and no reader finds.
    let stored = fleet.stored().into_iter().filter(|file| !file.contains('#'));
    assert_eq!(stored.count(), 50, "everything is there, and nothing twice");
    let rows = truth::rows(&fleet.database().await).await;
    let failures = rows.lines().filter(|line| line.starts_with("job ") && !line.contains(" failures 0 ")).count();
    assert!(failures >= 5, "a lost worker counts as a failure of its attempt:\n{rows}");
    assert_eq!(rows.lines().filter(|line| line.starts_with("event ")).count(), 50, "{rows}");
}
