//! What makes everybody leave a room: a new passcode, and the room's deletion.

use crate::{
    cause::Cause,
    database::Database,
    entity::{departure, nick, room, room_key, room_manager, session},
    error::DbError,
    room as rooms,
    transaction::transact,
};
use heim_common::{Millis, RoomName};
use room::Column;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

impl Database {
    /// Gives a private room another passcode, and with it an epoch, which is
    /// returned: nobody is in the room any more. `None` if there is no such
    /// private room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_set_passcode(&self, room: &RoomName, passcode: &str) -> Result<Option<i64>, DbError> {
        transact!(self, DbError::ChangeRoom, async |tx| {
            let Some(row) = rooms::lock(tx, room).await?.filter(|row| row.private) else { return Ok(None) };
            room::Entity::update_many()
                .col_expr(Column::Passcode, Expr::value(passcode))
                .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
                .filter(Column::Name.eq(room.as_str()))
                .exec(tx)
                .await?;
            everybody_leaves(tx, room).await?;
            Ok(Some(row.epoch + 1))
        })
    }

    /// Deletes a room and shreds its keys; returns its last epoch. From now on
    /// nobody can enter it or put anything into it, and none of its media
    /// objects can be read; what is left of it goes by
    /// [`Self::room_sweep`]. `None` if there is no such room, or if it is
    /// deleted already.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_delete(&self, room: &RoomName, now: Millis) -> Result<Option<i64>, DbError> {
        let epoch = transact!(self, DbError::ChangeRoom, async |tx| {
            let Some(row) = rooms::lock(tx, room).await? else { return Ok(None) };
            room::Entity::update_many()
                .col_expr(Column::Deleted, Expr::value(now.0))
                .col_expr(Column::Passcode, Expr::value(None::<String>))
                .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
                .filter(Column::Name.eq(room.as_str()))
                .exec(tx)
                .await?;
            room_key::Entity::delete_many().filter(room_key::Column::Room.eq(room.as_str())).exec(tx).await?;
            everybody_leaves(tx, room).await?;
            room_manager::Entity::delete_many().filter(room_manager::Column::Room.eq(room.as_str())).exec(tx).await?;
            nick::Entity::delete_many().filter(nick::Column::Room.eq(room.as_str())).exec(tx).await?;
            Ok(Some(row.epoch + 1))
        })?;
        if epoch.is_some() {
            self.forget_old_pages().await;
        }
        Ok(epoch)
    }

    /// `SQLite` overwrites what is deleted, but its log keeps earlier pages
    /// until it begins anew. Readers may be in the way; the log then begins anew
    /// when they are done, and the keys in it are wrapped.
    async fn forget_old_pages(&self) {
        if self.backend() == DbBackend::Sqlite {
            let begin_anew = async { Ok(self.pool.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?) };
            if let Err(cause) = self.bounded(begin_anew).await {
                tracing::debug!(%cause, "the log of the database could not begin anew");
            }
        }
    }
}

/// Ends all sessions of a room, as if nobody had ever been in it: who has just
/// left may see no more than who is gone for long. Sessions first: what they
/// leave behind when they end at the same moment is then found.
async fn everybody_leaves(tx: &DatabaseTransaction, room: &RoomName) -> Result<(), Cause> {
    session::Entity::delete_many().filter(session::Column::Room.eq(room.as_str())).exec(tx).await?;
    departure::Entity::delete_many().filter(departure::Column::Room.eq(room.as_str())).exec(tx).await?;
    Ok(())
}
