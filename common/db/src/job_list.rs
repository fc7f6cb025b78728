//! Jobs as operators look for them, and the whole history of one.
//!
//! Words are given as they are in the rows: what a later release wrote is shown, too.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::{
        attempt, job,
        job::{Column, Entity},
    },
    error::DbError,
    media,
};
use heim_common::{
    JobId, MediaId, Millis, RoomName,
    job::{JobState, Lane, Reason},
    media::MediaObject,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most attempts of one job that are shown, the newest.
const ATTEMPTS_MAX: u64 = 200;

/// Which jobs; those of which all is true that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<JobState>,
    /// In this lane.
    pub lane: Option<Lane>,
    /// In this room.
    pub room: Option<RoomName>,
    /// On this media object.
    pub media: Option<MediaId>,
    /// Whose last failure was this.
    pub reason: Option<Reason>,
    /// That this worker has had.
    pub worker: Option<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// Where it waits.
    pub lane: String,
    /// Its media object's room.
    pub room: String,
    /// Its media object.
    pub media: MediaId,
    /// Where it is in its life.
    pub state: String,
    /// How often it was claimed, or given up while nobody held it.
    pub fence: i64,
    /// Attempts that ended badly.
    pub failures: i64,
    /// Pixel children that died of it.
    pub deaths: i64,
    /// How often it was put off since something is away.
    pub snoozes: i64,
    /// Who has it, or had it last.
    pub worker: Option<String>,
    /// What went wrong last.
    pub reason: Option<String>,
    /// When it was made.
    pub created: Millis,
    /// From when on it may be claimed.
    pub run_after: Millis,
    /// Whether it rests until then.
    pub rests: bool,
    /// When its worker is taken for lost.
    pub lease_until: Option<Millis>,
    /// When it ended.
    pub finished: Option<Millis>,
}

/// An attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptRow {
    /// Which claim of the job.
    pub fence: i64,
    /// By whom; empty where the job was given up while nobody held it.
    pub worker: String,
    /// How long the job might have been claimed before, in milliseconds.
    pub waited_ms: i64,
    /// When.
    pub began: Millis,
    /// Until when; missing where it runs.
    pub ended: Option<Millis>,
    /// How it ended; missing where it runs, or was cut short.
    pub verdict: Option<String>,
    /// Why, if not well.
    pub reason: Option<String>,
    /// What went wrong, as its worker says.
    pub error: Option<String>,
    /// What each stage took, in milliseconds.
    pub stages_ms: BTreeMap<String, u64>,
}

/// All that is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobHistory {
    /// The job.
    pub job: JobRow,
    /// Its attempts, the first one first; of many, the newest.
    pub attempts: Vec<AttemptRow>,
    /// What it works on, if that is not given up.
    pub media: Option<MediaObject>,
}

impl Database {
    /// At most `limit` jobs, the newest first, before a certain one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_page(
        &self,
        filter: &JobFilter,
        before: Option<JobId>,
        limit: u64,
    ) -> Result<Vec<JobRow>, DbError> {
        let mut query = chosen(filter).order_by_desc(Column::Id).limit(limit);
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(before.as_i64()));
        }
        let rows = self.read(DbError::Inspect, async { Ok(query.all(&self.pool).await?) }).await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// All that is known of a job.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_history(&self, id: JobId) -> Result<Option<JobHistory>, DbError> {
        self.read(DbError::Inspect, async {
            let Some(job) = Entity::find_by_id(id.as_i64()).one(&self.pool).await? else { return Ok(None) };
            let attempts = attempt::Entity::find().filter(attempt::Column::Job.eq(job.id));
            let attempts = attempts.order_by_desc(attempt::Column::Fence).limit(ATTEMPTS_MAX).all(&self.pool).await?;
            let media = media::by_ids(&self.pool, &[job.media_id]).await?.pop();
            let attempts = attempts.into_iter().rev().map(read).collect::<Result<_, _>>()?;
            Ok(Some(JobHistory { job: row(job), attempts, media }))
        })
        .await
    }

    /// How many jobs have failed for one of these reasons.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_failed(&self, reasons: &[Reason]) -> Result<u64, DbError> {
        // `SQLite` would pass over all that have failed.
        let by_reason = match self.backend() {
            DbBackend::Sqlite => "job INDEXED BY idx_job_reason",
            _ => "job",
        };
        let words: Vec<_> = reasons.iter().map(|reason| format!("'{}'", reason.as_str())).collect();
        let words = words.join(", ");
        let sql = format!("SELECT count(*) AS jobs FROM {by_reason} WHERE state = 'failed' AND reason IN ({words})");
        self.read(DbError::Inspect, async {
            let row = self.pool.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
            Ok(row.map_or(Ok(0), |row| row.try_get::<i64>("", "jobs"))?.unsigned_abs())
        })
        .await
    }

    /// The job on a media object, as long as its row is there.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_of(&self, media: MediaId) -> Result<Option<JobId>, DbError> {
        let filter = JobFilter { media: Some(media), ..JobFilter::default() };
        Ok(self.jobs_page(&filter, None, 1).await?.pop().map(|job| job.id))
    }
}

fn chosen(filter: &JobFilter) -> sea_orm::Select<Entity> {
    let JobFilter { state, lane, room, media, reason, worker } = filter;
    let mut query = Entity::find();
    // The index begins with state and lane: whoever asks for a room names all of them.
    match (state, room) {
        (Some(state), _) => query = query.filter(Column::State.eq(state.as_str())),
        (None, Some(_)) => query = query.filter(Column::State.is_in(JobState::ALL.iter().map(|state| state.as_str()))),
        (None, None) => {}
    }
    match (lane, room) {
        (Some(lane), _) => query = query.filter(Column::Lane.eq(lane.as_str())),
        (None, Some(_)) => query = query.filter(Column::Lane.is_in(Lane::ALL.iter().map(|lane| lane.as_str()))),
        (None, None) => {}
    }
    if let Some(room) = room {
        query = query.filter(Column::Room.eq(room.as_str()));
    }
    if let Some(media) = media {
        query = query.filter(Column::MediaId.eq(media.as_i64()));
    }
    if let Some(reason) = reason {
        query = query.filter(Column::Reason.eq(reason.as_str()));
    }
    if let Some(worker) = worker {
        let had = attempt::Entity::find().select_only().column(attempt::Column::Job);
        let had = had.filter(attempt::Column::Worker.eq(worker.as_str())).into_query();
        query = query.filter(Column::Id.in_subquery(had));
    }
    query
}

fn row(job: job::Model) -> JobRow {
    let job::Model {
        id,
        kind,
        lane,
        room,
        media_id,
        transcodings: _,
        state,
        fence,
        failures,
        deaths,
        engine: _,
        worker,
        lease_until,
        run_after,
        rests_until,
        dispatched: _,
        reason,
        created,
        finished,
        snoozes,
        away_since: _,
        claim_nonce: _,
        trace: _,
    } = job;
    JobRow {
        id: JobId::from_i64(id),
        kind,
        lane,
        room,
        media: MediaId::from_i64(media_id),
        state,
        fence,
        failures,
        deaths,
        snoozes,
        worker,
        reason,
        created: Millis(created),
        run_after: Millis(run_after),
        rests: rests_until.is_some(),
        lease_until: lease_until.map(Millis),
        finished: finished.map(Millis),
    }
}

fn read(attempt: attempt::Model) -> Result<AttemptRow, Cause> {
    let attempt::Model {
        job: _,
        fence,
        media_id: _,
        room: _,
        lane: _,
        worker,
        began,
        waited,
        ended,
        verdict,
        reason,
        error,
        stages,
    } = attempt;
    let stages = stages.map(|text| serde_json::from_str(&text)).transpose();
    Ok(AttemptRow {
        fence,
        worker,
        waited_ms: waited.max(0),
        began: Millis(began),
        ended: ended.map(Millis),
        verdict,
        reason,
        error,
        stages_ms: stages.map_err(|_| column::of("attempt", "stages").unreadable())?.unwrap_or_default(),
    })
}
