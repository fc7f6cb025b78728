//! The part of the state machine that is about jobs.

use crate::{
    model::{ATTEMPTS, Job, Model, OBJECTS, Room, specs},
    step::{Answer, Lease, Name, Object, Step},
};
use heim_common::{
    job::{AfterFailure, JobState, Reason, Verdict},
    media::MediaState,
};

impl Model {
    pub(crate) fn step_of_job(&mut self, step: Step) -> Answer {
        match step {
            Step::Claim(object, engine) => self.claim(object, engine),
            Step::Heartbeat(lease) => match self.held(lease) {
                Some(job) => {
                    job.lease_ended = false;
                    Answer::Yes
                }
                None => Answer::No,
            },
            Step::Register { object, name, version, altered, lease } => {
                self.register(object, name, (version, altered), lease)
            }
            Step::Finish(lease, verdict) => self.finish(lease, verdict),
            Step::Dispatch => self.dispatch(),
            Step::Reap => self.reap(),
            Step::LeaseEnds(object) => self.of_job(object, |job| job.lease_ended = job.state == JobState::Running),
            Step::RestEnds(object) => self.of_job(object, |job| job.rests = false),
            Step::HintIsLost(object) => self.of_job(object, |job| job.told = false),
            other => panic!("not of a job: {other:?}"),
        }
    }

    pub(crate) fn of_job(&mut self, object: Object, change: impl FnOnce(&mut Job)) -> Answer {
        if let Some(job) = &mut self.jobs[object] {
            change(job);
        }
        Answer::Yes
    }

    fn held(&mut self, lease: Lease) -> Option<&mut Job> {
        self.live(lease.job)?;
        let job = self.jobs[lease.job].as_mut()?;
        (job.state == JobState::Running && job.fence == lease.fence).then_some(job)
    }

    /// Not there, or not in this version.
    pub(crate) fn missing(&self, object: Object, engine: Option<u32>) -> Vec<Name> {
        let Some(media) = &self.media[object] else { return Vec::new() };
        let is_there = |name: &Name| {
            media.transcodings.get(name).is_some_and(|(version, ..)| engine.is_none_or(|engine| *version >= engine))
        };
        specs(object).filter(|name| !is_there(name)).collect()
    }

    fn claim(&mut self, object: Object, engine: u32) -> Answer {
        let (missing, room, paused) = (self.missing(object, Some(engine)), self.room, self.paused);
        let Some(job) = &mut self.jobs[object] else { return Answer::No };
        if job.state != JobState::Pending || job.rests || room == Room::Deleted || paused {
            return Answer::No;
        }
        job.fence += 1;
        (job.engine, job.lease_ended) = (Some(engine), false);
        if missing.is_empty() {
            (job.state, job.reason) = (JobState::Done, None);
            return Answer::No;
        }
        job.state = JobState::Running;
        Answer::Claimed { fence: job.fence, missing }
    }

    fn register(&mut self, object: Object, name: Name, body: (u32, bool), lease: Option<Lease>) -> Answer {
        if self.live(object).is_none_or(|media| !media.uploaded) {
            return Answer::NotThere;
        }
        if lease.is_some_and(|lease| lease.job != object || self.held(lease).is_none()) {
            return Answer::LeaseLost;
        }
        let media = self.live(object).unwrap();
        if let Some((version, altered, _)) = media.transcodings.get(&name) {
            if *version > body.0 {
                return Answer::Older;
            }
            if *version == body.0 {
                return if *altered == body.1 { Answer::Same } else { Answer::Conflict };
            }
        }
        media.transcodings.insert(name, (body.0, body.1, 0));
        if self.missing(object, None).is_empty() {
            self.settle(object, MediaState::Ready, None);
        }
        let seq = self.record(object, name);
        self.live(object).unwrap().transcodings.insert(name, (body.0, body.1, seq));
        Answer::New(seq)
    }

    fn settle(&mut self, object: Object, state: MediaState, failure: Option<Reason>) {
        let media = self.live(object).unwrap();
        if media.state == MediaState::Uploaded {
            (media.state, media.failure) = (state, failure);
        }
    }

    fn finish(&mut self, lease: Lease, verdict: Verdict) -> Answer {
        let Some(job) = self.held(lease) else { return Answer::LeaseLost };
        let engine = job.engine;
        match verdict {
            Verdict::Done if self.missing(lease.job, engine).is_empty() => {
                self.of_job(lease.job, |job| (job.state, job.reason) = (JobState::Done, None));
                self.settle(lease.job, MediaState::Ready, None);
                Answer::Done
            }
            Verdict::Done => self.fail(lease.job, Reason::Internal),
            Verdict::Retry { reason } => self.fail(lease.job, reason),
            Verdict::Discard { reason } => self.give_up_job(lease.job, reason),
            Verdict::Snooze { after_ms, reason: None } => self.again(lease.job, after_ms > 0),
            Verdict::Snooze { reason, .. } => {
                self.of_job(lease.job, |job| job.reason = reason);
                self.again(lease.job, true)
            }
        }
    }

    fn fail(&mut self, object: Object, reason: Reason) -> Answer {
        let job = self.jobs[object].as_mut().unwrap();
        job.failures += 1;
        job.deaths += u32::from(reason == Reason::ChildDied);
        job.reason = Some(reason);
        match ATTEMPTS.after(reason, job.failures, job.deaths) {
            // To a loss the lease was rest enough.
            AfterFailure::Again => self.again(object, reason != Reason::WorkerLost),
            AfterFailure::GiveUp(reason) => self.give_up_job(object, reason),
        }
    }

    fn again(&mut self, object: Object, rests: bool) -> Answer {
        self.of_job(object, |job| {
            job.state = JobState::Pending;
            (job.rests, job.set_aside, job.told, job.lease_ended) = (rests, rests, false, false);
        });
        Answer::Again
    }

    pub(crate) fn give_up_job(&mut self, object: Object, reason: Reason) -> Answer {
        self.of_job(object, |job| (job.state, job.reason) = (JobState::Failed, Some(reason)));
        self.settle(object, MediaState::Failed, Some(reason));
        let missing = self.missing(object, None);
        Answer::GaveUp(reason, missing.into_iter().map(|name| (name, self.record(object, name))).collect())
    }

    fn reap(&mut self) -> Answer {
        let lost = |job: &Job| job.state == JobState::Running && job.lease_ended;
        let lost: Vec<_> = (0..OBJECTS).filter(|&object| self.jobs[object].as_ref().is_some_and(lost)).collect();
        Answer::Reaped(lost.into_iter().map(|object| (object, self.fail(object, Reason::WorkerLost))).collect())
    }

    fn dispatch(&mut self) -> Answer {
        for job in self.jobs.iter_mut().flatten() {
            job.set_aside &= job.rests || job.state != JobState::Pending;
        }
        if self.paused {
            return Answer::These(Vec::new());
        }
        let due = |job: &Job| job.state == JobState::Pending && !job.rests && !job.told;
        let due: Vec<_> = (0..OBJECTS).filter(|&object| self.jobs[object].as_ref().is_some_and(due)).collect();
        for &object in &due {
            self.of_job(object, |job| job.told = true);
        }
        Answer::These(due)
    }
}
