//! Rows whose object is not in the store any more.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::{job, media_object, media_transcoding},
    error::DbError,
    event, media,
    sweep::Expired,
    transaction::transact,
};
use heim_common::{
    MediaId,
    job::{JobState, KIND_TRANSCODE, Lane, Reason},
    key::ObjectKey,
    media::MediaState,
    spec::TranscodingName,
};
use media_transcoding::{Column, Entity};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};

/// A row that names an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The media object.
    pub media: MediaId,
    /// What the row is about, as it is in the row.
    pub name: String,
    /// The object.
    pub key: ObjectKey,
}

/// What was done about a row whose object is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: the row is another by now, or it is known already.
    Nothing,
    /// The transcoding's row is gone, and the job makes it again.
    MadeAgain,
    /// The transcoding's row is gone, of a media object that failed anyway.
    Removed,
    /// It was the original: the media object has failed, which is to be
    /// announced.
    Failed(Expired),
}

impl Database {
    /// At most `limit` rows that name an object, after a certain one, in an
    /// order of their own; without what is being removed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn transcodings_page(&self, after: Option<&Named>, limit: u64) -> Result<Vec<Named>, DbError> {
        let live = Query::select()
            .column(media_object::Column::Id)
            .from(media_object::Entity)
            .and_where(media_object::Column::Gone.is_null())
            .to_owned();
        let mut query = Entity::find()
            .select_only()
            .columns([Column::MediaId, Column::Name, Column::Uri])
            .filter(Column::MediaId.in_subquery(live))
            .order_by_asc(Column::MediaId)
            .order_by_asc(Column::Name)
            .limit(limit);
        if let Some(Named { media, name, key: _ }) = after {
            let same = Column::MediaId.eq(media.as_i64()).and(Column::Name.gt(name.as_str()));
            query = query.filter(Condition::any().add(Column::MediaId.gt(media.as_i64())).add(same));
        }
        let query = query.into_tuple::<(i64, String, String)>();
        let rows = self.read(DbError::Sweep, async { Ok(query.all(&self.pool).await?) }).await?;
        let named =
            |(media, name, uri)| Named { media: MediaId::from_i64(media), name, key: ObjectKey::from_stored(uri) };
        Ok(rows.into_iter().map(named).collect())
    }

    /// Does what can be done about a row whose object is missing.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn transcoding_lost(&self, row: &Named) -> Result<Remedy, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let Some(object) = media::lock(tx, &[row.media.as_i64()]).await?.pop() else {
                return Ok(Remedy::Nothing);
            };
            let this =
                Entity::find_by_id((row.media.as_i64(), row.name.clone())).filter(Column::Uri.eq(row.key.as_str()));
            if this.one(tx).await?.is_none() {
                return Ok(Remedy::Nothing);
            }
            if row.name == TranscodingName::original().as_str() {
                return fail(tx, &object).await;
            }
            Entity::delete_by_id((row.media.as_i64(), row.name.clone())).exec(tx).await?;
            make_again(tx, &object).await
        })
    }
}

/// The original's row stays: it says what is missing, for whoever has a backup.
async fn fail(tx: &DatabaseTransaction, object: &media_object::Model) -> Result<Remedy, Cause> {
    use media_object::{Column, Entity};
    if object.failure.as_deref() == Some(Reason::OriginalLost.as_str()) {
        return Ok(Remedy::Nothing);
    }
    Entity::update_many()
        .col_expr(Column::State, Expr::value(MediaState::Failed.as_str()))
        .col_expr(Column::Failure, Expr::value(Reason::OriginalLost.as_str()))
        .filter(Column::Id.eq(object.id))
        .exec(tx)
        .await?;
    Ok(Remedy::Failed(Expired::Failed {
        media: MediaId::from_i64(object.id),
        room: column::of("media_object", "room").word(&object.room)?,
        seq: event::record_one(tx, &object.room, object.id, &TranscodingName::original()).await?,
    }))
}

async fn make_again(tx: &DatabaseTransaction, object: &media_object::Model) -> Result<Remedy, Cause> {
    use job::Column;
    if object.state == MediaState::Failed.as_str() {
        return Ok(Remedy::Removed);
    }
    let again = job::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Pending.as_str()))
        .col_expr(Column::Lane, Expr::value(Lane::Backfill.as_str()))
        .col_expr(Column::Failures, Expr::value(0_i64))
        .col_expr(Column::Deaths, Expr::value(0_i64))
        .col_expr(Column::Worker, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::Dispatched, Expr::value(None::<i64>))
        .col_expr(Column::Reason, Expr::value(None::<String>))
        .col_expr(Column::Finished, Expr::value(None::<i64>))
        .col_expr(Column::RestsUntil, Expr::value(None::<i64>))
        .col_expr(Column::RunAfter, clock::now(tx.get_database_backend()))
        .filter(Column::MediaId.eq(object.id))
        .filter(Column::Kind.eq(KIND_TRANSCODE))
        .filter(Column::State.is_in([JobState::Done.as_str(), JobState::Failed.as_str()]))
        .exec(tx)
        .await?;
    // A job that is not over makes what is missing anyway; one that was trimmed
    // makes nothing any more.
    let is_there = job::Entity::find().filter(Column::MediaId.eq(object.id)).filter(Column::Kind.eq(KIND_TRANSCODE));
    if again.rows_affected == 0 && is_there.one(tx).await?.is_none() {
        return Ok(Remedy::Removed);
    }
    media_object::Entity::update_many()
        .col_expr(media_object::Column::State, Expr::value(MediaState::Uploaded.as_str()))
        .filter(media_object::Column::Id.eq(object.id))
        .exec(tx)
        .await?;
    Ok(Remedy::MadeAgain)
}
