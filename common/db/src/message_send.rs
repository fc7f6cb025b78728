//! Storing a message together with its attachments.

use crate::{
    cause::Cause,
    content::{Columns, Content},
    database::Database,
    entity::{media_object, message, message_attachment},
    error::DbError,
    media,
    message::{Extent, Message, with_attachments},
    room, room_key,
    transaction::transact,
};
use heim_common::{MediaId, MessageId, Millis, RoomName, session::SessionView};
use message::Column;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::Expr,
};

/// A message that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// Its room.
    pub room: RoomName,
    /// The room's epoch when the sender joined.
    pub epoch: i64,
    /// The message it answers.
    pub parent: Option<MessageId>,
    /// Who sends it.
    pub sender: SessionView,
    /// What they say.
    pub content: Content,
    /// Now.
    pub posted: Millis,
    /// Media objects, in order; each counts once.
    pub attachments: Vec<MediaId>,
}

/// What became of [`Database::message_send`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are messages")]
pub enum Sent {
    /// It is stored, and looks like this.
    Stored(Message),
    /// The room is deleted, or has another epoch; or the key that it is sealed
    /// under is no longer the room's: the sender has to leave.
    RoomClosed,
    /// The room has no such message to answer.
    InvalidParent,
    /// An attachment is not the sender's, not of this room, or not there.
    MediaNotFound,
}

impl Database {
    /// Stores a message with its attachments, in one transaction. Whoever gets
    /// the message sees each attached media object as it is at that moment; what
    /// is registered later is told by an event that is committed later.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn message_send(&self, new: &NewMessage) -> Result<Sent, DbError> {
        transact!(self, DbError::SendMessage, async |tx| {
            let (name, key) = (new.room.as_str(), new.content.key());
            if !room::is_open(tx, &new.room, new.epoch).await? || !room_key::is_kept(tx, name, key).await? {
                return Ok(Sent::RoomClosed);
            }
            if let Some(parent) = new.parent
                && !is_there(tx, &new.room, parent).await?
            {
                return Ok(Sent::InvalidParent);
            }
            let attachments = each_once(&new.attachments);
            if !may_attach(tx, new, &attachments).await? {
                return Ok(Sent::MediaNotFound);
            }
            let row = row(new)?;
            message::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
            attach(tx, new, &attachments).await?;
            let stored = with_attachments(tx, vec![row], Extent::Whole).await?.pop();
            stored.map(Sent::Stored).ok_or_else(|| Cause::unreadable("message", "id"))
        })
    }
}

/// Whether there is such a message to answer.
pub(crate) async fn is_there(tx: &DatabaseTransaction, room: &RoomName, id: MessageId) -> Result<bool, Cause> {
    let message = message::Entity::find_by_id(id.as_i64())
        .filter(Column::Room.eq(room.as_str()))
        .filter(Column::Deleted.is_null())
        .select_only()
        .column(Column::Id)
        .into_tuple::<i64>();
    Ok(message.one(tx).await?.is_some())
}

fn each_once(media: &[MediaId]) -> Vec<i64> {
    let mut ids = Vec::with_capacity(media.len());
    for id in media.iter().map(|id| id.as_i64()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Whether all of these are the sender's to attach. They stay locked.
async fn may_attach(tx: &DatabaseTransaction, new: &NewMessage, media: &[i64]) -> Result<bool, Cause> {
    if media.is_empty() {
        return Ok(true);
    }
    let objects = media::lock(tx, media).await?;
    Ok(objects.len() == media.len()
        && objects.iter().all(|object| {
            let given_up = object.failure.is_some() && object.uploaded.is_none();
            object.room == new.room.as_str() && object.agent_id == new.sender.id.as_str() && !given_up
        }))
}

async fn attach(tx: &DatabaseTransaction, new: &NewMessage, media: &[i64]) -> Result<(), Cause> {
    if media.is_empty() {
        return Ok(());
    }
    let links = (0..).zip(media).map(|(position, &media_id)| {
        message_attachment::Model { message_id: new.id.as_i64(), media_id, position }.into_active_model()
    });
    message_attachment::Entity::insert_many(links).exec_without_returning(tx).await?;
    media_object::Entity::update_many()
        .col_expr(media_object::Column::Attached, Expr::value(new.posted.0))
        .filter(media_object::Column::Id.is_in(media.iter().copied()))
        .filter(media_object::Column::Attached.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

fn row(new: &NewMessage) -> Result<message::Model, Cause> {
    let NewMessage { id, room, epoch: _, parent, sender, content, posted, attachments: _ } = new;
    let SessionView { id: agent_id, name, server_id, server_era, session_id, is_manager } = sender;
    let Columns { content, sealed, sealed_rest, encryption_key_id } = content.write()?;
    Ok(message::Model {
        id: id.as_i64(),
        room: room.to_string(),
        parent: parent.map(MessageId::as_i64),
        agent_id: agent_id.to_string(),
        session_id: session_id.to_string(),
        name: name.clone(),
        server_id: server_id.clone(),
        server_era: server_era.clone(),
        content,
        posted: posted.0,
        edited: None,
        deleted: None,
        sealed,
        sealed_rest,
        encryption_key_id,
        edit_id: None,
        is_manager: *is_manager,
        announced_edit_id: None,
    })
}
