//! Upload handles that end without an upload.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::{media_object, message_attachment},
    error::DbError,
    event,
    transaction::transact,
};
use heim_common::{MediaId, RoomName, job::Reason, media::MediaState, spec::TranscodingName};
use media_object::Column;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use std::{collections::HashSet, time::Duration};

/// Most handles that one call removes.
const EXPIRED_MAX: u64 = 256;

/// What became of a media object whose upload never came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Nobody knew of it; it is gone.
    Removed(MediaId),
    /// A message shows it, so it stays and has failed; the event is to be
    /// announced.
    Failed {
        /// The media object.
        media: MediaId,
        /// Its room.
        room: RoomName,
        /// The event that tells that there will be no `original`.
        seq: i64,
    },
}

impl Database {
    /// Removes media objects whose upload handle expired at least `grace` ago,
    /// which should be longer than an upload may take: one that began in time
    /// may still be running. Each is returned to one caller only.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn handles_expire(&self, grace: Duration) -> Result<Vec<Expired>, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let expired = Expr::col(Column::Expires).lt(clock::before(tx.get_database_backend(), grace));
            let rows = media_object::Entity::find()
                .filter(Column::State.eq(MediaState::Created.as_str()))
                .filter(Column::Gone.is_null())
                .filter(expired)
                .order_by_asc(Column::Id)
                .limit(EXPIRED_MAX)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .all(tx)
                .await?;
            let shown = attached(tx, rows.iter().map(|row| row.id)).await?;
            let (stay, go): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| shown.contains(&row.id));
            let gone = Column::Id.is_in(go.iter().map(|row| row.id));
            media_object::Entity::delete_many().filter(gone).exec(tx).await?;
            let mut ended: Vec<_> = go.iter().map(|row| Expired::Removed(MediaId::from_i64(row.id))).collect();
            for row in &stay {
                ended.push(fail(tx, row, Reason::NeverUploaded).await?);
            }
            Ok(ended)
        })
    }

    /// Ends an upload handle whose upload can never be accepted. `None` where
    /// there is nothing that waits for an upload.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_refuse(&self, media: MediaId, reason: Reason) -> Result<Option<Expired>, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let waiting = media_object::Entity::find_by_id(media.as_i64())
                .filter(Column::State.eq(MediaState::Created.as_str()))
                .filter(Column::Gone.is_null())
                .lock_exclusive();
            let Some(row) = waiting.one(tx).await? else { return Ok(None) };
            if attached(tx, [row.id].into_iter()).await?.contains(&row.id) {
                return fail(tx, &row, reason).await.map(Some);
            }
            media_object::Entity::delete_by_id(row.id).exec(tx).await?;
            Ok(Some(Expired::Removed(media)))
        })
    }
}

async fn attached(tx: &DatabaseTransaction, ids: impl Iterator<Item = i64>) -> Result<HashSet<i64>, Cause> {
    use message_attachment::{Column, Entity};
    let query = Entity::find().select_only().column(Column::MediaId).filter(Column::MediaId.is_in(ids));
    Ok(query.into_tuple().all(tx).await?.into_iter().collect())
}

async fn fail(tx: &DatabaseTransaction, row: &media_object::Model, reason: Reason) -> Result<Expired, Cause> {
    media_object::Entity::update_many()
        .col_expr(Column::State, Expr::value(MediaState::Failed.as_str()))
        .col_expr(Column::Failure, Expr::value(reason.as_str()))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(Expired::Failed {
        media: MediaId::from_i64(row.id),
        room: column::of("media_object", "room").word(&row.room)?,
        seq: event::record_one(tx, &row.room, row.id, &TranscodingName::original()).await?,
    })
}
