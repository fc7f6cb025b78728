//! Events: what became of media objects, numbered in the order of the commits,
//! so that whoever missed some can ask for all that came after the last one.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::{
        event::{Column, Entity, Model},
        media_object,
    },
    error::DbError,
    lock,
    transaction::transact,
};
use heim_common::{MediaId, Millis, RoomName, spec::TranscodingName};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};

/// A transcoding became available, or never will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its place among all events.
    pub seq: i64,
    /// Where it happened.
    pub room: RoomName,
    /// The media object.
    pub media: MediaId,
    /// The transcoding; whether it is there, the media object says.
    pub name: TranscodingName,
    /// When, by the database's clock.
    pub created: Millis,
}

impl Database {
    /// At most `limit` events after `seq`, oldest first. None is ever committed
    /// later with a lower number than one that was returned.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn events_since(&self, seq: i64, limit: u64) -> Result<Vec<EventRow>, DbError> {
        let settled = self.events_last().await?;
        let rows = self.read(DbError::ReadEvents, async {
            let rows = Entity::find()
                .filter(Column::Seq.gt(seq))
                .filter(Column::Seq.lte(settled))
                .order_by_asc(Column::Seq)
                .limit(limit)
                .all(&self.pool)
                .await?;
            rows.into_iter().map(read).collect()
        });
        rows.await
    }

    /// The last event's number, 0 before the first: a point to ask
    /// [`Self::events_since`] from.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn events_last(&self) -> Result<i64, DbError> {
        transact!(self, DbError::ReadEvents, async |tx| {
            lock::sees_events(tx).await?;
            let last = Query::select().expr_as(Expr::col(Column::Seq).max(), "last").from(Entity).to_owned();
            let row = tx.query_one(&last).await?;
            Ok(row.map(|row| row.try_get::<Option<i64>>("", "last")).transpose()?.flatten().unwrap_or(0))
        })
    }

    /// Forgets the events before a point in time.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn events_trim(&self, older_than: Millis) -> Result<u64, DbError> {
        transact!(self, DbError::ReadEvents, async |tx| {
            let gone = Entity::delete_many().filter(Column::Created.lt(older_than.0)).exec(tx).await?;
            Ok(gone.rows_affected)
        })
    }
}

/// Writes events in the transaction of what they tell, as late in it as can be:
/// readers of events wait for it to end. Returns their numbers, and leaves the
/// last one with the media object, which must be locked.
pub(crate) async fn record(
    tx: &DatabaseTransaction,
    room: &str,
    media: i64,
    names: &[TranscodingName],
) -> Result<Vec<i64>, Cause> {
    lock::writes_event(tx).await?;
    let mut numbers = Vec::with_capacity(names.len());
    for name in names {
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::Room, Column::MediaId, Column::Name, Column::Created])
            .values_panic([room.into(), media.into(), name.as_str().into(), clock::now(tx.get_database_backend())])
            .returning_col(Column::Seq)
            .to_owned();
        let row = tx.query_one(&insert).await?.ok_or_else(|| Cause::unreadable("event", "seq"))?;
        numbers.push(row.try_get("", "seq")?);
    }
    if let Some(last) = numbers.last() {
        media_object::Entity::update_many()
            .col_expr(media_object::Column::Seq, Expr::value(*last))
            .filter(media_object::Column::Id.eq(media))
            .exec(tx)
            .await?;
    }
    Ok(numbers)
}

/// [`record`] of a single event.
pub(crate) async fn record_one(
    tx: &DatabaseTransaction,
    room: &str,
    media: i64,
    name: &TranscodingName,
) -> Result<i64, Cause> {
    let numbers = record(tx, room, media, std::slice::from_ref(name)).await?;
    numbers.first().copied().ok_or_else(|| Cause::unreadable("event", "seq"))
}

fn read(row: Model) -> Result<EventRow, Cause> {
    let Model { seq, room, media_id, name, created } = row;
    Ok(EventRow {
        seq,
        room: column::of("event", "room").word(&room)?,
        media: MediaId::from_i64(media_id),
        name: column::of("event", "name").word(&name)?,
        created: Millis(created),
    })
}
