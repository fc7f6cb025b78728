//! Workers that are killed at a random moment of a job, again and again, up to three
//! times for the same job: how long it takes until another one runs what they had.

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
const OF_A_FLEET: usize = 12;
/// Kills of one job: as many as make poison of a file that kills children.
const OF_A_JOB: usize = 3;

/// What kills have led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// How many there were.
    pub rounds: usize,
    /// Of those that came before the job was done: the time to the next claim, of
    /// the first kills of a job, the second, and the third.
    pub took: [Vec<Duration>; OF_A_JOB],
}

impl Kills {
    /// How many came before the job was done.
    #[must_use]
    pub fn in_mid_job(&self) -> usize {
        self.took.iter().map(Vec::len).sum()
    }

    /// A percentile of all times; zero where there are none.
    #[must_use]
    pub fn at(&self, percent: usize) -> Duration {
        percentile(self.took.concat(), percent)
    }
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort();
    let Some(last) = times.len().checked_sub(1) else { return Duration::ZERO };
    times[(last * percent).div_ceil(100)]
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} workers killed, {} in mid-job; run elsewhere after p50 / p99", self.rounds, self.in_mid_job())?;
        for (which, times) in ["", "once more", "a third time"].into_iter().zip(&self.took) {
            let [middle, late] = [50, 99].map(|percent| percentile(times.clone(), percent).as_secs_f64());
            let before = if which.is_empty() { String::new() } else { format!("; {which} ({})", times.len()) };
            write!(f, "{before} {middle:.2} / {late:.2} s")?;
        }
        Ok(())
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
    let mut kills = Kills { rounds, ..Kills::default() };
    let mut parts = stream::iter(parts).buffer_unordered(fleets.max(1));
    while let Some(part) = parts.next().await {
        for (all, of_part) in kills.took.iter_mut().zip(part) {
            all.extend(of_part);
        }
    }
    kills
}

/// A fleet that loses a worker so many times.
async fn kills_of_one(rounds: usize) -> [Vec<Duration>; OF_A_JOB] {
    let mut fleet = Fleet::start(2, 3).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let picture = corpus::read(corpus::SLOW);
    let (mut took, mut killed, mut jobs): ([Vec<_>; OF_A_JOB], _, _) = (Default::default(), 0, 0);
    while killed < rounds {
        let of_this = kill_whoever_has(&mut fleet, &pair, &picture, OF_A_JOB.min(rounds - killed)).await;
        (killed, jobs) = (killed + of_this.len(), jobs + 1);
        for (times, this) in took.iter_mut().zip(of_this) {
            times.extend(this);
        }
    }
    // What a put had begun when its worker was killed is a draft, `KEY#1`.
    let stored = fleet.stored().into_iter().filter(|file| !file.contains('#'));
    assert_eq!(stored.count(), jobs * 5, "everything is there, and nothing twice");
    took
}

/// Kills of one job at random moments, until it is done or there were so many. Of
/// each, how long it took until another worker had the job, if it was still the
/// victim's.
async fn kill_whoever_has(fleet: &mut Fleet, pair: &Pair, picture: &[u8], most: usize) -> Vec<Option<Duration>> {
    let database = fleet.database().await;
    let id = pair.share(picture).await;
    let mut kills = Vec::new();
    while kills.len() < most {
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
        let is_in_mid_job = left.state == "running";
        if is_in_mid_job {
            let fence = i64::try_from(kills.len()).expect("few") + 1;
            assert_eq!((left.fence, Some(left.worker)), (fence, victim), "{}", left.line);
            until("another worker has the job", async || (job(&database, id).await.fence > fence).then_some(())).await;
        }
        kills.push(is_in_mid_job.then(|| killed.elapsed()));
        fleet.replace_worker(place).await;
        if !is_in_mid_job {
            break;
        }
    }
    assert_eq!(pair.see_it_ready(id).await.transcodings.len(), 5);
    assert_eq!(events(&database, id).await, 5, "each transcoding is told of once");
    let ended = job(&database, id).await;
    assert_eq!(ended.failures, ended.fence - 1, "{}", ended.line);
    kills
}
