//! Rooms.

use crate::{
    database::Database,
    entity::room::{ActiveModel, Column, Entity},
    error::DbError,
    transaction::transact,
};
use heim_common::{Millis, RoomName};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

impl Database {
    /// Makes sure that a room is there: a public one if it has to be made.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_open(&self, room: &RoomName, now: Millis) -> Result<(), DbError> {
        if self.room_exists(room).await? {
            return Ok(());
        }
        transact!(self, DbError::OpenRoom, async |tx| {
            let row = ActiveModel { name: Set(room.to_string()), private: Set(false), created: Set(now.0) };
            Entity::insert(row)
                .on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    }

    /// Whether there is such a room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_exists(&self, room: &RoomName) -> Result<bool, DbError> {
        self.read(DbError::OpenRoom, async { Ok(Entity::find_by_id(room.as_str()).one(&self.pool).await?.is_some()) })
            .await
    }
}
