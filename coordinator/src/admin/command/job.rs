//! `heim-coordinator admin job …`

use super::CommandError;
use crate::admin::{
    Tools,
    job::{Steer, Which, steer},
    said::{Said, at, counted, json, lasting, or_dash, table},
};
use clap::{Args, Subcommand};
use heim_common::{
    JobId, MediaId, RoomName,
    job::{JobState, Lane, Reason},
};
use heim_db::{AttemptRow, JobFilter, JobHistory, JobRow};
use serde_json::json;

/// `admin job …`
#[derive(Clone, Debug, Subcommand)]
pub enum JobCommand {
    /// Lists jobs, the newest first.
    List {
        #[command(flatten)]
        filter: FilterArguments,
        /// Only those before this one: the last of the page before.
        #[arg(long)]
        before: Option<JobId>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
        limit: u64,
    },
    /// Shows a job: all attempts, where, how long, and what went wrong.
    Show {
        /// Which.
        #[arg(required_unless_present = "media")]
        job: Option<JobId>,
        /// That on this media object.
        #[arg(long, conflicts_with = "job")]
        media: Option<MediaId>,
    },
    /// Tries a job again that has failed, or rests; or all of these that match.
    Retry {
        #[command(flatten)]
        which: WhichArguments,
    },
    /// Gives up a job that waits or runs; or all of these that match.
    Discard {
        #[command(flatten)]
        which: WhichArguments,
    },
    /// Removes the row of a job that has ended; or all of these that match. Its picture
    /// stays as it is.
    Forget {
        #[command(flatten)]
        which: WhichArguments,
    },
}

/// Which jobs: those of which all is true that is said.
#[derive(Clone, Debug, Default, Args)]
pub struct FilterArguments {
    /// `pending`, `running`, `done` or `failed`.
    #[arg(long)]
    state: Option<JobState>,
    /// `interactive`, `bulk` or `backfill`.
    #[arg(long)]
    lane: Option<Lane>,
    /// In this room.
    #[arg(long)]
    room: Option<RoomName>,
    /// On this media object.
    #[arg(long)]
    media: Option<MediaId>,
    /// Whose last failure was this, as `poison`.
    #[arg(long)]
    reason: Option<Reason>,
    /// That this worker has had.
    #[arg(long)]
    worker: Option<String>,
}

impl From<FilterArguments> for JobFilter {
    fn from(arguments: FilterArguments) -> Self {
        let FilterArguments { state, lane, room, media, reason, worker } = arguments;
        Self { state, lane, room, media, reason, worker }
    }
}

/// One job, or all that match.
#[derive(Clone, Debug, Args)]
pub struct WhichArguments {
    /// Which.
    job: Option<JobId>,
    #[command(flatten)]
    filter: FilterArguments,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Says what would be done.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(command: JobCommand, tools: Tools<'_>) -> Result<Said, CommandError> {
    match command {
        JobCommand::List { filter, before, limit } => list(tools, &filter.into(), before, limit).await,
        JobCommand::Show { job, media } => show(tools, job, media).await,
        JobCommand::Retry { which } => carry_out(tools, Steer::Retry, which).await,
        JobCommand::Discard { which } => carry_out(tools, Steer::Discard, which).await,
        JobCommand::Forget { which } => carry_out(tools, Steer::Forget, which).await,
    }
}

async fn carry_out(tools: Tools<'_>, what: Steer, which: WhichArguments) -> Result<Said, CommandError> {
    let WhichArguments { job, filter, all, dry_run } = which;
    let filter = JobFilter::from(filter);
    let which = match (job, filter == JobFilter::default(), all) {
        (Some(job), true, false) => Which::One(job),
        (None, false, false) | (None, true, true) => Which::All(filter),
        (None, true, false) => {
            return Err(CommandError::Refused("say which job, what to match, or --all".to_owned()));
        }
        _ => return Err(CommandError::Refused("say one job, or what to match, or --all".to_owned())),
    };
    let jobs = steer(tools, what, &which, dry_run).await?;
    let verb = match (what, dry_run) {
        (Steer::Retry, false) => "tried again",
        (Steer::Retry, true) => "would be tried again",
        (Steer::Discard, false) => "given up",
        (Steer::Discard, true) => "would be given up",
        (Steer::Forget, false) => "forgotten",
        (Steer::Forget, true) => "would be forgotten",
    };
    let text = counted(&jobs, &format!("jobs {verb}"));
    Ok(Said::new(text, json!({ "dry_run": dry_run, "jobs": jobs, "count": jobs.len() })))
}

async fn list(tools: Tools<'_>, filter: &JobFilter, before: Option<JobId>, limit: u64) -> Result<Said, CommandError> {
    let (jobs, now) = (tools.db.jobs_page(filter, before, limit).await?, tools.db.now().await?);
    let row = |job: &JobRow| {
        [
            job.id.to_string(),
            if job.rests { "rests".to_owned() } else { job.state.clone() },
            job.lane.clone(),
            job.room.clone(),
            job.media.to_string(),
            lasting(now.0 - job.created.0),
            job.fence.to_string(),
            or_dash(job.reason.as_ref()),
            or_dash(job.worker.as_ref()),
        ]
    };
    let rows: Vec<_> = jobs.iter().map(row).collect();
    let headings = ["job", "state", "lane", "room", "media object", "age", "fence", "reason", "worker"];
    let next = jobs.last().filter(|_| jobs.len() as u64 == limit).map(|job| job.id);
    let more = next.map(|next| format!("there may be more: --before {next}\n"));
    let text = table(headings, &rows) + more.as_deref().unwrap_or_default();
    Ok(Said::new(text, json!({ "jobs": json(&jobs), "next": next })))
}

async fn show(tools: Tools<'_>, job: Option<JobId>, media: Option<MediaId>) -> Result<Said, CommandError> {
    let unknown = || CommandError::Refused("there is no such job; rows of jobs that ended are kept for a while".into());
    let job = match (job, media) {
        (Some(job), _) => Some(job),
        (None, Some(media)) => tools.db.job_of(media).await?,
        (None, None) => None,
    };
    let history = tools.db.job_history(job.ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
    let JobHistory { job, attempts, media } = &history;
    let media = media.as_ref().map(|media| {
        json!({
            "id": media.id,
            "state": media.state,
            "failure": media.failure.map(Reason::as_str),
            "agent": media.uploader.id,
            "content_type": media.content_type.as_ref().filter(|_| media.encryption.is_none()),
            "size": media.size,
            "private": media.encryption.is_some(),
            "transcodings": media.transcodings.iter().map(|made| made.name.as_str()).collect::<Vec<_>>(),
        })
    });
    let json = json!({ "job": json(job), "attempts": json(attempts), "media": media });
    Ok(Said::new(in_words(&history), json))
}

fn in_words(history: &JobHistory) -> String {
    let JobHistory { job, attempts, media } = history;
    let JobRow { id, lane, room, state, reason, failures, deaths, snoozes, created, .. } = job;
    let because = reason.as_ref().map_or_else(String::new, |reason| format!(" because of {reason}"));
    let of = media.as_ref().map_or_else(
        || "is given up".to_owned(),
        |media| {
            let names: Vec<_> = media.transcodings.iter().map(|made| made.name.as_str()).collect();
            format!("of {} is {}: {}", media.uploader.id, media.state.as_str(), names.join(", "))
        },
    );
    let rows: Vec<_> = attempts.iter().map(attempt).collect();
    let headings = ["claim", "worker", "began", "waited", "took", "verdict", "reason", "stages"];
    let mut parts = vec![
        format!("job {id} in {lane}: {state}{because}\n"),
        format!("made at {}; {failures} failures, {deaths} deaths, {snoozes} snoozes\n", at(*created)),
        format!("media object {} in {room} {of}\n", job.media),
        table(headings, &rows),
    ];
    let error = |attempt: &AttemptRow| {
        let AttemptRow { fence, error, .. } = attempt;
        error.as_ref().map(|error| format!("claim {fence}: {error}\n"))
    };
    parts.extend(attempts.iter().filter_map(error));
    parts.concat()
}

fn attempt(attempt: &AttemptRow) -> [String; 8] {
    let AttemptRow { fence, worker, waited_ms, began, ended, verdict, reason, error: _, stages_ms } = attempt;
    let (unsaid, is_held) = (if ended.is_some() { "cut short" } else { "runs" }, !worker.is_empty());
    let stages: Vec<_> = stages_ms.iter().map(|(stage, ms)| format!("{stage} {ms}")).collect();
    [
        or_dash(is_held.then_some(fence)),
        or_dash(is_held.then_some(worker)),
        at(*began),
        lasting(*waited_ms),
        or_dash(ended.filter(|_| is_held).map(|ended| lasting(ended.0 - began.0))),
        verdict.as_deref().unwrap_or(unsaid).to_owned(),
        or_dash(reason.as_ref()),
        stages.join(", "),
    ]
}
