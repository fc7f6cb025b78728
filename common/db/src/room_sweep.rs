//! Removing what a deleted room leaves behind, some of it at a time: deleting
//! the room itself was over in a moment.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::{
        media_object, message,
        room::{Column, Entity},
    },
    error::DbError,
    retention::{give_up, lock_free},
    transaction::transact,
};
use heim_common::RoomName;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockBehavior, LockType},
};

/// Most messages that one call removes.
const MESSAGES_MAX: u64 = 1_024;

impl Database {
    /// At most `limit` rooms that are deleted and not swept yet.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn rooms_deleted(&self, limit: u64) -> Result<Vec<RoomName>, DbError> {
        let query = Entity::find().filter(Column::Deleted.is_not_null()).order_by_asc(Column::Deleted).limit(limit);
        let names = query.select_only().column(Column::Name).into_tuple::<String>();
        let read = self.read(DbError::Sweep, async {
            let names = names.all(&self.pool).await?;
            names.iter().map(|name| column::of("room", "name").word(name)).collect()
        });
        read.await
    }

    /// Gives up at most `limit` media objects of a deleted room and removes at
    /// most `limit` of its messages; with the last of them the room's row goes,
    /// and its name is free. True when that is done; it is of a room that is not
    /// deleted, which is left alone.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_sweep(&self, room: &RoomName, limit: u64) -> Result<bool, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let this = Entity::find_by_id(room.as_str()).filter(Column::Deleted.is_not_null());
            // Nothing is put into a deleted room: its row needs no lock.
            if this.one(tx).await?.is_none() {
                return Ok(true);
            }
            give_up_media(tx, room, limit).await?;
            remove_messages(tx, room, limit).await?;
            if !is_empty(tx, room).await? {
                return Ok(false);
            }
            Entity::delete_many()
                .filter(Column::Name.eq(room.as_str()))
                .filter(Column::Deleted.is_not_null())
                .exec(tx)
                .await?;
            Ok(true)
        })
    }
}

async fn give_up_media(tx: &DatabaseTransaction, room: &RoomName, limit: u64) -> Result<(), Cause> {
    use media_object::{Column, Entity};
    let some = Entity::find().filter(Column::Room.eq(room.as_str())).filter(Column::Gone.is_null());
    let some = some.limit(limit).select_only().column(Column::Id).into_tuple::<i64>();
    let some = some.all(tx).await?;
    let locked = lock_free(tx, Column::Id.is_in(some)).await?;
    give_up(tx, &locked).await
}

async fn remove_messages(tx: &DatabaseTransaction, room: &RoomName, limit: u64) -> Result<(), Cause> {
    use message::{Column, Entity};
    let some = Entity::find().filter(Column::Room.eq(room.as_str())).order_by_asc(Column::Id);
    let some: Vec<i64> = some
        .limit(limit.min(MESSAGES_MAX))
        .select_only()
        .column(Column::Id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(tx)
        .await?;
    Entity::delete_many().filter(Column::Id.is_in(some)).exec(tx).await?;
    Ok(())
}

/// Whether only media objects that are given up are left of a room.
async fn is_empty(tx: &DatabaseTransaction, room: &RoomName) -> Result<bool, Cause> {
    use media_object::{Column, Entity};
    let objects = Entity::find().filter(Column::Room.eq(room.as_str())).filter(Column::Gone.is_null());
    let object = objects.select_only().column(Column::Id).into_tuple::<i64>().one(tx).await?;
    let messages = message::Entity::find().filter(message::Column::Room.eq(room.as_str()));
    let message = messages.select_only().column(message::Column::Id).into_tuple::<i64>().one(tx).await?;
    Ok(object.is_none() && message.is_none())
}
