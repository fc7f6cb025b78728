//! Which jobs to tell the transport about, and how many there are.
//!
//! A pending job is in one of three groups, each with an index of its own, so
//! that no call passes over rows of another group:
//!
//! | group | `dispatched` | `rests_until` | leaves it |
//! |---|---|---|---|
//! | waiting | null | null | [`Database::jobs_choose`] tells the transport |
//! | told | when | | a claim; [`Database::jobs_retell`], if the transport lost it |
//! | resting | null | `run_after` | [`Database::jobs_rested`], when that has come |
//!
//! A choice looks at as many rooms as it may choose jobs, and goes on from there
//! the next time: what it costs does not depend on how many rows or rooms wait.

use crate::{
    cause::Cause,
    clock,
    database::Database,
    entity::job::{Column, Entity},
    error::DbError,
    transaction::transact,
};
use heim_common::{
    JobId,
    job::{JobState, Lane},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect, Statement,
    sea_query::{Expr, LockBehavior, LockType},
};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// Most jobs of one lane that one call chooses or brings back.
const CHOSEN_MAX: u64 = 1_024;

/// How many jobs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Wait for a worker.
    pub pending: u64,
    /// Are held by a worker.
    pub running: u64,
    /// Are done.
    pub done: u64,
    /// Have failed for good.
    pub failed: u64,
}

/// How far the choice of each lane has come in its way around the rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursors(BTreeMap<Lane, String>);

/// Jobs that the transport is to be told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Those of each lane, in order.
    pub jobs: BTreeMap<Lane, Vec<JobId>>,
    /// From where the next choice goes on.
    pub next: Cursors,
    /// Whether a lane gave all that was asked for, so that more may wait in it.
    pub more: bool,
}

impl Choice {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.values().all(Vec::is_empty)
    }
}

impl Database {
    /// Waiting jobs, at most as many of each lane as is said; they count as told
    /// from now on. Within a lane one of each room, then the second of each, and so
    /// on, and the rooms take turns from call to call, so that no room waits for the
    /// backlog of another.
    ///
    /// Coordinators that ask at once get different jobs.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_choose(&self, wanted: &BTreeMap<Lane, usize>, from: &Cursors) -> Result<Choice, DbError> {
        transact!(self, DbError::Dispatch, async |tx| {
            let mut choice = Choice { next: from.clone(), ..Choice::default() };
            for (&lane, &limit) in wanted {
                let limit = Ord::min(limit as u64, CHOSEN_MAX);
                let after = from.0.get(&lane).map_or("", String::as_str);
                let rooms = rooms(tx, lane, limit, after).await?;
                let Some(last) = rooms.last() else { continue };
                choice.next.0.insert(lane, last.clone());
                let candidates = candidates(tx, lane, limit, &rooms).await?;
                choice.more |= candidates.len() as u64 == limit;
                let taken = take(tx, &candidates).await?;
                let in_order = candidates.into_iter().filter(|id| taken.contains(id));
                choice.jobs.insert(lane, in_order.map(JobId::from_i64).collect());
            }
            Ok(choice)
        })
    }

    /// Takes back that the transport was told of these: it did not listen.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_untell(&self, jobs: &[JobId]) -> Result<(), DbError> {
        transact!(self, DbError::Dispatch, async |tx| {
            let ids = jobs.iter().map(|job| job.as_i64());
            untell(tx, ids).await
        })
    }

    /// Jobs of a lane that the transport must have lost wait again: of those that it
    /// was told of, more than `waiting` are not claimed, and the oldest ones not for
    /// `stale`. Returns how many.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_retell(&self, lane: Lane, waiting: usize, stale: Duration) -> Result<u64, DbError> {
        let told = self
            .read(DbError::Dispatch, async {
                let told = TOLD.rows(self.backend());
                let sql = format!("SELECT count(*) AS told FROM {told} AND job.lane = $1");
                let count = Statement::from_sql_and_values(self.backend(), sql, [lane.as_str().into()]);
                let row = self.pool.query_one_raw(count).await?;
                Ok(row.map_or(Ok(0), |row| row.try_get::<i64>("", "told"))?.unsigned_abs())
            })
            .await?;
        let lost = told.saturating_sub(waiting as u64).min(CHOSEN_MAX);
        if lost == 0 {
            return Ok(0);
        }
        transact!(self, DbError::Dispatch, async |tx| {
            let backend = tx.get_database_backend();
            let now = clock::sql(backend);
            let sql = format!(
                "SELECT job.id AS id FROM {} AND job.lane = $1 AND job.dispatched < {now} - $2
                 ORDER BY job.dispatched LIMIT $3 {}",
                TOLD.rows(backend),
                skip_locked(backend)
            );
            let lost = i64::try_from(lost).unwrap_or(i64::MAX);
            let values = [lane.as_str().into(), clock::millis(stale).into(), lost.into()];
            let rows = tx.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
            let ids = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<i64>, _>>()?;
            untell(tx, ids.iter().copied()).await?;
            Ok(ids.len() as u64)
        })
    }

    /// Jobs that have rested wait again. Returns how long it is until the next one
    /// has, if one rests.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_rested(&self) -> Result<Option<Duration>, DbError> {
        let Some(next) = self.next_rested().await? else { return Ok(None) };
        if !next.is_zero() {
            return Ok(Some(next));
        }
        transact!(self, DbError::Dispatch, async |tx| {
            let backend = tx.get_database_backend();
            let now = clock::sql(backend);
            let sql = format!(
                "UPDATE job SET rests_until = NULL WHERE id IN (
                   SELECT job.id FROM {} AND job.rests_until <= {now}
                   ORDER BY job.rests_until LIMIT {CHOSEN_MAX} {})",
                RESTING.rows(backend),
                skip_locked(backend)
            );
            tx.execute_raw(Statement::from_string(backend, sql)).await?;
            Ok(())
        })?;
        self.next_rested().await
    }

    async fn next_rested(&self) -> Result<Option<Duration>, DbError> {
        self.read(DbError::Dispatch, async {
            let now = clock::sql(self.backend());
            let sql = format!("SELECT min(job.rests_until) - {now} AS rests FROM {}", RESTING.rows(self.backend()));
            let row = self.pool.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
            let rests = row.map_or(Ok(None), |row| row.try_get::<Option<i64>>("", "rests"))?;
            Ok(rests.map(|rests| Duration::from_millis(u64::try_from(rests).unwrap_or(0))))
        })
        .await
    }

    /// How many jobs are in each state.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_outstanding(&self) -> Result<JobCounts, DbError> {
        self.read(DbError::Dispatch, async {
            let query = Entity::find().select_only().column(Column::State).column_as(Column::Id.count(), "jobs");
            let rows: Vec<(String, i64)> = query.group_by(Column::State).into_tuple().all(&self.pool).await?;
            let count = |state: JobState| {
                let row = rows.iter().find(|(word, _)| word == state.as_str());
                row.map_or(0, |(_, jobs)| jobs.unsigned_abs())
            };
            Ok(JobCounts {
                pending: count(JobState::Pending),
                running: count(JobState::Running),
                done: count(JobState::Done),
                failed: count(JobState::Failed),
            })
        })
        .await
    }
}

/// A group of pending jobs: its index, and what that is of, in the same words.
struct Group {
    index: &'static str,
    of: &'static str,
}

const WAITING: Group = Group {
    index: "idx_job_waiting",
    of: "job.state = 'pending' AND job.dispatched IS NULL AND job.rests_until IS NULL",
};
const TOLD: Group = Group { index: "idx_job_told", of: "job.state = 'pending' AND job.dispatched IS NOT NULL" };
const RESTING: Group = Group { index: "idx_job_resting", of: "job.state = 'pending' AND job.rests_until IS NOT NULL" };

impl Group {
    /// What stands behind `FROM` for the jobs of this group alone.
    ///
    /// `SQLite` is told by which index: it does not know how many jobs are in which
    /// group, prefers the index over all states, and would pass over all that are
    /// pending.
    fn rows(&self, backend: DbBackend) -> String {
        let Self { index, of } = self;
        match backend {
            DbBackend::Sqlite => format!("job INDEXED BY {index} WHERE {of}"),
            _ => format!("job WHERE {of}"),
        }
    }
}

/// `SQLite` has one writer at a time and no such words.
fn skip_locked(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
        _ => "",
    }
}

/// At most `limit` rooms of a lane in which jobs wait: the next ones behind
/// `after`, and from the first one on when there are no more. The last one that
/// was seen is the last.
async fn rooms(tx: &DatabaseTransaction, lane: Lane, limit: u64, after: &str) -> Result<Vec<String>, Cause> {
    let mut rooms = walk(tx, lane, limit, after).await?;
    if !after.is_empty() && (rooms.len() as u64) < limit {
        let seen: HashSet<_> = rooms.iter().cloned().collect();
        let around = walk(tx, lane, limit - rooms.len() as u64, "").await?;
        rooms.extend(around.into_iter().filter(|room| !seen.contains(room)));
    }
    Ok(rooms)
}

/// A jump from each room to the next through the index: a backlog of a million
/// jobs in few rooms costs nothing.
async fn walk(tx: &DatabaseTransaction, lane: Lane, limit: u64, after: &str) -> Result<Vec<String>, Cause> {
    let waiting = WAITING.rows(tx.get_database_backend());
    let next = |after| format!("(SELECT min(job.room) FROM {waiting} AND job.lane = $1 AND job.room > {after})");
    let sql = format!(
        "WITH RECURSIVE walked(room, steps) AS (
           SELECT {}, 1
           UNION ALL
           SELECT {}, walked.steps + 1 FROM walked WHERE walked.room IS NOT NULL AND walked.steps < $3
         ) SELECT room FROM walked WHERE room IS NOT NULL ORDER BY steps",
        next("$2"),
        next("walked.room"),
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [lane.as_str().into(), after.into(), limit.into()];
    let rows = tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(rows.iter().map(|row| row.try_get("", "room")).collect::<Result<_, _>>()?)
}

/// The jobs of these rooms to choose, in order. Nothing is locked yet.
///
/// Rooms that have few leave their part to those that have more: it is looked for
/// in strides that grow, so that all of it costs what the last stride does.
async fn candidates(tx: &DatabaseTransaction, lane: Lane, limit: u64, rooms: &[String]) -> Result<Vec<i64>, Cause> {
    const STRIDE: u64 = 4;
    let mut of_each = limit.div_ceil(rooms.len() as u64).max(1);
    loop {
        let heads = heads(tx, lane, of_each, rooms).await?;
        let is_short = heads.values().any(|ids| ids.len() as u64 == of_each) && of_each < limit;
        if is_short && (heads.values().map(Vec::len).sum::<usize>() as u64) < limit {
            of_each = limit.min(of_each * STRIDE);
            continue;
        }
        let turns = heads.into_values().flat_map(|ids| ids.into_iter().enumerate());
        let mut turns: Vec<(usize, i64)> = turns.collect();
        turns.sort_unstable();
        turns.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        return Ok(turns.into_iter().map(|(_, id)| id).collect());
    }
}

/// The first jobs of each of these rooms.
async fn heads(
    tx: &DatabaseTransaction,
    lane: Lane,
    of_each: u64,
    rooms: &[String],
) -> Result<BTreeMap<String, Vec<i64>>, Cause> {
    let backend = tx.get_database_backend();
    let waiting = WAITING.rows(backend);
    let first = |room| {
        format!(
            "SELECT job.id, job.room FROM {waiting} AND job.lane = $1 AND job.room = {room}
             ORDER BY job.id LIMIT $3"
        )
    };
    let sql = match backend {
        DbBackend::Postgres => format!(
            "SELECT head.id, head.room FROM json_array_elements_text(CAST($2 AS json)) AS walked(room)
             CROSS JOIN LATERAL ({}) AS head",
            first("walked.room")
        ),
        _ => format!(
            "SELECT head.id AS id, head.room AS room FROM json_each($2) AS walked
             JOIN job AS head ON head.id IN (SELECT id FROM ({}))",
            first("walked.value")
        ),
    };
    let rooms = serde_json::to_string(rooms).map_err(|_| Cause::unreadable("job", "room"))?;
    let of_each = i64::try_from(of_each).unwrap_or(i64::MAX);
    let values = [lane.as_str().into(), rooms.into(), of_each.into()];
    let rows = tx.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let mut heads: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in rows {
        heads.entry(row.try_get("", "room")?).or_default().push(row.try_get("", "id")?);
    }
    for ids in heads.values_mut() {
        ids.sort_unstable();
    }
    Ok(heads)
}

/// Notes that the transport is told of these, but for those which another
/// coordinator took in the meantime.
async fn take(tx: &DatabaseTransaction, ids: &[i64]) -> Result<HashSet<i64>, Cause> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let free: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(are_pending())
        .filter(Column::Dispatched.is_null())
        .filter(Column::RestsUntil.is_null())
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(tx)
        .await?;
    Entity::update_many()
        .col_expr(Column::Dispatched, clock::now(tx.get_database_backend()))
        .filter(Column::Id.is_in(free.iter().copied()))
        .exec(tx)
        .await?;
    Ok(free.into_iter().collect())
}

/// For jobs that are named by their ids, in words that no index knows: `SQLite` would
/// else look for the ids among all that are pending.
fn are_pending() -> Expr {
    Expr::cust("state || '' = 'pending'")
}

async fn untell(tx: &DatabaseTransaction, ids: impl Iterator<Item = i64>) -> Result<(), Cause> {
    Entity::update_many()
        .col_expr(Column::Dispatched, Expr::value(None::<i64>))
        .filter(Column::Id.is_in(ids))
        .filter(are_pending())
        .exec(tx)
        .await?;
    Ok(())
}
