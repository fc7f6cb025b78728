//! Which jobs to tell the transport about, and how many there are.

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
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect,
    Statement,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use std::{collections::HashSet, time::Duration};

/// Most jobs that one call returns.
const DISPATCHED_MAX: u64 = 1_024;
/// About how many waiting jobs one lane's choice looks at.
const CANDIDATES_MAX: i64 = 65_536;

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

impl Database {
    /// Waiting jobs that the transport has not been told of, or so long ago that
    /// it must have lost them; they count as told from now on. Lane after lane;
    /// within a lane one of each room, then the second of each, and so on, so
    /// that no room waits for the backlog of another.
    ///
    /// Coordinators that ask at once get different jobs.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn jobs_due(&self, limit: u64, stale: Duration) -> Result<Vec<(JobId, Lane)>, DbError> {
        let limit = Ord::min(limit, DISPATCHED_MAX);
        transact!(self, DbError::Dispatch, async |tx| {
            let mut due = Vec::new();
            for &lane in Lane::ALL {
                let rest = limit.saturating_sub(due.len() as u64);
                if rest == 0 {
                    break;
                }
                let candidates = candidates(tx, lane, rest, stale).await?;
                let taken = take(tx, &candidates, stale).await?;
                let in_order = candidates.into_iter().filter(|id| taken.contains(id));
                due.extend(in_order.map(|id| (JobId::from_i64(id), lane)));
            }
            Ok(due)
        })
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

/// The rooms of a lane (`$1`) in which jobs wait. A jump from each to the next
/// through the index: a backlog of a million jobs in few rooms costs nothing.
const WAITING: &str = "WITH RECURSIVE waiting(room) AS (
    SELECT (SELECT min(job.room) FROM job WHERE job.state = 'pending' AND job.lane = $1)
    UNION ALL
    SELECT (SELECT min(job.room) FROM job WHERE job.state = 'pending' AND job.lane = $1 AND job.room > waiting.room)
    FROM waiting WHERE waiting.room IS NOT NULL)";

/// The jobs to choose, in order. Nothing is locked yet.
async fn candidates(tx: &DatabaseTransaction, lane: Lane, limit: u64, stale: Duration) -> Result<Vec<i64>, Cause> {
    let backend = tx.get_database_backend();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!("{WAITING} SELECT count(*) AS rooms FROM waiting WHERE room IS NOT NULL");
    let row = tx.query_one_raw(Statement::from_sql_and_values(backend, sql, [lane.as_str().into()])).await?;
    let rooms: i64 = row.map_or(Ok(0), |row| row.try_get("", "rooms"))?;
    if rooms == 0 {
        return Ok(Vec::new());
    }
    let of_each = (CANDIDATES_MAX / rooms).clamp(1, limit);

    let now = clock::sql(backend);
    let due = format!(
        "SELECT due.id FROM job AS due
         WHERE due.state = 'pending' AND due.lane = $1 AND due.room = waiting.room AND due.run_after <= {now}
           AND (due.dispatched IS NULL OR due.dispatched < {now} - $2)
         ORDER BY due.id LIMIT $3"
    );
    let of_rooms = match backend {
        DbBackend::Postgres => format!("waiting CROSS JOIN LATERAL ({due}) AS job"),
        _ => format!("waiting JOIN job ON job.id IN ({due})"),
    };
    let sql = format!(
        "{WAITING} SELECT id FROM (
           SELECT job.id AS id, row_number() OVER (PARTITION BY waiting.room ORDER BY job.id) AS turn FROM {of_rooms}
         ) AS ranked ORDER BY turn, id LIMIT $4"
    );
    let values = [lane.as_str().into(), clock::millis(stale).into(), of_each.into(), limit.into()];
    let rows = tx.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// Notes that the transport is told of these, but for those which another
/// coordinator took in the meantime.
async fn take(tx: &DatabaseTransaction, ids: &[i64], stale: Duration) -> Result<HashSet<i64>, Cause> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let backend = tx.get_database_backend();
    let untold = Condition::any()
        .add(Column::Dispatched.is_null())
        .add(Expr::col(Column::Dispatched).lt(clock::before(backend, stale)));
    let free: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::State.eq(JobState::Pending.as_str()))
        .filter(untold)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(tx)
        .await?;
    Entity::update_many()
        .col_expr(Column::Dispatched, clock::now(backend))
        .filter(Column::Id.is_in(free.iter().copied()))
        .exec(tx)
        .await?;
    Ok(free.into_iter().collect())
}
