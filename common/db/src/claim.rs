//! Claiming a job and holding on to it.

use crate::{
    cause::Cause,
    clock,
    column::{self, Column as Cell},
    database::Database,
    entity::{job, media_object, room},
    error::DbError,
    history, job_row, lane, media_row,
    transaction::transact,
};
use heim_common::{
    JobId, MediaId, RoomName, Trace,
    job::{JobState, Lane},
    key::ObjectKey,
    media::Encryption,
    spec::TranscodingSpec,
    wire::Account,
};
use job::Column;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use std::time::Duration;

/// A job that is now the claimer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Greater than that of every claim of this job before.
    pub fence: i64,
    /// The media object's room.
    pub room: RoomName,
    /// The media object.
    pub media: MediaId,
    /// Where the original's bytes are.
    pub key: ObjectKey,
    /// How many they are.
    pub size: u64,
    /// Their SHA-256. Of an encrypted original the row does not say it.
    pub sha256: Option<[u8; 32]>,
    /// How the media object's files are encrypted.
    pub encryption: Option<Encryption>,
    /// What is still to be made, in the order in which it was asked for. Never
    /// empty.
    pub missing: Vec<TranscodingSpec>,
    /// In which lane it waited, and for how long after it could have been claimed.
    /// Nothing where this is the answer once more that was lost on its way.
    pub waited: Option<(Lane, Duration)>,
    /// The request that it is done for.
    pub trace: Option<Trace>,
}

/// What became of a wish for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is the claimer's.
    Taken(Box<Claim>),
    /// Nothing of it was missing: it is done by that.
    Done,
    /// It is not to be had.
    NotTaken,
}

impl Claimed {
    /// What is to be worked on, if something is.
    #[must_use]
    pub fn taken(self) -> Option<Claim> {
        match self {
            Self::Taken(claim) => Some(*claim),
            Self::Done | Self::NotTaken => None,
        }
    }
}

impl Database {
    /// Gives a waiting job to a worker, for the length of a lease. `None` if it
    /// is not to be had: held by another, resting, ended, unknown, in a lane that is
    /// paused, or of a room that is deleted. A job
    /// of which nothing is missing is done by that.
    ///
    /// # Errors
    /// If the database does not answer, or the job was made by a later release:
    /// it then waits for a coordinator of that release.
    pub async fn job_claim(
        &self,
        id: JobId,
        worker: &str,
        engine: u32,
        lease: Duration,
    ) -> Result<Option<Claim>, DbError> {
        Ok(self.job_claim_once(id, worker, engine, None, lease).await?.taken())
    }

    /// The same, and says which it was; and who asks again under its nonce, because no
    /// answer came, is given the claim that was made, with the same fence and a fresh lease.
    ///
    /// # Errors
    /// As [`Self::job_claim`].
    pub async fn job_claim_once(
        &self,
        id: JobId,
        worker: &str,
        engine: u32,
        nonce: Option<i64>,
        lease: Duration,
    ) -> Result<Claimed, DbError> {
        transact!(self, DbError::Claim, async |tx| {
            let backend = tx.get_database_backend();
            let mut taken = job::Entity::update_many()
                .col_expr(Column::State, Expr::value(JobState::Running.as_str()))
                .col_expr(Column::Fence, Expr::col(Column::Fence).add(1))
                .col_expr(Column::Worker, Expr::value(worker))
                .col_expr(Column::Engine, Expr::value(i64::from(engine)))
                .col_expr(Column::LeaseUntil, clock::after(backend, lease))
                .col_expr(Column::ClaimNonce, Expr::value(nonce))
                .filter(Column::Id.eq(id.as_i64()))
                .filter(Column::State.eq(JobState::Pending.as_str()))
                .filter(Column::Room.not_in_subquery(deleted_rooms()))
                .filter(Column::Lane.not_in_subquery(lane::paused()))
                .filter(Expr::col(Column::RunAfter).lte(clock::now(backend)))
                .exec_with_returning(tx)
                .await?;
            let is_new = !taken.is_empty();
            if let (false, Some(nonce)) = (is_new, nonce) {
                taken = taken_before(tx, id, worker, engine, nonce, lease).await?;
            }
            let Some(job) = taken.into_iter().next() else { return Ok(Claimed::NotTaken) };
            if is_new {
                history::begin(tx, &job, worker).await?;
            }
            let missing = job_row::missing(tx, &job, Some(i64::from(engine))).await?;
            if missing.is_empty() {
                mark_done(tx, job.id).await?;
                history::end(tx, &job, ("done", None), &Account::default()).await?;
                return Ok(Claimed::Done);
            }
            let mut specs = job_row::specs(&job)?;
            specs.retain(|spec| missing.contains(&spec.name));
            let waited = if is_new { waited(&job, lease) } else { None };
            read_claim(tx, &job, specs, waited).await.map(Box::new).map(Claimed::Taken)
        })
    }

    /// Holds on to a claimed job. False if it was taken away.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn job_heartbeat(&self, id: JobId, fence: i64, lease: Duration) -> Result<bool, DbError> {
        let until = clock::after(self.backend(), lease);
        transact!(self, DbError::Claim, async |tx| {
            let held = job::Entity::update_many()
                .col_expr(Column::LeaseUntil, until.clone())
                .filter(Column::Id.eq(id.as_i64()))
                .filter(Column::Fence.eq(fence))
                .filter(Column::State.eq(JobState::Running.as_str()))
                .exec(tx)
                .await?;
            Ok(held.rows_affected == 1)
        })
    }
}

/// The job as this very claim has taken it before, held for a lease from now.
async fn taken_before(
    tx: &DatabaseTransaction,
    id: JobId,
    worker: &str,
    engine: u32,
    nonce: i64,
    lease: Duration,
) -> Result<Vec<job::Model>, Cause> {
    let taken = job::Entity::update_many()
        .col_expr(Column::LeaseUntil, clock::after(tx.get_database_backend(), lease))
        .filter(Column::Id.eq(id.as_i64()))
        .filter(Column::State.eq(JobState::Running.as_str()))
        .filter(Column::Worker.eq(worker))
        .filter(Column::Engine.eq(i64::from(engine)))
        .filter(Column::ClaimNonce.eq(nonce))
        .filter(Column::Room.not_in_subquery(deleted_rooms()));
    Ok(taken.exec_with_returning(tx).await?)
}

/// Notes that nothing of a job is left to do.
pub(crate) async fn mark_done(tx: &DatabaseTransaction, id: i64) -> Result<(), Cause> {
    job::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Done.as_str()))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::Reason, Expr::value(None::<String>))
        .col_expr(Column::Finished, clock::now(tx.get_database_backend()))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Few, and gone soon.
fn deleted_rooms() -> SelectStatement {
    use room::{Column, Entity};
    Entity::find().select_only().column(Column::Name).filter(Column::Deleted.is_not_null()).into_query()
}

/// How long a job waited that was claimed just now for the length of `lease`. The
/// lane of a later release is that release's to measure.
fn waited(job: &job::Model, lease: Duration) -> Option<(Lane, Duration)> {
    let claimed = job.lease_until? - clock::millis(lease);
    let waited = u64::try_from(claimed - job.run_after).unwrap_or(0);
    Some((job.lane.parse().ok()?, Duration::from_millis(waited)))
}

async fn read_claim(
    tx: &DatabaseTransaction,
    job: &job::Model,
    missing: Vec<TranscodingSpec>,
    waited: Option<(Lane, Duration)>,
) -> Result<Claim, Cause> {
    const STORAGE: Cell = column::of("media_object", "storage");
    // A media object that is given up has no job.
    let media = media_object::Entity::find_by_id(job.media_id).filter(media_object::Column::Gone.is_null());
    let media = STORAGE.known(media.one(tx).await?)?;
    // Of an encrypted one the row has another digest, as `Database::digests` says.
    let digest = media.digest.filter(|_| media.wrapped_key.is_none());
    Ok(Claim {
        fence: job.fence,
        room: column::of("job", "room").word(&job.room)?,
        media: MediaId::from_i64(job.media_id),
        key: ObjectKey::from_stored(STORAGE.known(media.storage)?),
        size: STORAGE.number(STORAGE.known(media.size)?)?,
        sha256: digest.and_then(|digest| digest.try_into().ok()),
        encryption: media_row::read_encryption(media.encryption_key_id, media.wrapped_key)?,
        missing,
        waited,
        // Whatever it says: no job waits because of it.
        trace: job.trace.as_deref().and_then(|trace| trace.parse().ok()),
    })
}
