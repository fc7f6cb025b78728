//! Jobs as the API shows them.

use super::words;
use heim_common::{
    JobId, MediaId, UserId,
    job::Reason,
    media::{MediaObject, MediaState},
    spec::TranscodingName,
};
use heim_db::{AttemptRow, JobHistory, JobRow};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A job.
#[derive(Serialize, ToSchema)]
pub(super) struct Job {
    #[schema(value_type = words::JobId)]
    id: JobId,
    /// What kind of work: `transcode`.
    kind: String,
    #[schema(value_type = words::Lane)]
    lane: String,
    #[schema(value_type = words::RoomName)]
    room: String,
    #[schema(value_type = words::MediaId)]
    media: MediaId,
    #[schema(value_type = words::State)]
    state: String,
    /// How often it was claimed, or given up while nobody held it.
    fence: i64,
    /// Attempts that ended badly.
    failures: i64,
    /// Pixel children that died of it.
    deaths: i64,
    /// How often it was put off since something is away.
    snoozes: i64,
    /// Who has it, or had it last.
    worker: Option<String>,
    /// What went wrong last.
    #[schema(value_type = Option<words::Reason>)]
    reason: Option<String>,
    /// When it was made, in Unix milliseconds.
    created: i64,
    /// From when on it may be claimed, in Unix milliseconds.
    run_after: i64,
    /// Whether it rests until then.
    rests: bool,
    /// When its worker is taken for lost, in Unix milliseconds.
    lease_until: Option<i64>,
    /// When it ended, in Unix milliseconds.
    finished: Option<i64>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        let JobRow {
            id,
            kind,
            lane,
            room,
            media,
            state,
            fence,
            failures,
            deaths,
            snoozes,
            worker,
            reason,
            created,
            run_after,
            rests,
            lease_until,
            finished,
        } = row;
        Self {
            id,
            kind,
            lane,
            room,
            media,
            state,
            fence,
            failures,
            deaths,
            snoozes,
            worker,
            reason,
            created: created.0,
            run_after: run_after.0,
            rests,
            lease_until: lease_until.map(|at| at.0),
            finished: finished.map(|at| at.0),
        }
    }
}

/// An attempt at a job.
#[derive(Serialize, ToSchema)]
struct Attempt {
    /// Which claim of the job.
    fence: i64,
    /// By whom; empty where the job was given up while nobody held it.
    worker: String,
    /// How long the job might have been claimed before, in milliseconds.
    waited_ms: i64,
    /// When, in Unix milliseconds.
    began: i64,
    /// Until when, in Unix milliseconds; `null` where it runs.
    ended: Option<i64>,
    /// How it ended: `done`, `retry`, `snooze` or `discard`; `null` where it runs, or was
    /// cut short.
    verdict: Option<String>,
    #[schema(value_type = Option<words::Reason>)]
    reason: Option<String>,
    /// What went wrong, as its worker says, in at most 1,000 bytes; of a private picture
    /// no more than the reason.
    error: Option<String>,
    /// What each stage took, in milliseconds.
    stages_ms: BTreeMap<String, u64>,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        let AttemptRow { fence, worker, waited_ms, began, ended, verdict, reason, error, stages_ms } = row;
        let ended = ended.map(|at| at.0);
        Self { fence, worker, waited_ms, began: began.0, ended, verdict, reason, error, stages_ms }
    }
}

/// What a job works on.
#[derive(Serialize, ToSchema)]
struct JobMedia {
    #[schema(value_type = words::MediaId)]
    id: MediaId,
    #[schema(value_type = words::MediaState)]
    state: MediaState,
    /// Why it failed.
    #[schema(value_type = Option<words::Reason>)]
    failure: Option<&'static str>,
    /// Who uploaded it.
    #[schema(value_type = words::AgentId)]
    agent: UserId,
    /// `null` of a private picture.
    content_type: Option<String>,
    /// Bytes of the original.
    size: Option<u64>,
    /// Whether its room is private.
    private: bool,
    /// What is there of it.
    #[schema(value_type = Vec<words::TranscodingName>)]
    transcodings: Vec<TranscodingName>,
}

impl From<MediaObject> for JobMedia {
    fn from(media: MediaObject) -> Self {
        Self {
            id: media.id,
            state: media.state,
            failure: media.failure.map(Reason::as_str),
            agent: media.uploader.id,
            content_type: media.content_type.filter(|_| media.encryption.is_none()),
            size: media.size,
            private: media.encryption.is_some(),
            transcodings: media.transcodings.into_iter().map(|made| made.name).collect(),
        }
    }
}

/// All that is known of a job.
#[derive(Serialize, ToSchema)]
pub(super) struct History {
    job: Job,
    /// Its attempts, the first one first; of many, the newest.
    attempts: Vec<Attempt>,
    /// What it works on; `null` where that is given up.
    media: Option<JobMedia>,
}

impl From<JobHistory> for History {
    fn from(history: JobHistory) -> Self {
        let JobHistory { job, attempts, media } = history;
        let attempts = attempts.into_iter().map(Into::into).collect();
        Self { job: job.into(), attempts, media: media.map(Into::into) }
    }
}
