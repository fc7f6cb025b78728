//! Callers on a fleet, from their first request to the verdict.

use super::{
    Entry, Ledger,
    caller::{Caller, Calls, Times},
    judge::{Kept, Verdict, judge},
    kept::kept,
};
use crate::{
    fleet::Fleet,
    sweeping::{self, Leftovers},
};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// How long a fleet that is whole again may take to end its work.
const SETTLES_WITHIN: Duration = Duration::from_mins(3);

/// Callers that upload and show pictures, whatever breaks.
#[derive(Debug)]
pub struct Crowd {
    calls: Arc<Calls>,
    callers: JoinSet<Caller>,
    _folder: tempfile::TempDir,
}

/// What became of all that they did.
#[derive(Debug)]
pub struct Outcome {
    /// How long the rest of the work took; `None` if it did not end.
    pub settled: Option<Duration>,
    /// The uploads.
    pub times: Vec<Times>,
    /// What was in the store and nobody's when the work had ended.
    pub found: Leftovers,
    /// What a sweep has left of that.
    pub left: Leftovers,
    /// What the ledger says.
    pub verdict: Verdict,
}

impl Outcome {
    /// Whether everything is as it must be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.settled.is_some() && self.left.is_empty() && self.verdict.is_clean() && self.verdict.accepted > 0
    }
}

impl Crowd {
    /// So many of them, spread over the coordinators that there are.
    #[must_use]
    pub fn on(fleet: &Fleet, clients: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        let bases = fleet.coordinators.iter().map(|coordinator| coordinator.ready.clone()).collect();
        let calls = Calls::to(bases, Ledger::in_folder(folder.path()));
        let mut callers = JoinSet::new();
        for place in 0..clients {
            callers.spawn(Caller::new(&calls, place).run());
        }
        Self { calls, callers, _folder: folder }
    }

    /// How many uploads were accepted so far, and seen to be ready or not waited for.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.calls.times().len()
    }

    /// Lets each of them end what it has begun, and the fleet its work; sweeps the
    /// store, has everybody hear and read all that there is, and judges.
    pub async fn end(mut self, fleet: &Fleet) -> Outcome {
        self.calls.stop.cancel();
        let ended = self.all_ended().await;
        let settled = settle(fleet).await;
        let found = sweeping::leftovers(fleet).await;
        let left = sweeping::sweep(fleet).await;
        let rooms = Arc::new(self.kept(fleet).await.1.rooms);
        for mut caller in ended {
            let rooms = Arc::clone(&rooms);
            self.callers.spawn(async move {
                caller.hear_all(&rooms).await;
                caller.read_back().await
            });
        }
        self.all_ended().await;
        let (entries, kept) = self.kept(fleet).await;
        Outcome { settled, times: self.calls.times(), found, left, verdict: judge(&entries, &kept) }
    }

    async fn all_ended(&mut self) -> Vec<Caller> {
        let mut ended = Vec::new();
        while let Some(caller) = self.callers.join_next().await {
            ended.push(caller.expect("a client does not panic"));
        }
        ended
    }

    async fn kept(&self, fleet: &Fleet) -> (Vec<Entry>, Kept) {
        let (entries, database) = (self.calls.ledger.entries(), fleet.database().await);
        let kept = kept(&entries, &database, fleet.database_url(), &fleet.store()).await;
        (entries, kept)
    }
}

/// Waits until no job is left; how long that took.
async fn settle(fleet: &Fleet) -> Option<Duration> {
    let (database, began) = (fleet.database().await, Instant::now());
    while began.elapsed() < SETTLES_WITHIN {
        let counts = database.jobs_outstanding().await.expect("the database is back");
        if counts.pending + counts.running == 0 {
            return Some(began.elapsed());
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settled, times: _, found, left, verdict } = self;
        match settled {
            Some(settled) => writeln!(f, "settled {:.1} s after the load", settled.as_secs_f64())?,
            None => writeln!(f, "did not settle")?,
        }
        writeln!(f, "in the store and nobody's: {found} before a sweep, {left} after it")?;
        for one in left.all() {
            writeln!(f, "  left: {one}")?;
        }
        write!(f, "{verdict}")
    }
}
