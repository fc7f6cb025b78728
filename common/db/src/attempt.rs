//! How an attempt ends: by the worker's verdict, or by a lease that ran out.

use crate::{
    cause::Cause,
    claim, clock, column,
    database::Database,
    entity::{job, media_object},
    error::DbError,
    event, history, job_row, media,
    transaction::transact,
};
use heim_common::{
    JobId, MediaId, RoomName,
    job::{AfterFailure, Attempts, JobState, Reason, Verdict},
    media::MediaState,
    spec::TranscodingName,
    wire::Account,
};
use job::Column;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use std::time::Duration;

/// How long a job rests after so many failures, or so many snoozes for what is
/// away; 1 for the first.
pub type Pause<'a> = &'a (dyn Fn(u32) -> Duration + Send + Sync);

/// What became of [`Database::job_finish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Everything that was asked for is there.
    Done,
    /// The job waits for another attempt.
    Again,
    /// The job has failed; its events are to be announced.
    GaveUp(GivenUp),
    /// Somebody else has the job by now, or it has ended: nothing changed.
    LeaseLost,
}

/// A job that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Which.
    pub job: JobId,
    /// The media object's room.
    pub room: RoomName,
    /// The media object.
    pub media: MediaId,
    /// Why.
    pub reason: Reason,
    /// What will never be there, and the event that tells it.
    pub events: Vec<(TranscodingName, i64)>,
}

/// What became of a job whose worker was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// It waits for another attempt.
    Again(JobId),
    /// It has failed; its events are to be announced.
    GaveUp(GivenUp),
}

/// Longest snooze: a worker's wish has a bound too.
const SNOOZE_MAX: Duration = Duration::from_mins(10);
/// Most jobs that one call of the sweep takes away from lost workers.
const REAPED_MAX: u64 = 256;

/// Whose word ends the attempt.
#[derive(Clone, Copy)]
enum By {
    Worker,
    Sweep,
}

struct Ending<'a> {
    by: By,
    id: i64,
    fence: i64,
    verdict: Verdict,
    account: &'a Account,
    attempts: &'a Attempts,
    pause: Pause<'a>,
}

impl Database {
    /// Ends an attempt as its worker says. `Done` while something is missing
    /// counts as a failure.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_finish(
        &self,
        id: JobId,
        fence: i64,
        verdict: Verdict,
        attempts: &Attempts,
        pause: Pause<'_>,
    ) -> Result<Finished, DbError> {
        self.job_finish_told(id, fence, verdict, &Account::default(), attempts, pause).await
    }

    /// The same, with what the worker tells of the attempt.
    ///
    /// # Errors
    /// As [`Self::job_finish`].
    pub async fn job_finish_told(
        &self,
        id: JobId,
        fence: i64,
        verdict: Verdict,
        account: &Account,
        attempts: &Attempts,
        pause: Pause<'_>,
    ) -> Result<Finished, DbError> {
        let ending = Ending { by: By::Worker, id: id.as_i64(), fence, verdict, account, attempts, pause };
        transact!(self, DbError::Finish, async |tx| { end(tx, &ending).await })
    }

    /// Takes jobs away from workers whose leases ran out; each is returned to
    /// one caller only.
    ///
    /// # Errors
    /// If the database does not answer. Should it stop to answer on the way,
    /// what was done until then is returned, because it has to be announced.
    pub async fn job_reap(&self, attempts: &Attempts, pause: Pause<'_>) -> Result<Vec<Reaped>, DbError> {
        let lost: Vec<(i64, i64)> = self
            .read(DbError::Finish, async {
                let query = job::Entity::find().select_only().column(Column::Id).column(Column::Fence);
                let lost = query.filter(Column::State.eq(JobState::Running.as_str())).filter(ran_out(&self.pool));
                Ok(lost.limit(REAPED_MAX).into_tuple().all(&self.pool).await?)
            })
            .await?;
        let (mut reaped, account) = (Vec::new(), Account::default());
        for (id, fence) in lost {
            let verdict = Verdict::Retry { reason: Reason::WorkerLost };
            let ending = Ending { by: By::Sweep, id, fence, verdict, account: &account, attempts, pause };
            match transact!(self, DbError::Finish, async |tx| { end(tx, &ending).await }) {
                Ok(Finished::Again) => reaped.push(Reaped::Again(JobId::from_i64(id))),
                Ok(Finished::GaveUp(given_up)) => reaped.push(Reaped::GaveUp(given_up)),
                // Its worker came back, or another sweep was first.
                Ok(Finished::LeaseLost | Finished::Done) => {}
                Err(error) if reaped.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(reaped)
    }
}

fn ran_out<C: ConnectionTrait>(connection: &C) -> Expr {
    Expr::col(Column::LeaseUntil).lt(clock::now(connection.get_database_backend()))
}

async fn end(tx: &DatabaseTransaction, ending: &Ending<'_>) -> Result<Finished, Cause> {
    // The media object is locked before the job; which one it is never changes.
    let Some(unlocked) = job::Entity::find_by_id(ending.id).one(tx).await? else { return Ok(Finished::LeaseLost) };
    let Some(media) = media::lock(tx, &[unlocked.media_id]).await?.pop() else { return Ok(Finished::LeaseLost) };
    let mut held = job::Entity::find_by_id(ending.id)
        .filter(Column::Fence.eq(ending.fence))
        .filter(Column::State.eq(JobState::Running.as_str()));
    if matches!(ending.by, By::Sweep) {
        held = held.filter(ran_out(tx));
    }
    let Some(job) = held.lock_exclusive().one(tx).await? else { return Ok(Finished::LeaseLost) };
    let finished = carry_out(tx, ending, &media, &job).await?;
    history::end(tx, &job, history::outcome(&finished, ending.verdict), ending.account).await?;
    Ok(finished)
}

async fn carry_out(
    tx: &DatabaseTransaction,
    ending: &Ending<'_>,
    media: &media_object::Model,
    job: &job::Model,
) -> Result<Finished, Cause> {
    match ending.verdict {
        Verdict::Done if job_row::missing(tx, job, job.engine).await?.is_empty() => {
            claim::mark_done(tx, job.id).await?;
            settle(tx, media, MediaState::Ready, None).await?;
            Ok(Finished::Done)
        }
        Verdict::Done => fail(tx, ending, media, job, Reason::Internal).await,
        Verdict::Retry { reason } => fail(tx, ending, media, job, reason).await,
        Verdict::Discard { reason } => Ok(Finished::GaveUp(give_up(tx, media, job, reason).await?)),
        Verdict::Snooze { after_ms, reason } => {
            let rest = Duration::from_millis(after_ms).min(SNOOZE_MAX);
            match reason {
                Some(reason) => put_off(tx, ending, media, job, reason, rest).await,
                None => again(tx, job.id, rest).await,
            }
        }
    }
}

async fn fail(
    tx: &DatabaseTransaction,
    ending: &Ending<'_>,
    media: &media_object::Model,
    job: &job::Model,
    reason: Reason,
) -> Result<Finished, Cause> {
    let failures: u32 = column::of("job", "failures").number(job.failures + 1)?;
    let deaths: u32 = column::of("job", "deaths").number(job.deaths + i64::from(reason == Reason::ChildDied))?;
    job::Entity::update_many()
        .col_expr(Column::Failures, Expr::value(i64::from(failures)))
        .col_expr(Column::Deaths, Expr::value(i64::from(deaths)))
        .col_expr(Column::Reason, Expr::value(reason.as_str()))
        .col_expr(Column::Snoozes, Expr::value(0))
        .col_expr(Column::AwaySince, Expr::value(None::<i64>))
        .filter(Column::Id.eq(job.id))
        .exec(tx)
        .await?;
    match ending.attempts.after(reason, failures, deaths) {
        AfterFailure::Again => {
            // A lease has run out before it is known that its worker is lost: that was rest enough.
            let waited = matches!(ending.by, By::Sweep);
            again(tx, job.id, if waited { Duration::ZERO } else { (ending.pause)(failures) }).await
        }
        AfterFailure::GiveUp(reason) => Ok(Finished::GaveUp(give_up(tx, media, job, reason).await?)),
    }
}

/// Lets a job wait for what is away. It counts as no failure, but it has an end:
/// an upload that was accepted does not wait for ever.
async fn put_off(
    tx: &DatabaseTransaction,
    ending: &Ending<'_>,
    media: &media_object::Model,
    job: &job::Model,
    reason: Reason,
    rest: Duration,
) -> Result<Finished, Cause> {
    let backend = tx.get_database_backend();
    let for_too_long = job::Entity::find_by_id(job.id)
        .filter(Expr::col(Column::AwaySince).lt(clock::before(backend, ending.attempts.away_max)));
    if for_too_long.one(tx).await?.is_some() {
        return Ok(Finished::GaveUp(give_up(tx, media, job, reason).await?));
    }
    let snoozes: u32 = column::of("job", "snoozes").number(job.snoozes + 1)?;
    job::Entity::update_many()
        .col_expr(Column::Snoozes, Expr::value(i64::from(snoozes)))
        .col_expr(Column::AwaySince, Expr::col(Column::AwaySince).if_null(clock::now(backend)))
        .col_expr(Column::Reason, Expr::value(reason.as_str()))
        .filter(Column::Id.eq(job.id))
        .exec(tx)
        .await?;
    again(tx, job.id, rest.max((ending.pause)(snoozes))).await
}

async fn again(tx: &DatabaseTransaction, id: i64, rest: Duration) -> Result<Finished, Cause> {
    let until = clock::after(tx.get_database_backend(), rest);
    let rests_until = if rest.is_zero() { Expr::value(None::<i64>) } else { until.clone() };
    job::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Pending.as_str()))
        .col_expr(Column::RunAfter, until)
        .col_expr(Column::RestsUntil, rests_until)
        .col_expr(Column::Dispatched, Expr::value(None::<i64>))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::Worker, Expr::value(None::<String>))
        .col_expr(Column::ClaimNonce, Expr::value(None::<i64>))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(Finished::Again)
}

/// Ends a job for good, and what waits for it.
pub(crate) async fn give_up(
    tx: &DatabaseTransaction,
    media: &media_object::Model,
    job: &job::Model,
    reason: Reason,
) -> Result<GivenUp, Cause> {
    job::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Failed.as_str()))
        .col_expr(Column::Reason, Expr::value(reason.as_str()))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::Finished, clock::now(tx.get_database_backend()))
        .filter(Column::Id.eq(job.id))
        .exec(tx)
        .await?;
    settle(tx, media, MediaState::Failed, Some(reason)).await?;
    let missing = job_row::missing(tx, job, None).await?;
    let numbers = event::record(tx, &job.room, job.media_id, &missing).await?;
    Ok(GivenUp {
        job: JobId::from_i64(job.id),
        room: column::of("job", "room").word(&job.room)?,
        media: MediaId::from_i64(job.media_id),
        reason,
        events: missing.into_iter().zip(numbers).collect(),
    })
}

/// Brings a media object that waits for its transcodings to its final state. One
/// that has reached it stays there: later work on it, when it fails, takes
/// nothing away.
async fn settle(
    tx: &DatabaseTransaction,
    media: &media_object::Model,
    state: MediaState,
    failure: Option<Reason>,
) -> Result<(), Cause> {
    use media_object::Column;
    media_object::Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Failure, Expr::value(failure.map(Reason::as_str)))
        .filter(Column::Id.eq(media.id))
        .filter(Column::State.eq(MediaState::Uploaded.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}
