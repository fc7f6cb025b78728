//! Random schedules, each followed by as many fair steps as it takes until
//! nothing is left to do.

use crate::{
    chance::Chance,
    history::History,
    model::{Model, OBJECTS, Room, specs},
    real::Real,
    step::{Answer, Lease, Object, Step},
};
use heim_common::{
    job::{JobState, Reason, Verdict},
    media::MediaState,
};
use std::collections::VecDeque;

/// Fair steps after which everything must be over.
const FAIR_MAX: usize = 120;

/// Plays a schedule on the model alone; returns how many steps it had.
pub(crate) fn play(seed: u64) -> usize {
    let mut play = Play::of(seed, 0);
    while let Some(step) = play.next() {
        let answer = play.model.step(step);
        play.note(step, answer);
    }
    play.end()
}

/// Plays it on a database as well: every answer, and what is left at the end,
/// must be the model's.
pub(crate) async fn play_on(real: &mut Real, seed: u64) -> usize {
    let mut play = Play::of(seed, real.seq);
    real.open().await;
    while let Some(step) = play.next() {
        let edits = play.model.messages.iter().map(|message| message.edit).collect::<Vec<_>>();
        let answer = play.model.step(step);
        let given = real.step(step, &play.model, &edits).await;
        play.done.push(format!("{step:?} -> {given:?}"));
        assert_eq!(given, answer, "schedule {seed}, the last of these; the model's answer is right:\n{:#?}", play.done);
        play.note(step, answer);
    }
    let (rows, expected) = (real.rows().await, crate::rows::of(&play.model));
    assert_eq!(rows, expected, "schedule {seed}, left; the model's rows are right:\n{:#?}", play.done);
    real.seq = play.model.seq;
    play.end()
}

struct Play {
    seed: u64,
    chance: Chance,
    model: Model,
    history: History,
    done: Vec<String>,
    left: usize,
    fair: usize,
    steps: usize,
    /// A call whose answer got lost.
    again: Option<Step>,
    /// What the worker of the fair steps does next.
    work: VecDeque<Step>,
    /// The leases that workers believe to have; nobody tells them otherwise.
    leases: Vec<Lease>,
}

impl Play {
    fn of(seed: u64, seq: i64) -> Self {
        let mut chance = Chance::of(seed);
        let left = 6 + chance.below(16);
        // Most of a short schedule would otherwise be about nothing.
        let work = match chance.below(8) {
            0 => VecDeque::new(),
            1 => VecDeque::from([Step::Create(0), Step::Upload(0, 1)]),
            2 => VecDeque::from([Step::Create(0), Step::Send(0), Step::Upload(0, 1), Step::Claim(0, 1)]),
            3 => VecDeque::from([
                Step::Create(0),
                Step::Upload(0, 1),
                Step::Send(0),
                Step::Send(0),
                Step::DeleteMessage(0),
                Step::Ages(0),
            ]),
            4 => VecDeque::from([
                Step::Create(0),
                Step::Send(0),
                Step::Upload(0, 1),
                Step::Claim(0, 1),
                Step::Discard(0),
                Step::Retry(0),
            ]),
            5 => VecDeque::from([Step::Create(0), Step::Send(0), Step::Refuse(0, Reason::UnsupportedType)]),
            6 => VecDeque::from([
                Step::Create(1),
                Step::Upload(1, 1),
                Step::Discard(1),
                Step::Register { object: 1, name: 1, version: 1, altered: false, lease: None },
                Step::Retry(1),
            ]),
            _ => VecDeque::from([Step::Create(0), Step::Create(1), Step::Upload(0, 1), Step::Upload(1, 1)]),
        };
        let (model, history) = (Model::after(seq), History::default());
        let (done, leases) = (Vec::new(), Vec::new());
        Self { seed, chance, model, history, done, left, fair: 0, steps: 0, again: None, work, leases }
    }

    fn next(&mut self) -> Option<Step> {
        if let Some(step) = self.again.take().or_else(|| self.work.pop_front()) {
            return Some(step);
        }
        if self.left > 0 {
            self.left -= 1;
            return Some(self.random());
        }
        self.fair += 1;
        assert!(self.fair < FAIR_MAX, "schedule {} does not settle: {:?}", self.seed, self.model);
        self.fair_step()
    }

    fn note(&mut self, step: Step, answer: Answer) {
        self.steps += 1;
        let is_lost = self.left > 0 && !matches!(step, Step::Create(_)) && self.chance.percent(12);
        if is_lost {
            self.again = Some(step);
        } else if let (Step::Claim(job, engine), Answer::Claimed { fence, missing }) = (step, &answer) {
            let lease = Lease { job, fence: *fence };
            self.leases.push(lease);
            if self.left == 0 {
                let register = |name: &usize| Step::Register {
                    object: job,
                    name: *name,
                    version: engine,
                    altered: false,
                    lease: Some(lease),
                };
                self.work.extend(missing.iter().map(register));
                self.work.push_back(Step::Finish(lease, Verdict::Done));
            }
        }
        self.history.note(step, answer);
    }

    fn end(self) -> usize {
        self.history.judge(&self.model);
        self.steps
    }

    fn random(&mut self) -> Step {
        let object = self.chance.below(OBJECTS);
        match self.chance.below(112) {
            0..5 if self.model.media[object].is_none() && self.model.jobs[object].is_none() => self.create(object),
            0..10 => Step::Upload(object, self.chance.one_of(&[1, 2])),
            10..12 => Step::Refuse(object, self.chance.one_of(&[Reason::UnsupportedType, Reason::TooLarge])),
            12..16 => Step::Send(object),
            16..21 => Step::DeleteMessage(self.chance.below(3)),
            21..23 => Step::RestoreMessage(self.chance.below(3)),
            23 => Step::DeleteRoom,
            24 => Step::SweepRoom,
            25..42 => Step::Claim(object, self.chance.one_of(&[1, 1, 2])),
            42..46 => self.under_a_lease(Step::Heartbeat),
            46..60 => self.register(object),
            60..72 => self.finish(),
            72..76 => Step::Dispatch,
            76..82 => Step::Reap,
            82..84 => Step::Expire,
            84..86 => Step::Release,
            86 => Step::ForgetMessages,
            87 => Step::Forget(object),
            88..93 => Step::LeaseEnds(object),
            93..96 => Step::RestEnds(object),
            96 => Step::HandleEnds(object),
            97 => Step::HintIsLost(object),
            98..100 => Step::Ages(object),
            100..104 => Step::Retry(object),
            104..106 => Step::Discard(object),
            106..108 => Step::PauseLane,
            108..110 => Step::ResumeLane,
            _ => Step::Purge(object),
        }
    }

    /// Ids are not used again, so there is one of each number in a schedule.
    fn create(&mut self, object: Object) -> Step {
        if self.history.has(Step::Create(object)) { Step::Dispatch } else { Step::Create(object) }
    }

    fn under_a_lease(&mut self, step: impl FnOnce(Lease) -> Step) -> Step {
        match self.leases.len() {
            0 => Step::Reap,
            some => step(self.leases[self.chance.below(some)]),
        }
    }

    fn register(&mut self, object: Object) -> Step {
        let (version, altered) = (self.chance.one_of(&[1, 1, 1, 2, 3]), self.chance.percent(6));
        let place = self.chance.below(4);
        let without = self.chance.percent(20);
        if without {
            let name = 1 + place % specs(object).count();
            return Step::Register { object, name, version, altered, lease: None };
        }
        self.under_a_lease(|lease| {
            let name = 1 + place % specs(lease.job).count();
            Step::Register { object: lease.job, name, version, altered, lease: Some(lease) }
        })
    }

    fn finish(&mut self) -> Step {
        let verdict = match self.chance.below(10) {
            0..4 => Verdict::Done,
            4..6 => Verdict::Retry { reason: Reason::StoreUnavailable },
            6..8 => Verdict::Retry { reason: Reason::ChildDied },
            8 => {
                let reason = self.chance.one_of(&[None, Some(Reason::StoreUnavailable)]);
                Verdict::Snooze { after_ms: self.chance.one_of(&[0, 60_000]), reason }
            }
            _ => Verdict::Discard { reason: Reason::Damaged },
        };
        self.under_a_lease(|lease| Step::Finish(lease, verdict))
    }

    /// What is still to be done, as coordinators and a worker that live do it.
    fn fair_step(&mut self) -> Option<Step> {
        if self.model.room == Room::Deleted {
            return Some(Step::SweepRoom);
        }
        if self.model.paused {
            return Some(Step::ResumeLane);
        }
        (0..OBJECTS).find_map(|object| {
            if let Some(media) = self.model.live(object).filter(|media| media.state == MediaState::Created) {
                return Some(if media.expired { Step::Expire } else { Step::HandleEnds(object) });
            }
            let job = self.model.jobs[object].as_ref()?;
            match job.state {
                JobState::Running if job.lease_ended => Some(Step::Reap),
                JobState::Running => Some(Step::LeaseEnds(object)),
                JobState::Pending if job.rests => Some(Step::RestEnds(object)),
                JobState::Pending if !job.told => Some(Step::Dispatch),
                JobState::Pending => Some(Step::Claim(object, 3)),
                JobState::Done | JobState::Failed => None,
            }
        })
    }
}
