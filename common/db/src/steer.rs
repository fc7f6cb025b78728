//! What an operator does with a job: tries it again, gives it up, or forgets it.

use crate::{
    attempt::{GivenUp, give_up},
    cause::Cause,
    clock, column,
    database::Database,
    entity::{job, media_object},
    error::DbError,
    event, history, job_row, media,
    transaction::transact,
};
use heim_common::{
    JobId, MediaId, RoomName,
    job::{JobState, Reason},
    media::MediaState,
    spec::TranscodingName,
    wire::Account,
};
use job::{Column, Entity};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr,
};

/// What became of [`Database::job_retry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It had failed, and waits for a worker. Its media object waits with it, if it
    /// had failed by it: this event is to be announced.
    Again {
        /// The media object's room.
        room: RoomName,
        /// The media object.
        media: MediaId,
        /// The event that tells that it did not fail for good.
        seq: Option<i64>,
    },
    /// It rested, and does not rest any more.
    Now,
    /// It waits, runs or is done: nothing changed.
    NotFailed,
    /// There is no such job.
    NotFound,
}

/// What became of [`Database::job_discard`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// It has failed; its events are to be announced.
    Now(GivenUp),
    /// It had ended before: nothing changed.
    Ended,
    /// There is no such job.
    NotFound,
}

/// What became of [`Database::job_forget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// Its row is gone.
    Now,
    /// It waits or runs: nothing changed.
    NotEnded,
    /// There is no such job.
    NotFound,
}

impl Database {
    /// Lets a job that has failed wait for a worker as if it were new, under the next
    /// fence; one that rests is due at once.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_retry(&self, id: JobId) -> Result<Retried, DbError> {
        transact!(self, DbError::Steer, async |tx| {
            let Some((object, job)) = lock(tx, id).await? else { return Ok(Retried::NotFound) };
            let is_pending = job.state == JobState::Pending.as_str();
            if is_pending && job.rests_until.is_some() {
                begin_anew(tx, job.id).await?;
                return Ok(Retried::Now);
            }
            if job.state != JobState::Failed.as_str() {
                return Ok(Retried::NotFailed);
            }
            begin_anew(tx, job.id).await?;
            let had_failed = object.state == MediaState::Failed.as_str();
            let seq = if had_failed { Some(wait_again(tx, &object, &job).await?) } else { None };
            let room = column::of("job", "room").word(&job.room)?;
            Ok(Retried::Again { room, media: MediaId::from_i64(job.media_id), seq })
        })
    }

    /// Gives up a job that waits, rests or runs. Whoever runs it finds its lease lost.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_discard(&self, id: JobId) -> Result<Discarded, DbError> {
        transact!(self, DbError::Steer, async |tx| {
            let Some((object, job)) = lock(tx, id).await? else { return Ok(Discarded::NotFound) };
            if ![JobState::Pending.as_str(), JobState::Running.as_str()].contains(&job.state.as_str()) {
                return Ok(Discarded::Ended);
            }
            let given_up = give_up(tx, &object, &job, Reason::Discarded).await?;
            if job.state == JobState::Running.as_str() {
                history::end(tx, &job, ("discard", Some(Reason::Discarded)), &Account::default()).await?;
            } else {
                history::end_unheld(tx, &job).await?;
            }
            Ok(Discarded::Now(given_up))
        })
    }

    /// Removes the row of a job that has ended, before its time. Its attempts are there for
    /// as long as all are, and its media object is as it was; but nothing is to be tried
    /// again any more.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_forget(&self, id: JobId) -> Result<Forgotten, DbError> {
        transact!(self, DbError::Steer, async |tx| {
            let Some((_, job)) = lock(tx, id).await? else { return Ok(Forgotten::NotFound) };
            if ![JobState::Done.as_str(), JobState::Failed.as_str()].contains(&job.state.as_str()) {
                return Ok(Forgotten::NotEnded);
            }
            Entity::delete_by_id(job.id).exec(tx).await?;
            Ok(Forgotten::Now)
        })
    }
}

/// The media object and then the job, as all who lock both.
async fn lock(tx: &DatabaseTransaction, id: JobId) -> Result<Option<(media_object::Model, job::Model)>, Cause> {
    let Some(unlocked) = Entity::find_by_id(id.as_i64()).one(tx).await? else { return Ok(None) };
    let Some(object) = media::lock(tx, &[unlocked.media_id]).await?.pop() else { return Ok(None) };
    let job = Entity::find_by_id(id.as_i64()).lock_exclusive().one(tx).await?;
    Ok(job.map(|job| (object, job)))
}

/// The fence stays: the next claim has a higher one than all before.
async fn begin_anew(tx: &DatabaseTransaction, id: i64) -> Result<(), Cause> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Pending.as_str()))
        .col_expr(Column::Failures, Expr::value(0_i64))
        .col_expr(Column::Deaths, Expr::value(0_i64))
        .col_expr(Column::Snoozes, Expr::value(0_i64))
        .col_expr(Column::AwaySince, Expr::value(None::<i64>))
        .col_expr(Column::Worker, Expr::value(None::<String>))
        .col_expr(Column::ClaimNonce, Expr::value(None::<i64>))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::Dispatched, Expr::value(None::<i64>))
        .col_expr(Column::RestsUntil, Expr::value(None::<i64>))
        .col_expr(Column::Reason, Expr::value(None::<String>))
        .col_expr(Column::Finished, Expr::value(None::<i64>))
        .col_expr(Column::RunAfter, clock::now(tx.get_database_backend()))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Brings a media object back to where its upload left it, and tells of the original,
/// which is there: clients see by it that the rest is awaited again. Where all that
/// is asked for came after the failure, nothing is awaited: it is ready.
async fn wait_again(tx: &DatabaseTransaction, object: &media_object::Model, job: &job::Model) -> Result<i64, Cause> {
    use media_object::{Column, Entity};
    let is_all_there = job_row::missing(tx, job, None).await?.is_empty();
    let state = if is_all_there { MediaState::Ready } else { MediaState::Uploaded };
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Failure, Expr::value(None::<String>))
        .filter(Column::Id.eq(object.id))
        .exec(tx)
        .await?;
    event::record_one(tx, &object.room, object.id, &TranscodingName::original()).await
}
