//! What is told of an attempt beside its verdict: how long each stage took, and what
//! went wrong.

use super::trouble::Trouble;
use heim_common::wire::Account;
use heim_runtime::telemetry::chain;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// What the stages of an attempt took so far.
#[derive(Debug, Default)]
pub(crate) struct Stages(Mutex<BTreeMap<&'static str, Duration>>);

impl Stages {
    /// Counts what `work` takes for a stage. What is dropped on the way took nothing.
    pub(crate) async fn time<T>(&self, stage: &'static str, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let ended = work.await;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(stage).or_default() += begun.elapsed();
        ended
    }

    /// The account of an attempt that ended so. Of what is in a private picture its
    /// decoder may have said something: that stays here.
    pub(crate) fn account(&self, end: &Result<(), Trouble>, is_private: bool) -> Account {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let error = end.as_ref().err().map(|trouble| match trouble {
            Trouble::Pixels(failure) if is_private => format!("{trouble}: {}", failure.reason().as_str()),
            trouble => chain(trouble),
        });
        Account { error, stages_ms: all.iter().map(|(stage, time)| ((*stage).to_owned(), millis(time))).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::PixelFailure;
    use heim_common::job::Reason;

    #[test]
    fn what_a_decoder_says_of_a_private_picture_stays_here() {
        let refused = || PixelFailure::Refused { reason: Reason::Damaged, detail: "a secret title".to_owned() };
        let end = Err(Trouble::Pixels(refused()));
        let said = |is_private| Stages::default().account(&end, is_private).error.unwrap();
        assert!(said(false).contains("a secret title"), "{}", said(false));
        assert_eq!(said(true), "making the pixels: damaged");
        assert_eq!(Stages::default().account(&Ok(()), true), Account::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_comes_again_is_added() {
        let stages = Stages::default();
        for _ in 0..2 {
            stages.time("put", tokio::time::sleep(Duration::from_millis(40))).await;
        }
        let account = stages.account(&Ok(()), false);
        assert_eq!(account.stages_ms.into_iter().collect::<Vec<_>>(), [("put".to_owned(), 80)]);
    }
}
