//! The attempts at a job, one for each claim, written in the transactions that claim
//! the job and that end the attempt: so they never disagree with its row. A job that is
//! given up while nobody holds it leaves one, too, without a worker: each end is a row.
//!
//! An attempt that has not ended is running. One that has ended without a verdict was
//! cut short: its job was taken away with the media object, or a process of another
//! release, which knows nothing of attempts, has ended it.

use crate::{
    attempt::Finished,
    cause::Cause,
    clock, column,
    database::Database,
    days::UNCOUNTED,
    entity::{
        attempt::{Column, Entity},
        job,
    },
    error::DbError,
    transaction::transact,
};
use heim_common::{
    job::{Reason, Verdict},
    wire::Account,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Statement,
    sea_query::{Expr, ExprTrait, Query},
};
use std::{collections::BTreeMap, time::Duration};

/// Longest text of an error chain that is kept, in bytes.
const ERROR_BYTES_MAX: usize = 1_000;
/// Most stages of an attempt that are kept, and the longest name of one.
const STAGES_MAX: usize = 16;
const STAGE_BYTES_MAX: usize = 32;
/// Most attempts that one call removes.
const TRIMMED_MAX: u64 = 1_000;

/// The worker of what nobody held.
const NOBODY: &str = "";

/// Notes that a job was claimed just now.
pub(crate) async fn begin(tx: &DatabaseTransaction, job: &job::Model, worker: &str) -> Result<(), Cause> {
    let now = || clock::now(tx.get_database_backend());
    let columns = [
        Column::Job,
        Column::Fence,
        Column::MediaId,
        Column::Room,
        Column::Lane,
        Column::Worker,
        Column::Began,
        Column::Waited,
    ];
    let insert = Query::insert()
        .into_table(Entity)
        .columns(columns)
        .values_panic([
            job.id.into(),
            job.fence.into(),
            job.media_id.into(),
            job.room.as_str().into(),
            job.lane.as_str().into(),
            worker.into(),
            now(),
            now().sub(job.run_after),
        ])
        .to_owned();
    tx.execute(&insert).await?;
    Ok(())
}

/// What an attempt came to: what was said of it counts less than what followed.
pub(crate) fn outcome(finished: &Finished, said: Verdict) -> (&'static str, Option<Reason>) {
    match (finished, said) {
        (Finished::GaveUp(given_up), _) => ("discard", Some(given_up.reason)),
        (Finished::Again, Verdict::Snooze { reason, .. }) => ("snooze", reason),
        (Finished::Again, Verdict::Retry { reason } | Verdict::Discard { reason }) => ("retry", Some(reason)),
        // It said that all was there, and something was missing.
        (Finished::Again, Verdict::Done) => ("retry", Some(Reason::Internal)),
        (Finished::Done | Finished::LeaseLost, _) => ("done", None),
    }
}

/// Notes how the attempt ended that the row of the job is about.
pub(crate) async fn end(
    tx: &DatabaseTransaction,
    job: &job::Model,
    (verdict, reason): (&str, Option<Reason>),
    account: &Account,
) -> Result<(), Cause> {
    let mut update = Entity::update_many()
        .col_expr(Column::Ended, clock::now(tx.get_database_backend()))
        .col_expr(Column::Verdict, Expr::value(verdict))
        .filter(Column::Job.eq(job.id))
        .filter(Column::Fence.eq(job.fence));
    if let Some(reason) = reason {
        update = update.col_expr(Column::Reason, Expr::value(reason.as_str()));
    }
    if let Some(error) = &account.error {
        update = update.col_expr(Column::Error, Expr::value(column::line(error, ERROR_BYTES_MAX)));
    }
    if let Some(stages) = stages(account)? {
        update = update.col_expr(Column::Stages, Expr::value(stages));
    }
    update.exec(tx).await?;
    Ok(())
}

/// Notes that a job was given up just now that nobody held, under a fence of its own: the
/// next claim has a higher one, should it be tried again.
pub(crate) async fn end_unheld(tx: &DatabaseTransaction, job: &job::Model) -> Result<(), Cause> {
    let fence = job.fence + 1;
    job::Entity::update_many()
        .col_expr(job::Column::Fence, Expr::value(fence))
        .filter(job::Column::Id.eq(job.id))
        .exec(tx)
        .await?;
    let job = job::Model { fence, ..job.clone() };
    begin(tx, &job, NOBODY).await?;
    end(tx, &job, ("discard", Some(Reason::Discarded)), &Account::default()).await
}

fn stages(account: &Account) -> Result<Option<String>, Cause> {
    if account.stages_ms.is_empty() {
        return Ok(None);
    }
    let some = account.stages_ms.iter().take(STAGES_MAX);
    let some: BTreeMap<_, _> = some.map(|(name, ms)| (column::line(name, STAGE_BYTES_MAX), ms)).collect();
    serde_json::to_string(&some).map(Some).map_err(|_| Cause::unreadable("attempt", "stages"))
}

/// Ends what runs on the jobs of these media objects, which are about to go.
pub(crate) async fn cut_short(tx: &DatabaseTransaction, media: &[i64]) -> Result<(), Cause> {
    let jobs = job::Entity::find().select_only().column(job::Column::Id);
    let jobs = jobs.filter(job::Column::MediaId.is_in(media.iter().copied())).into_query();
    Entity::update_many()
        .col_expr(Column::Ended, clock::now(tx.get_database_backend()))
        .filter(Column::Ended.is_null())
        .filter(Column::Job.in_subquery(jobs))
        .exec(tx)
        .await?;
    Ok(())
}

impl Database {
    /// Removes attempts that ended longer than `kept` ago in a day that is counted, the
    /// oldest first, and ends those whose job does not run any more, which processes of
    /// other releases leave behind. Returns how many were removed; while there are any more,
    /// as many as one call removes.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn attempts_trim(&self, kept: Duration) -> Result<u64, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let backend = tx.get_database_backend();
            let now = clock::sql(backend);
            let end = format!(
                "UPDATE attempt SET ended = {now} WHERE ended IS NULL AND NOT EXISTS (
                   SELECT 1 FROM job WHERE job.id = attempt.job AND job.fence = attempt.fence AND job.state = 'running')"
            );
            tx.execute_raw(Statement::from_string(backend, end)).await?;
            let trim = format!(
                "DELETE FROM attempt WHERE (job, fence) IN (
                   SELECT job, fence FROM attempt
                   WHERE ended IS NOT NULL AND ended < {now} - $1 AND ended < {UNCOUNTED}
                   ORDER BY ended LIMIT {TRIMMED_MAX})"
            );
            let trim = Statement::from_sql_and_values(backend, trim, [clock::millis(kept).into()]);
            Ok(tx.execute_raw(trim).await?.rows_affected())
        })
    }
}
