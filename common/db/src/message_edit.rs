//! Changing, deleting and restoring a message.

use crate::{
    cause::Cause,
    content::{Columns, Content},
    database::Database,
    entity::{message, message_attachment},
    error::DbError,
    media,
    message::{Extent, Message, with_attachments},
    message_send::is_there,
    room, room_key,
    transaction::transact,
};
use heim_common::{EditId, MessageId, Millis, RoomName};
use message::{Column, Model};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

/// A change of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEdit {
    /// The room.
    pub room: RoomName,
    /// The room's epoch when the author joined.
    pub epoch: i64,
    /// The message.
    pub id: MessageId,
    /// The change's own id.
    pub edit: EditId,
    /// The newest change that its author knows of; `None` where there was none.
    pub previous: Option<EditId>,
    /// The message that it answers from now on.
    pub parent: Option<MessageId>,
    /// What it says from now on.
    pub content: Option<Content>,
    /// Whether it is deleted from now on.
    pub delete: bool,
    /// Whether the room is told of it.
    pub announce: bool,
    /// Now.
    pub now: Millis,
}

/// What became of [`Database::message_edit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are messages")]
pub enum Edited {
    /// It is changed, and looks like this.
    Edited(Message),
    /// The room has no such message, or it was deleted so long ago that it
    /// cannot be restored.
    NotFound,
    /// It was changed by somebody else, or the key that the content is sealed
    /// under is no longer the room's: its author has to look again.
    Inconsistent,
    /// The room has no such message to answer.
    InvalidParent,
    /// The room is deleted, or has another epoch.
    RoomClosed,
}

/// What became of [`Database::message_delete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is deleted by this.
    Now {
        /// The change before this one.
        previous: Option<EditId>,
    },
    /// It was deleted already: nothing changed.
    Before,
    /// The room has no such message.
    NotFound,
}

impl Database {
    /// Changes a message. One that is deleted is restored by a change that does
    /// not delete it, together with the media objects that it shows; one that is
    /// deleted again stays deleted since the first time.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn message_edit(&self, edit: &MessageEdit) -> Result<Edited, DbError> {
        transact!(self, DbError::EditMessage, async |tx| {
            if !room::is_open(tx, &edit.room, edit.epoch).await? {
                return Ok(Edited::RoomClosed);
            }
            let Some(seen) = find(&edit.room, edit.id).one(tx).await? else { return Ok(Edited::NotFound) };
            if seen.deleted.is_some() && !edit.delete && !keep_media(tx, seen.id).await? {
                return Ok(Edited::NotFound);
            }
            let Some(row) = find(&edit.room, edit.id).lock_exclusive().one(tx).await? else {
                return Ok(Edited::NotFound);
            };
            let previous = edit.previous.map(EditId::as_i64);
            // As in heim, who changes a message first may say what they like.
            let is_newest = |row: &Model| row.edit_id.is_none() || row.edit_id == previous;
            if !is_newest(&row) || !is_newest(&seen) {
                return Ok(Edited::Inconsistent);
            }
            if let Some(parent) = edit.parent
                && (parent == edit.id || !is_there(tx, &edit.room, parent).await?)
            {
                return Ok(Edited::InvalidParent);
            }
            let key = edit.content.as_ref().and_then(Content::key);
            if !room_key::is_kept(tx, edit.room.as_str(), key).await? {
                return Ok(Edited::Inconsistent);
            }
            change(tx, row, edit).await.map(Edited::Edited)
        })
    }

    /// Deletes a message, whatever its newest change is. One that is deleted
    /// already is left as it is.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn message_delete(
        &self,
        room: &RoomName,
        id: MessageId,
        edit: EditId,
        now: Millis,
    ) -> Result<Deleted, DbError> {
        transact!(self, DbError::EditMessage, async |tx| {
            let Some(open) = room::share(tx, room.as_str()).await?.filter(|row| row.deleted.is_none()) else {
                return Ok(Deleted::NotFound);
            };
            let Some(row) = find(room, id).lock_exclusive().one(tx).await? else {
                return Ok(Deleted::NotFound);
            };
            if row.deleted.is_some() {
                return Ok(Deleted::Before);
            }
            let (room, previous) = (room.clone(), row.edit_id.map(EditId::from_i64));
            let edit = MessageEdit {
                room,
                epoch: open.epoch,
                id,
                edit,
                previous,
                parent: None,
                content: None,
                delete: true,
                announce: true,
                now,
            };
            change(tx, row, &edit).await?;
            Ok(Deleted::Now { previous })
        })
    }
}

fn find(room: &RoomName, id: MessageId) -> sea_orm::Select<message::Entity> {
    message::Entity::find_by_id(id.as_i64()).filter(Column::Room.eq(room.as_str()))
}

/// Holds what a message shows against the sweep that gives up what no message
/// shows; before the message, as all who lock both. False if the sweep was
/// first.
async fn keep_media(tx: &DatabaseTransaction, message: i64) -> Result<bool, Cause> {
    use message_attachment::{Column, Entity};
    let shown = Entity::find().select_only().column(Column::MediaId).filter(Column::MessageId.eq(message));
    let ids: Vec<i64> = shown.into_tuple().all(tx).await?;
    Ok(media::lock(tx, &ids).await?.len() == ids.len())
}

/// Writes the change of a row that is locked.
pub(crate) async fn change(tx: &DatabaseTransaction, mut row: Model, edit: &MessageEdit) -> Result<Message, Cause> {
    let MessageEdit { room: _, id: _, edit: edit_id, previous: _, parent, content, delete, announce, now, epoch: _ } =
        edit;
    row.edited = Some(now.0);
    row.edit_id = Some(edit_id.as_i64());
    row.announced_edit_id = announce.then(|| edit_id.as_i64());
    row.deleted = delete.then(|| row.deleted.unwrap_or(now.0));
    row.parent = parent.map_or(row.parent, |parent| Some(parent.as_i64()));
    let mut update = message::Entity::update_many()
        .col_expr(Column::Edited, Expr::value(row.edited))
        .col_expr(Column::EditId, Expr::value(row.edit_id))
        .col_expr(Column::AnnouncedEditId, Expr::value(row.announced_edit_id))
        .col_expr(Column::Deleted, Expr::value(row.deleted))
        .col_expr(Column::Parent, Expr::value(row.parent))
        .filter(Column::Id.eq(row.id));
    if let Some(content) = content {
        let Columns { content, sealed, sealed_rest, encryption_key_id } = content.write()?;
        row.content.clone_from(&content);
        row.sealed.clone_from(&sealed);
        row.sealed_rest.clone_from(&sealed_rest);
        row.encryption_key_id = encryption_key_id;
        update = update
            .col_expr(Column::Content, Expr::value(content))
            .col_expr(Column::Sealed, Expr::value(sealed))
            .col_expr(Column::SealedRest, Expr::value(sealed_rest))
            .col_expr(Column::EncryptionKeyId, Expr::value(encryption_key_id));
    }
    update.exec(tx).await?;
    let changed = with_attachments(tx, vec![row], Extent::Whole).await?.pop();
    changed.ok_or_else(|| Cause::unreadable("message", "id"))
}
