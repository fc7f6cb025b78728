//! Bringing what is sealed under earlier keys of a room under its current one.
//! Whoever has the keys does the sealing; each step compares what it replaces,
//! so that it may run beside everything else, and any number of times.

use crate::{
    cause::Cause,
    column,
    content::{Columns, Content, SealedContent},
    database::Database,
    entity::{
        media_object::{self, Column},
        message, room_key,
    },
    error::DbError,
    media_row, room, room_key as keys,
    transaction::transact,
};
use heim_common::{MediaId, MessageId, RoomKeyId, RoomName, media::Encryption};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, SelectStatement},
};

impl Database {
    /// At most `limit` media objects of a room whose secrets are wrapped by
    /// another key than this one, by id, after a certain one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_under_other_keys(
        &self,
        room: &RoomName,
        current: RoomKeyId,
        after: Option<MediaId>,
        limit: u64,
    ) -> Result<Vec<(MediaId, Encryption)>, DbError> {
        let rows = self.read(DbError::KeepKeys, async {
            let rows = media_object::Entity::find()
                .filter(Column::EncryptionKeyId.in_subquery(others(room, current)))
                .filter(Column::Gone.is_null())
                .apply_if(after, |query, after| query.filter(Column::Id.gt(after.as_i64())))
                .order_by_asc(Column::Id)
                .limit(limit)
                .all(&self.pool)
                .await?;
            let read = |row: media_object::Model| {
                let encryption = media_row::read_encryption(row.encryption_key_id, row.wrapped_key)?;
                let encryption = column::of("media_object", "encryption_key_id").known(encryption)?;
                Ok((MediaId::from_i64(row.id), encryption))
            };
            rows.into_iter().map(read).collect()
        });
        rows.await
    }

    /// Replaces the wrapping of a media object's secret, if it is still wrapped
    /// by `from`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_rewrap(&self, id: MediaId, from: RoomKeyId, to: &Encryption) -> Result<bool, DbError> {
        transact!(self, DbError::KeepKeys, async |tx| {
            let row = media_object::Entity::find_by_id(id.as_i64()).select_only().column(Column::Room);
            let Some(room) = row.into_tuple::<String>().one(tx).await? else { return Ok(false) };
            if !room::is_live(tx, &room).await? || !keys::is_kept(tx, &room, Some(to.key_id)).await? {
                return Ok(false);
            }
            let set = media_object::Entity::update_many()
                .col_expr(Column::EncryptionKeyId, Expr::value(to.key_id.as_i64()))
                .col_expr(Column::WrappedKey, Expr::value(to.wrapped.clone()))
                .filter(Column::Id.eq(id.as_i64()))
                .filter(Column::EncryptionKeyId.eq(from.as_i64()))
                .exec(tx)
                .await?;
            Ok(set.rows_affected == 1)
        })
    }

    /// At most `limit` messages of a room that are sealed under another key
    /// than this one, whole, by id, after a certain one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn messages_under_other_keys(
        &self,
        room: &RoomName,
        current: RoomKeyId,
        after: Option<MessageId>,
        limit: u64,
    ) -> Result<Vec<(MessageId, SealedContent)>, DbError> {
        use message::{Column, Entity, Model};
        let rows = self.read(DbError::KeepKeys, async {
            let rows = Entity::find()
                .filter(Column::EncryptionKeyId.in_subquery(others(room, current)))
                .apply_if(after, |query, after| query.filter(Column::Id.gt(after.as_i64())))
                .order_by_asc(Column::Id)
                .limit(limit)
                .all(&self.pool)
                .await?;
            let read = |mut row: Model| match Content::read(Columns::from(&mut row), false)? {
                Content::Sealed(sealed) => Ok((MessageId::from_i64(row.id), sealed)),
                Content::Plain(_) => Err(Cause::unreadable("message", "encryption_key_id")),
            };
            rows.into_iter().map(read).collect()
        });
        rows.await
    }

    /// Replaces the sealing of a message, if it still says what `from` says.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn message_reseal(
        &self,
        id: MessageId,
        from: &SealedContent,
        to: &SealedContent,
    ) -> Result<bool, DbError> {
        use message::{Column, Entity};
        transact!(self, DbError::KeepKeys, async |tx| {
            let row = Entity::find_by_id(id.as_i64()).select_only().column(Column::Room);
            let Some(room) = row.into_tuple::<String>().one(tx).await? else { return Ok(false) };
            if !room::is_live(tx, &room).await? || !keys::is_kept(tx, &room, Some(to.key)).await? {
                return Ok(false);
            }
            let Columns { content: _, sealed, sealed_rest, encryption_key_id } = to.write()?;
            let set = Entity::update_many()
                .col_expr(Column::Sealed, Expr::value(sealed))
                .col_expr(Column::SealedRest, Expr::value(sealed_rest))
                .col_expr(Column::EncryptionKeyId, Expr::value(encryption_key_id))
                .filter(Column::Id.eq(id.as_i64()))
                .filter(Column::EncryptionKeyId.eq(from.key.as_i64()))
                // A change in the meantime was sealed anew: its head differs.
                .filter(Column::Sealed.eq(from.head.clone()))
                .exec(tx)
                .await?;
            Ok(set.rows_affected == 1)
        })
    }
}

/// The keys of a room but for one.
fn others(room: &RoomName, current: RoomKeyId) -> SelectStatement {
    use room_key::{Column, Entity};
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Room.eq(room.as_str()))
        .filter(Column::Id.ne(current.as_i64()))
        .into_query()
}
