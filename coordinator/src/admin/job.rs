//! Trying jobs again, giving them up, forgetting them: one, or all that a filter finds.

use super::Tools;
use crate::failure::Failure;
use heim_common::{
    JobId, RoomName,
    job::{JobState, Reason},
    problem::Code,
    room_event::News,
    spec::TranscodingName,
};
use heim_db::{Discarded, Forgotten, GivenUp, JobFilter, JobRow, Retried};

/// Jobs that are looked at in one go.
const BATCH: u64 = 256;

/// Which jobs are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// This one: where it cannot be done to it, that is an error.
    One(JobId),
    /// All of these to which it can be done.
    All(JobFilter),
}

/// What is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steer {
    /// They are tried again.
    Retry,
    /// They are given up.
    Discard,
    /// Their rows are removed.
    Forget,
}

impl Steer {
    /// As the audit has it.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Retry => "job retry",
            Self::Discard => "job discard",
            Self::Forget => "job forget",
        }
    }

    /// The states in which it can be done to a job.
    fn states(self) -> &'static [JobState] {
        match self {
            Self::Retry => &[JobState::Failed, JobState::Pending],
            Self::Discard => &[JobState::Pending, JobState::Running],
            Self::Forget => &[JobState::Done, JobState::Failed],
        }
    }

    /// Those that are meant where nobody says which.
    fn meant(self) -> &'static [JobState] {
        match self {
            Self::Retry => &[JobState::Failed],
            Self::Discard | Self::Forget => self.states(),
        }
    }

    fn can(self, job: &JobRow) -> bool {
        let is_one = self.states().iter().any(|state| state.as_str() == job.state);
        is_one && (self != Self::Retry || job.state != JobState::Pending.as_str() || job.rests)
    }

    fn refusal(self, job: JobId) -> Failure {
        let text = match self {
            Self::Retry => format!("job {job} has not failed, and does not rest"),
            Self::Discard => format!("job {job} has ended"),
            Self::Forget => format!("job {job} has not ended"),
        };
        Failure::with(Code::BadRequest, text)
    }
}

/// Does it, or says to which jobs it would be done; returns these.
pub(crate) async fn steer(tools: Tools<'_>, steer: Steer, which: &Which, dry_run: bool) -> Result<Vec<JobId>, Failure> {
    let subject = subject(which);
    let work = Box::pin(async {
        let done = match which {
            Which::One(job) => vec![one(tools, steer, *job, dry_run).await?],
            Which::All(filter) => all(tools, steer, filter, dry_run).await?,
        };
        let count = done.len() as u64;
        Ok((done, count))
    });
    tools.audited(steer.action(), &subject, dry_run, work).await
}

async fn one(tools: Tools<'_>, steer: Steer, job: JobId, dry_run: bool) -> Result<JobId, Failure> {
    let unknown = || Failure::with(Code::NotFound, format!("there is no job {job}"));
    let known = tools.db.job_history(job).await?.ok_or_else(unknown)?;
    if dry_run {
        return if steer.can(&known.job) { Ok(job) } else { Err(steer.refusal(job)) };
    }
    if Box::pin(carry_out(tools, steer, job)).await? { Ok(job) } else { Err(steer.refusal(job)) }
}

async fn all(tools: Tools<'_>, steer: Steer, filter: &JobFilter, dry_run: bool) -> Result<Vec<JobId>, Failure> {
    let mut done = Vec::new();
    let states: Vec<_> = match filter.state {
        Some(state) => steer.states().iter().copied().filter(|one| *one == state).collect(),
        None => steer.meant().to_vec(),
    };
    if states.is_empty() {
        let word = filter.state.map_or("", JobState::as_str);
        return Err(Failure::with(
            Code::BadRequest,
            format!("{} does nothing to jobs that are {word}", steer.action()),
        ));
    }
    for state in states {
        let filter = JobFilter { state: Some(state), ..filter.clone() };
        let mut before = None;
        loop {
            let some = tools.db.jobs_page(&filter, before, BATCH).await?;
            let Some(last) = some.last() else { break };
            before = Some(last.id);
            for job in some.into_iter().filter(|job| steer.can(job)) {
                // Somebody else may have been first.
                if dry_run || Box::pin(carry_out(tools, steer, job.id)).await? {
                    done.push(job.id);
                }
            }
        }
    }
    Ok(done)
}

/// False where it cannot be done to this job any more.
async fn carry_out(tools: Tools<'_>, steer: Steer, job: JobId) -> Result<bool, Failure> {
    match steer {
        Steer::Retry => match tools.db.job_retry(job).await? {
            Retried::Again { room, media, seq } => {
                tools.voice.ring();
                if let Some(seq) = seq {
                    let news = News::Media { seq, media, name: TranscodingName::original() };
                    tools.voice.tell(&room, news).await;
                }
                Ok(true)
            }
            Retried::Now => {
                tools.voice.ring();
                Ok(true)
            }
            Retried::NotFailed | Retried::NotFound => Ok(false),
        },
        Steer::Discard => match tools.db.job_discard(job).await? {
            Discarded::Now(given_up) => {
                announce(tools, given_up).await;
                Ok(true)
            }
            Discarded::Ended | Discarded::NotFound => Ok(false),
        },
        Steer::Forget => Ok(tools.db.job_forget(job).await? == Forgotten::Now),
    }
}

async fn announce(tools: Tools<'_>, given_up: GivenUp) {
    let GivenUp { job, room, media, reason, events } = given_up;
    tracing::warn!(%job, %media, reason = reason.as_str(), "job given up");
    tools.voice.gave_up(reason);
    for (name, seq) in events {
        tools.voice.tell(&room, News::Media { seq, media, name }).await;
    }
}

/// The jobs that are meant, in words.
fn subject(which: &Which) -> String {
    let JobFilter { state, lane, room, media, reason, worker } = match which {
        Which::One(job) => return job.to_string(),
        Which::All(filter) => filter,
    };
    let words = [
        state.map(|state| format!("state={}", state.as_str())),
        lane.map(|lane| format!("lane={}", lane.as_str())),
        room.as_ref().map(|room: &RoomName| format!("room={room}")),
        media.map(|media| format!("media={media}")),
        reason.map(|reason: Reason| format!("reason={}", reason.as_str())),
        worker.as_ref().map(|worker| format!("worker={worker}")),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    if words.is_empty() { "all".to_owned() } else { words.join(" ") }
}
