//! Workers that are killed at a random moment of a job, again and again: how long
//! it takes until another one runs what they had.

use crate::{
    corpus,
    fleet::Fleet,
    job::{events, job},
    pair::Pair,
    truth,
    until::until,
};
use futures_util::{StreamExt, stream};
use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

/// Kills of one fleet: its rows are read again and again.
const OF_A_FLEET: usize = 20;

/// What kills have led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// How many there were.
    pub rounds: usize,
    /// Of those that came before the job was done: the time to the next claim.
    pub took: Vec<Duration>,
}

impl Kills {
    /// A percentile of the times; zero where there are none.
    #[must_use]
    pub fn at(&self, percent: usize) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort();
        let Some(last) = sorted.len().checked_sub(1) else { return Duration::ZERO };
        sorted[(last * percent).div_ceil(100)]
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (middle, late) = (self.at(50).as_secs_f64(), self.at(99).as_secs_f64());
        write!(f, "{} workers killed, {} in mid-job; run ", self.rounds, self.took.len())?;
        write!(f, "elsewhere after p50 / p99 {middle:.2} / {late:.2} s")
    }
}

/// Up to half a second, another one each time.
fn a_moment() -> Duration {
    Duration::from_millis(RandomState::new().hash_one(0) % 500)
}

/// Kills so many workers in the middle of their work, in several fleets at a time.
/// Whatever is not as it must be is a panic.
pub async fn kills(rounds: usize, fleets: usize) -> Kills {
    let parts = (0..rounds).step_by(OF_A_FLEET).map(|done| kills_of_one(OF_A_FLEET.min(rounds - done)));
    let took: Vec<_> = stream::iter(parts).buffer_unordered(fleets.max(1)).collect().await;
    Kills { rounds, took: took.into_iter().flatten().collect() }
}

/// A fleet that loses a worker so many times.
async fn kills_of_one(rounds: usize) -> Vec<Duration> {
    let mut fleet = Fleet::start(2, 3).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let picture = corpus::read(corpus::SLOW);
    let mut took = Vec::new();
    for _ in 0..rounds {
        took.extend(kill_one(&mut fleet, &pair, &picture).await);
    }
    // What a put had begun when its worker was killed is a draft, `KEY#1`.
    let stored = fleet.stored().into_iter().filter(|file| !file.contains('#'));
    assert_eq!(stored.count(), rounds * 5, "everything is there, and nothing twice");
    took
}

/// One kill at a random moment. How long it took until another worker had the
/// job, if it was still the victim's.
async fn kill_one(fleet: &mut Fleet, pair: &Pair, picture: &[u8]) -> Option<Duration> {
    let database = fleet.database().await;
    let id = pair.share(picture).await;
    // On a busy machine a job may be done before anyone looks.
    let begun = until("a worker has begun the job", async || {
        let holder = truth::holder(&database).await;
        if holder.is_some() { Some(holder) } else { (job(&database, id).await.state == "done").then_some(None) }
    });
    let victim = begun.await;
    let place = victim.as_deref().map_or(0, |victim| fleet.place_of(victim).expect("the holder is one of ours"));
    tokio::time::sleep(a_moment()).await;
    fleet.workers[place].kill9().await;
    let killed = Instant::now();
    let left = job(&database, id).await;
    let mut took = None;
    if left.state == "running" {
        assert_eq!((left.fence, Some(left.worker)), (1, victim), "{}", left.line);
        until("another worker has the job", async || (job(&database, id).await.fence > 1).then_some(())).await;
        took = Some(killed.elapsed());
    }
    assert_eq!(pair.see_it_ready(id).await.transcodings.len(), 5);
    assert_eq!(events(&database, id).await, 5, "each transcoding is told of once");
    let ended = job(&database, id).await;
    assert_eq!(ended.failures, ended.fence - 1, "{}", ended.line);
    fleet.replace_worker(place).await;
    took
}
