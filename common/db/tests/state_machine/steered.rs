//! A database whose operator does what the schedule says.

use crate::{
    ending::PURGE_EDITS,
    real::{NOW, Real, gave_up, job, media, object, yes},
    step::{Answer, Step},
};
use heim_common::{EditId, Snowflake, job::Lane};
use heim_db::{Discarded, Retried};
use std::sync::atomic::{AtomicU64, Ordering};

impl Real {
    /// `edits` are the changes of messages that were drawn until after the step.
    pub(crate) async fn steer(&self, step: Step, edits: u64) -> Answer {
        match step {
            Step::Retry(object) => match self.db.job_retry(job(object)).await.unwrap() {
                Retried::Again { seq, .. } => Answer::Anew(seq),
                Retried::Now => Answer::Anew(None),
                Retried::NotFailed => Answer::No,
                Retried::NotFound => Answer::NotThere,
            },
            Step::Discard(object) => match self.db.job_discard(job(object)).await.unwrap() {
                Discarded::Now(given_up) => gave_up(&given_up),
                Discarded::Ended => Answer::No,
                Discarded::NotFound => Answer::NotThere,
            },
            Step::PauseLane => yes(self.db.lane_pause(Lane::Interactive).await.unwrap()),
            Step::ResumeLane => yes(self.db.lane_resume(Lane::Interactive).await.unwrap()),
            Step::Purge(of) => {
                let next = AtomicU64::new(edits - PURGE_EDITS + 1);
                let draw = || EditId(Snowflake(next.fetch_add(1, Ordering::Relaxed)));
                let purged = self.db.media_purge(&[media(of)], &draw, NOW).await.unwrap();
                let withdrawn = purged.messages.into_iter().map(|one| {
                    let index = object(one.message.0);
                    (index, one.edit.0.0, one.previous.map(|edit| edit.0.0), one.deleted)
                });
                Answer::Purged(purged.media.iter().map(|id| object(id.0)).collect(), withdrawn.collect())
            }
            other => panic!("not an operator's: {other:?}"),
        }
    }
}
