//! What a run of chaos has to say.

use super::harm::Struck;
use crate::ledger::{caller::Times, crowd::Outcome};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// The end of a run.
#[derive(Debug)]
pub struct Report {
    /// What the harms follow from.
    pub seed: u64,
    /// How long there was load and harm.
    pub lasted: Duration,
    /// The harms.
    pub struck: Vec<Struck>,
    /// What became of the uploads.
    pub outcome: Outcome,
}

impl Report {
    /// Whether everything is as it must be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.outcome.is_clean()
    }

    /// From a moment to the first of these after it that belongs to an upload
    /// that was begun after it too.
    fn next(&self, at: Instant, what: impl Fn(&Times) -> Option<Instant>) -> Option<Duration> {
        let later = self.outcome.times.iter().filter(|times| times.begun > at);
        later.filter_map(what).min().map(|then| then - at)
    }
}

/// `p50 / p99`, in seconds.
fn percentiles(mut these: Vec<Duration>) -> String {
    these.sort();
    let Some(last) = these.len().checked_sub(1) else { return "-".to_owned() };
    let of = |percent: usize| these[(last * percent).div_ceil(100)].as_secs_f64();
    format!("{:.2} / {:.2} s", of(50), of(99))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, lasted, struck, outcome } = self;
        let times = &outcome.times;
        writeln!(
            f,
            "chaos, seed {seed}: {} uploads in {:.0} s, {} harms",
            times.len(),
            lasted.as_secs_f64(),
            struck.len()
        )?;
        writeln!(
            f,
            "| harm | times | next upload accepted, p50 / p99 | next picture ready, p50 / p99 |\n|---|---|---|---|"
        )?;
        let mut kinds: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
        for Struck { harm, at } in struck {
            kinds.entry(harm.kind()).or_default().push(*at);
            kinds.entry("~ all").or_default().push(*at);
        }
        for (kind, ats) in kinds {
            let accepted = ats.iter().filter_map(|at| self.next(*at, |times| Some(times.accepted))).collect();
            let ready = ats.iter().filter_map(|at| self.next(*at, |times| times.ready)).collect();
            writeln!(f, "| {kind} | {} | {} | {} |", ats.len(), percentiles(accepted), percentiles(ready))?;
        }
        let unseen = times.iter().filter(|times| times.ready.is_none()).count();
        let ready = times.iter().filter_map(|times| Some(times.ready? - times.begun)).collect();
        writeln!(
            f,
            "from an upload's begin to its last thumbnail: {}; {unseen} were not waited for",
            percentiles(ready)
        )?;
        write!(f, "{outcome}")
    }
}
