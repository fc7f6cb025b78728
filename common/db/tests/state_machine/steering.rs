//! The part of the state machine that is an operator's.

use crate::{
    model::{Job, Model},
    step::{Answer, Object, Step},
};
use heim_common::{
    job::{JobState, Reason},
    media::MediaState,
};

impl Model {
    pub(crate) fn steer(&mut self, step: Step) -> Answer {
        match step {
            Step::Retry(object) => self.retry(object),
            Step::Discard(object) => self.discard(object),
            Step::PauseLane => self.pause(true),
            Step::ResumeLane => self.pause(false),
            other => panic!("not an operator's: {other:?}"),
        }
    }

    /// Only what changes something is carried out.
    fn pause(&mut self, pause: bool) -> Answer {
        if self.paused == pause {
            return Answer::No;
        }
        self.paused = pause;
        Answer::Yes
    }

    fn retry(&mut self, object: Object) -> Answer {
        let Some(job) = &mut self.jobs[object] else { return Answer::NotThere };
        let (has_failed, rests) = (job.state == JobState::Failed, job.state == JobState::Pending && job.set_aside);
        if !has_failed && !rests {
            return Answer::No;
        }
        *job = Job {
            state: JobState::Pending,
            failures: 0,
            deaths: 0,
            reason: None,
            lease_ended: false,
            rests: false,
            set_aside: false,
            told: false,
            fence: job.fence,
            engine: job.engine,
        };
        // What was asked for may have come after the failure.
        let is_all_there = self.missing(object, None).is_empty();
        let media = self.live(object).unwrap();
        if !has_failed || media.state != MediaState::Failed {
            return Answer::Anew(None);
        }
        media.state = if is_all_there { MediaState::Ready } else { MediaState::Uploaded };
        media.failure = None;
        Answer::Anew(Some(self.record(object, 0)))
    }

    fn discard(&mut self, object: Object) -> Answer {
        match &self.jobs[object] {
            None => Answer::NotThere,
            Some(Job { state: JobState::Running, .. }) => self.give_up_job(object, Reason::Discarded),
            Some(Job { state: JobState::Pending, .. }) => {
                // An end under a fence of its own.
                self.of_job(object, |job| job.fence += 1);
                self.give_up_job(object, Reason::Discarded)
            }
            Some(_) => Answer::No,
        }
    }
}
