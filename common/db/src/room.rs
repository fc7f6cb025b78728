//! Rooms: what they are, how they come into being, and the hold on them that
//! every transaction has which puts something into one.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::room::{Column, Entity, Model},
    error::DbError,
    room_key::{self, NewRoomKey},
    transaction::transact,
};
use heim_common::{Millis, RoomName};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{OnConflict, Query},
};
use std::fmt;

/// A room.
#[derive(Clone, PartialEq, Eq)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// Whether a passcode is needed to enter it, and all in it is encrypted.
    pub private: bool,
    /// Changes whenever all who are in it have to leave. No room that is made
    /// under the name of an earlier one has an epoch of that.
    pub epoch: i64,
    /// What the passcode of a private room is checked by: a PHC string.
    pub passcode: Option<String>,
    /// Whether it is deleted, and only its remains are still here.
    pub deleted: bool,
    /// When it was made.
    pub created: Millis,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, private, epoch, passcode: _, deleted, created } = self;
        f.debug_struct("Room")
            .field("name", name)
            .field("private", private)
            .field("epoch", epoch)
            .field("deleted", deleted)
            .field("created", created)
            .finish_non_exhaustive()
    }
}

/// What became of [`Database::room_create_private`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomCreated {
    /// The room is there, with its first key.
    Created,
    /// There is a room of this name, maybe a deleted one: nothing changed.
    Exists(Room),
}

impl Database {
    /// A room, also one that is deleted and not swept yet.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room(&self, room: &RoomName) -> Result<Option<Room>, DbError> {
        let row = self.read(DbError::OpenRoom, async {
            let row = Entity::find_by_id(room.as_str()).one(&self.pool).await?;
            row.map(read).transpose()
        });
        row.await
    }

    /// The room of this name; a public one is made where there is none.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_open(&self, room: &RoomName, now: Millis) -> Result<Room, DbError> {
        if let Some(room) = self.room(room).await? {
            return Ok(room);
        }
        transact!(self, DbError::OpenRoom, async |tx| {
            loop {
                insert(tx, room, None, now).await?;
                // One that was there may be swept away at this very moment.
                if let Some(row) = Entity::find_by_id(room.as_str()).one(tx).await? {
                    return read(row);
                }
            }
        })
    }

    /// Makes a private room with its first key.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_create_private(
        &self,
        room: &RoomName,
        passcode: &str,
        key: &NewRoomKey,
        now: Millis,
    ) -> Result<RoomCreated, DbError> {
        transact!(self, DbError::OpenRoom, async |tx| {
            loop {
                if insert(tx, room, Some(passcode), now).await? {
                    room_key::insert(tx, room, key).await?;
                    return Ok(RoomCreated::Created);
                }
                if let Some(row) = Entity::find_by_id(room.as_str()).one(tx).await? {
                    return Ok(RoomCreated::Exists(read(row)?));
                }
            }
        })
    }

    /// At most `limit` rooms by name, those after a certain one; deleted ones
    /// too.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn rooms(&self, after: Option<&RoomName>, limit: u64) -> Result<Vec<Room>, DbError> {
        let mut query = Entity::find().order_by_asc(Column::Name).limit(limit);
        if let Some(after) = after {
            query = query.filter(Column::Name.gt(after.as_str()));
        }
        let rows = self.read(DbError::OpenRoom, async { query.all(&self.pool).await?.into_iter().map(read).collect() });
        rows.await
    }
}

/// Makes a room, private where there is a passcode. False if there is one.
async fn insert(tx: &DatabaseTransaction, room: &RoomName, passcode: Option<&str>, now: Millis) -> Result<bool, Cause> {
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::Name, Column::Private, Column::Created, Column::Epoch, Column::Passcode])
        .values_panic([
            room.as_str().into(),
            passcode.is_some().into(),
            now.0.into(),
            // Later than any epoch of a room that had this name before.
            clock::now(tx.get_database_backend()),
            passcode.into(),
        ])
        .on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned())
        .returning_col(Column::Name)
        .to_owned();
    Ok(tx.query_one(&insert).await?.is_some())
}

/// The room's row, which stays as it is until the transaction ends: a new
/// passcode and the room's deletion wait. Asked for before anything is locked.
pub(crate) async fn share(tx: &DatabaseTransaction, room: &str) -> Result<Option<Model>, Cause> {
    Ok(Entity::find_by_id(room).lock_shared().one(tx).await?)
}

/// [`share`], and whether whoever is in the room since this epoch may still be.
pub(crate) async fn is_open(tx: &DatabaseTransaction, room: &RoomName, epoch: i64) -> Result<bool, Cause> {
    let row = share(tx, room.as_str()).await?;
    Ok(row.is_some_and(|row| row.deleted.is_none() && row.epoch == epoch))
}

/// [`share`], and whether the room is there and not deleted.
pub(crate) async fn is_live(tx: &DatabaseTransaction, room: &str) -> Result<bool, Cause> {
    Ok(share(tx, room).await?.is_some_and(|row| row.deleted.is_none()))
}

/// The room's row, unless it is deleted; all who [`share`] it are waited for.
pub(crate) async fn lock(tx: &DatabaseTransaction, room: &RoomName) -> Result<Option<Model>, Cause> {
    let live = Entity::find_by_id(room.as_str()).filter(Column::Deleted.is_null());
    Ok(live.lock_exclusive().one(tx).await?)
}

pub(crate) fn read(row: Model) -> Result<Room, Cause> {
    let Model { name, private, created, epoch, passcode, deleted } = row;
    Ok(Room {
        name: column::of("room", "name").word(&name)?,
        private,
        epoch,
        passcode,
        deleted: deleted.is_some(),
        created: Millis(created),
    })
}
