//! The promises, held against what was answered and what is left at the end.
//! Knows nothing of how the state machine keeps them.

use crate::{
    model::{ATTEMPTS, Model, OBJECTS, Room},
    step::{Answer, Lease, Name, Object, Step},
};
use heim_common::{
    job::{JobState, Reason, Verdict},
    media::MediaState,
};

#[derive(Default)]
pub(crate) struct History {
    all: Vec<(Step, Answer)>,
}

impl History {
    /// Notes a step; panics if its answer breaks a promise at once.
    pub(crate) fn note(&mut self, step: Step, answer: Answer) {
        let of = match step {
            Step::Heartbeat(lease) | Step::Finish(lease, _) | Step::Register { lease: Some(lease), .. } => Some(lease),
            _ => None,
        };
        if let Some(Lease { job, fence }) = of {
            let newest = self.fences(job).last().copied().unwrap_or(0);
            let refused = matches!(answer, Answer::No | Answer::LeaseLost | Answer::NotThere);
            assert!(refused || fence == newest, "an old fence changes something: {step:?} {answer:?}");
        }
        self.all.push((step, answer));
        if let Step::Claim(object, _) = step {
            assert!(self.fences(object).is_sorted_by(|a, b| a < b), "fences only grow: {:?}", self.fences(object));
        }
    }

    /// Whether this was done before.
    pub(crate) fn has(&self, step: Step) -> bool {
        self.all.iter().any(|(done, _)| *done == step)
    }

    fn fences(&self, object: Object) -> Vec<i64> {
        let of = |(step, answer): &(Step, Answer)| match (step, answer) {
            (Step::Claim(claimed, _), Answer::Claimed { fence, .. }) if *claimed == object => Some(*fence),
            _ => None,
        };
        self.all.iter().filter_map(of).collect()
    }

    /// The event of the upload that won, and whether all answers tell of this one.
    fn stored(&self, object: Object) -> Option<(i64, bool)> {
        let mut stored = self.all.iter().filter_map(|(step, answer)| match (step, answer) {
            (Step::Upload(of, upload), Answer::Stored(seq)) if *of == object => Some((*upload, *seq)),
            _ => None,
        });
        let first = stored.next()?;
        Some((first.1, stored.all(|other| other == first)))
    }

    fn count(&self, is_one: impl Fn(&Step, &Answer) -> bool) -> usize {
        self.all.iter().filter(|(step, answer)| is_one(step, answer)).count()
    }

    /// What must be true when nothing is left to do.
    pub(crate) fn judge(&self, model: &Model) {
        for object in 0..OBJECTS {
            let released = self.count(|step, answer| match (step, answer) {
                (Step::Release, Answer::These(these)) | (Step::Purge(_), Answer::Purged(these, _)) => {
                    these.contains(&object)
                }
                _ => false,
            });
            let stored = self.stored(object);
            assert!(stored.is_none_or(|(_, is_one)| is_one), "two uploads won");
            let row = model.media[object].as_ref();
            if stored.is_some() && model.room == Room::Open && released == 0 {
                assert!(row.is_some_and(|media| media.uploaded), "acknowledged and lost: {row:?}");
            }
            if let Some(media) = row.filter(|media| !media.gone) {
                let is_ready = media.state == MediaState::Ready && media.failure.is_none();
                let has_failed = media.state == MediaState::Failed && media.failure.is_some();
                assert!(is_ready ^ has_failed, "neither ready nor failed: {media:?}");
            }
            self.once(model, object);
            self.attempts(model, object);
        }
    }

    /// One event for each transition, and versions never go back.
    fn once(&self, model: &Model, object: Object) {
        for name in 0..=2 {
            let told = model.events.iter().filter(|(_, of, which)| (*of, *which) == (object, name)).count();
            let made = self.all.iter().map(|(step, answer)| transitions(*step, answer, object, name)).sum::<usize>();
            let made = made + usize::from(name == 0 && self.stored(object).is_some());
            assert_eq!(told, made, "events of {object}/{name}");
            let versions = self.all.iter().filter_map(|(step, answer)| match (step, answer) {
                (Step::Register { object: of, name: which, version, .. }, Answer::New(_)) => {
                    ((*of, *which) == (object, name)).then_some(*version)
                }
                _ => None,
            });
            let versions: Vec<_> = versions.collect();
            assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        }
    }

    /// Only bad endings count, and not without end.
    fn attempts(&self, model: &Model, object: Object) {
        let is_bad = |step: &Step, answer: &Answer| match (step, answer) {
            (Step::Finish(lease, Verdict::Retry { .. } | Verdict::Done), Answer::Again | Answer::GaveUp(..)) => {
                lease.job == object
            }
            (Step::Reap, Answer::Reaped(these)) => these.iter().any(|(of, _)| *of == object),
            _ => false,
        };
        // An operator lets it begin anew.
        let anew = |(step, answer): &(Step, Answer)| *step == Step::Retry(object) && matches!(answer, Answer::Anew(_));
        let since = self.all.iter().rposition(anew).map_or(0, |place| place + 1);
        let count = |is_one: &dyn Fn(&Step, &Answer) -> bool| {
            self.all[since..].iter().filter(|(step, answer)| is_one(step, answer)).count()
        };
        let bad = count(&is_bad);
        let died = Verdict::Retry { reason: Reason::ChildDied };
        let deaths =
            count(&|step, answer| is_bad(step, answer) && matches!(step, Step::Finish(_, verdict) if *verdict == died));
        assert!(bad <= ATTEMPTS.failures_max as usize, "{bad} failures");
        assert!(deaths <= ATTEMPTS.deaths_max as usize, "{deaths} deaths");
        if let Some(job) = &model.jobs[object] {
            assert_eq!((job.failures as usize, job.deaths as usize), (bad, deaths), "{job:?}");
            assert!(matches!(job.state, JobState::Done | JobState::Failed), "stuck: {job:?}");
        }
    }
}

/// How many events a step owes to one transcoding.
fn transitions(step: Step, answer: &Answer, object: Object, name: Name) -> usize {
    let gave_up = |of: Object, answer: &Answer| match answer {
        Answer::GaveUp(_, events) if of == object => events.iter().filter(|(which, _)| *which == name).count(),
        _ => 0,
    };
    match (step, answer) {
        (Step::Register { object: of, name: which, .. }, Answer::New(_)) => usize::from((of, which) == (object, name)),
        (Step::Finish(lease, _), answer) => gave_up(lease.job, answer),
        (Step::Discard(of), answer) => gave_up(of, answer),
        (Step::Retry(of), Answer::Anew(Some(_))) => usize::from((of, 0) == (object, name)),
        (_, Answer::Reaped(these)) => these.iter().map(|(of, answer)| gave_up(*of, answer)).sum(),
        (_, Answer::Ended(these)) if name == 0 => {
            these.iter().filter(|(of, event)| *of == object && event.is_some()).count()
        }
        _ => 0,
    }
}
