//! The keys of private rooms, wrapped by a master key. What is in them this
//! crate never sees.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::{
        media_object, message,
        room_key::{Column, Entity, Model},
    },
    error::DbError,
    room,
    transaction::transact,
};
use heim_common::{Millis, RoomKeyId, RoomName};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

/// A key that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoomKey {
    /// Its id.
    pub id: RoomKeyId,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// The master key that wraps it.
    pub master: String,
    /// Now.
    pub created: Millis,
}

/// A key of a private room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomKeyRow {
    /// Its id.
    pub id: RoomKeyId,
    /// The room.
    pub room: RoomName,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// The master key that wraps it.
    pub master: String,
    /// When it was made.
    pub created: Millis,
}

impl Database {
    /// A key.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_key(&self, id: RoomKeyId) -> Result<Option<RoomKeyRow>, DbError> {
        let row = self.read(DbError::KeepKeys, async {
            Entity::find_by_id(id.as_i64()).one(&self.pool).await?.map(read).transpose()
        });
        row.await
    }

    /// The key under which a room's new secrets are sealed: the newest by id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_key_current(&self, room: &RoomName) -> Result<Option<RoomKeyRow>, DbError> {
        let newest = Entity::find().filter(Column::Room.eq(room.as_str())).order_by_desc(Column::Id);
        let row = self.read(DbError::KeepKeys, async { newest.one(&self.pool).await?.map(read).transpose() });
        row.await
    }

    /// Gives a private room another key. False if there is no such private
    /// room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_key_add(&self, room: &RoomName, key: &NewRoomKey) -> Result<bool, DbError> {
        transact!(self, DbError::KeepKeys, async |tx| {
            let row = room::share(tx, room.as_str()).await?;
            if !row.is_some_and(|row| row.private && row.deleted.is_none()) {
                return Ok(false);
            }
            insert(tx, room, key).await?;
            Ok(true)
        })
    }

    /// At most `limit` keys of all rooms by id, those after a certain one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_keys(&self, after: Option<RoomKeyId>, limit: u64) -> Result<Vec<RoomKeyRow>, DbError> {
        let mut query = Entity::find().order_by_asc(Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.as_i64()));
        }
        let rows = self.read(DbError::KeepKeys, async { query.all(&self.pool).await?.into_iter().map(read).collect() });
        rows.await
    }

    /// Replaces the wrapping of a key, if it is still wrapped as it was
    /// `before`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_key_rewrap(
        &self,
        id: RoomKeyId,
        before: &[u8],
        wrapped: &[u8],
        master: &str,
    ) -> Result<bool, DbError> {
        transact!(self, DbError::KeepKeys, async |tx| {
            let set = Entity::update_many()
                .col_expr(Column::Wrapped, Expr::value(wrapped.to_vec()))
                .col_expr(Column::Master, Expr::value(master))
                .filter(Column::Id.eq(id.as_i64()))
                .filter(Column::Wrapped.eq(before.to_vec()))
                .exec(tx)
                .await?;
            Ok(set.rows_affected == 1)
        })
    }

    /// The master keys that are needed to unwrap all of them.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_key_masters(&self) -> Result<Vec<String>, DbError> {
        let masters = Entity::find().select_only().column(Column::Master).distinct().order_by_asc(Column::Master);
        self.read(DbError::KeepKeys, async { Ok(masters.into_tuple().all(&self.pool).await?) }).await
    }

    /// Removes the keys of a room which nothing is sealed under, but for the
    /// current one. Returns how many.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_keys_remove_unused(&self, room: &RoomName) -> Result<u64, DbError> {
        transact!(self, DbError::KeepKeys, async |tx| {
            // Whoever seals something under a key shares the room and looks
            // whether the key is there: all of them are done, or not begun.
            if room::lock(tx, room).await?.is_none() {
                return Ok(0);
            }
            let of_room = Column::Room.eq(room.as_str());
            let newest = Entity::find().select_only().column_as(Column::Id.max(), "newest").filter(of_room.clone());
            let this = || Expr::col((Entity, Column::Id));
            let objects = media_object::Entity::find()
                .select_only()
                .column(media_object::Column::Id)
                .filter(Expr::col((media_object::Entity, media_object::Column::EncryptionKeyId)).eq(this()));
            let messages = message::Entity::find()
                .select_only()
                .column(message::Column::Id)
                .filter(Expr::col((message::Entity, message::Column::EncryptionKeyId)).eq(this()));
            let gone = Entity::delete_many()
                .filter(of_room)
                .filter(Column::Id.not_in_subquery(newest.into_query()))
                .filter(Expr::not_exists(objects.into_query()))
                .filter(Expr::not_exists(messages.into_query()))
                .exec(tx)
                .await?;
            Ok(gone.rows_affected)
        })
    }

    /// How many keys [`Self::room_keys_remove_unused`] would remove when all that can be
    /// is under the current one: none that something stays under, as is said here.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_keys_unused_then(&self, room: &RoomName, needed: &[RoomKeyId]) -> Result<u64, DbError> {
        use media_object::Column as Media;
        let of_room = Column::Room.eq(room.as_str());
        let newest = Entity::find().select_only().column_as(Column::Id.max(), "newest").filter(of_room.clone());
        // What is being removed is brought under no other key any more.
        let removing = media_object::Entity::find()
            .select_only()
            .column(Media::Id)
            .filter(Media::Gone.is_not_null())
            .filter(Expr::col((media_object::Entity, Media::EncryptionKeyId)).eq(Expr::col((Entity, Column::Id))));
        let unused = Entity::find()
            .filter(of_room)
            .filter(Column::Id.not_in_subquery(newest.into_query()))
            .filter(Column::Id.is_not_in(needed.iter().map(|id| id.as_i64())))
            .filter(Expr::not_exists(removing.into_query()));
        self.read(DbError::KeepKeys, async { Ok(unused.count(&self.pool).await?) }).await
    }
}

pub(crate) async fn insert(tx: &DatabaseTransaction, room: &RoomName, key: &NewRoomKey) -> Result<(), Cause> {
    let NewRoomKey { id, wrapped, master, created } = key.clone();
    let row = Model { id: id.as_i64(), room: room.to_string(), wrapped, master, created: created.0 };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// Whether what is sealed under this key can be read later. The room must be
/// shared before: a key that nothing is sealed under may be removed.
pub(crate) async fn is_kept(tx: &DatabaseTransaction, room: &str, key: Option<RoomKeyId>) -> Result<bool, Cause> {
    let Some(key) = key else { return Ok(true) };
    let row = Entity::find_by_id(key.as_i64()).filter(Column::Room.eq(room)).one(tx).await?;
    Ok(row.is_some())
}

fn read(row: Model) -> Result<RoomKeyRow, Cause> {
    let Model { id, room, wrapped, master, created } = row;
    Ok(RoomKeyRow {
        id: RoomKeyId::from_i64(id),
        room: column::of("room_key", "room").word(&room)?,
        wrapped,
        master,
        created: Millis(created),
    })
}
