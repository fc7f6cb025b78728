//! Chat messages as the domain has them, and reading them.

use crate::{
    cause::Cause,
    column,
    content::{Columns, Content},
    database::Database,
    entity::{
        media_object, media_transcoding,
        message::{Column, Entity, Model},
        message_attachment,
    },
    error::DbError,
    media_row,
};
use heim_common::{
    EditId, MediaId, MessageId, Millis, RoomName, SessionId, UserId, media::MediaObject, session::SessionView,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, SelectStatement},
};
use std::collections::HashMap;

/// What somebody said, with the media objects that they attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its room.
    pub room: RoomName,
    /// The message it answers.
    pub parent: Option<MessageId>,
    /// Who sent it, as the room saw them at that moment.
    pub sender: SessionView,
    /// What they said.
    pub content: Content,
    /// When it was sent.
    pub posted: Millis,
    /// The newest change.
    pub edit: Option<EditId>,
    /// When it was changed last.
    pub edited: Option<Millis>,
    /// When it was deleted.
    pub deleted: Option<Millis>,
    /// In the order in which they were attached.
    pub attachments: Vec<MediaObject>,
}

/// That a message was changed, and the room is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRow {
    /// The change.
    pub edit: EditId,
    /// What was changed.
    pub message: MessageId,
    /// Where.
    pub room: RoomName,
}

/// That somebody said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// What.
    pub id: MessageId,
    /// Where.
    pub room: RoomName,
    /// By which connection.
    pub by: SessionId,
}

/// Most messages that one call reads.
pub const LOG_MAX: u64 = 1_000;

/// Content of more than 4096 bytes, which is all that clients are shown of it,
/// comes as its first 4097 characters: never all of a mebibyte, and always more
/// than is shown, so that whoever cuts it sees that there was more.
const CONTENT_CUT: &str = "CASE WHEN octet_length(content) > 4096 THEN substr(content, 1, 4097) ELSE content END";

/// Of the rest of a sealed message, whether there is one.
const REST_CUT: &str = "CASE WHEN sealed_rest IS NULL THEN NULL ELSE substr(sealed, 1, 0) END";

/// How much of a message a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Cut,
}

impl Database {
    /// A message of a room, also a deleted one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn message(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, DbError> {
        self.read(DbError::ReadMessages, async {
            let of_room = Column::Room.eq(room.as_str());
            let rows = Entity::find_by_id(id.as_i64()).filter(of_room).all(&self.pool).await?;
            Ok(with_attachments(&self.pool, rows, Extent::Whole).await?.pop())
        })
        .await
    }

    /// The same without what is far behind the first 4096 bytes of its content;
    /// of a sealed one, with the head alone.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn message_cut(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, DbError> {
        self.read(DbError::ReadMessages, async {
            let of_room = Column::Room.eq(room.as_str());
            let rows = cut().filter(Column::Id.eq(id.as_i64())).filter(of_room).all(&self.pool).await?;
            Ok(with_attachments(&self.pool, rows, Extent::Cut).await?.pop())
        })
        .await
    }

    /// At most `limit` messages of all rooms with ids above `id`, by id, without
    /// deleted ones. Ids are made before they are committed, so one below those
    /// that were returned may still come.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn messages_since(&self, id: MessageId, limit: u64) -> Result<Vec<MessageRow>, DbError> {
        let query = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Room, Column::SessionId])
            .filter(Column::Id.gt(id.as_i64()))
            .filter(Column::Deleted.is_null())
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_tuple::<(i64, String, String)>();
        self.read(DbError::ReadMessages, async {
            let row = |(id, room, session): (i64, String, String)| {
                let room = column::of("message", "room").word(&room)?;
                Ok(MessageRow { id: MessageId::from_i64(id), room, by: SessionId::from_stored(session) })
            };
            query.all(&self.pool).await?.into_iter().map(row).collect()
        })
        .await
    }

    /// At most `limit` messages of all rooms whose newest change is one that their
    /// room is told of and has an id above `edit`, by that id; those that it
    /// deleted too. Earlier changes of the same messages are not seen any more.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn edits_since(&self, edit: EditId, limit: u64) -> Result<Vec<EditRow>, DbError> {
        use sea_orm::sea_query::ExprTrait;
        let query = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Room, Column::AnnouncedEditId])
            .filter(Column::AnnouncedEditId.gt(edit.as_i64()))
            // An older release makes changes that it does not say this of.
            .filter(Expr::col(Column::AnnouncedEditId).eq(Expr::col(Column::EditId)))
            .order_by_asc(Column::AnnouncedEditId)
            .limit(limit)
            .into_tuple::<(i64, String, i64)>();
        self.read(DbError::ReadMessages, async {
            let row = |(message, room, edit): (i64, String, i64)| {
                let room = column::of("message", "room").word(&room)?;
                Ok(EditRow { edit: EditId::from_i64(edit), message: MessageId::from_i64(message), room })
            };
            query.all(&self.pool).await?.into_iter().map(row).collect()
        })
        .await
    }

    /// The newest `n` messages of a room, or the newest before a certain one;
    /// oldest first, without deleted ones. Never more than [`LOG_MAX`], and their
    /// contents as [`Self::message_cut`] reads them.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn log(&self, room: &RoomName, n: u64, before: Option<MessageId>) -> Result<Vec<Message>, DbError> {
        self.read(DbError::ReadMessages, async {
            let mut query = cut().filter(Column::Room.eq(room.as_str())).filter(Column::Deleted.is_null());
            if let Some(before) = before {
                query = query.filter(Column::Id.lt(before.as_i64()));
            }
            let mut rows = query.order_by_desc(Column::Id).limit(n.min(LOG_MAX)).all(&self.pool).await?;
            rows.reverse();
            with_attachments(&self.pool, rows, Extent::Cut).await
        })
        .await
    }
}

/// Rows with cut contents.
fn cut() -> Select<Entity> {
    let others = Column::iter().filter(|column| !matches!(column, Column::Content | Column::SealedRest));
    Entity::find()
        .select_only()
        .columns(others)
        .column_as(Expr::cust(CONTENT_CUT), Column::Content)
        .column_as(Expr::cust(REST_CUT), Column::SealedRest)
}

/// The messages with their media objects: three more statements, however many
/// messages there are.
pub(crate) async fn with_attachments<C: ConnectionTrait>(
    connection: &C,
    rows: Vec<Model>,
    extent: Extent,
) -> Result<Vec<Message>, Cause> {
    use message_attachment::{Column as Attached, Entity as Attachment};
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let attached = Attachment::find().filter(Attached::MessageId.is_in(ids.iter().copied()));
    let links = attached.clone().order_by_asc(Attached::Position).all(connection).await?;
    let mut media = HashMap::new();
    if !links.is_empty() {
        let of_these = attached.select_only().column(Attached::MediaId).into_query();
        for object in media_of(connection, of_these).await? {
            media.insert(object.id, object);
        }
    }
    let mut attachments: HashMap<i64, Vec<MediaObject>> = HashMap::new();
    for link in links {
        // One that was removed between two of the statements is left out.
        if let Some(object) = media.get(&MediaId::from_i64(link.media_id)) {
            attachments.entry(link.message_id).or_default().push(object.clone());
        }
    }
    rows.into_iter()
        .map(|row| {
            let own = attachments.remove(&row.id).unwrap_or_default();
            read(row, extent, own)
        })
        .collect()
}

async fn media_of<C: ConnectionTrait>(connection: &C, ids: SelectStatement) -> Result<Vec<MediaObject>, Cause> {
    let of_these = media_object::Column::Id.in_subquery(ids.clone());
    let objects = media_object::Entity::find().filter(of_these).filter(media_object::Column::Gone.is_null());
    // Before the transcodings: see `media_row::assemble`.
    let objects = objects.all(connection).await?;
    let of_these = media_transcoding::Column::MediaId.in_subquery(ids);
    let transcodings = media_transcoding::Entity::find().filter(of_these).all(connection).await?;
    media_row::assemble(objects, transcodings)
}

fn read(mut row: Model, extent: Extent, attachments: Vec<MediaObject>) -> Result<Message, Cause> {
    let content = Content::read(Columns::from(&mut row), extent == Extent::Cut)?;
    Ok(Message {
        id: MessageId::from_i64(row.id),
        room: column::of("message", "room").word(&row.room)?,
        parent: row.parent.map(MessageId::from_i64),
        sender: SessionView {
            id: UserId::from_stored(row.agent_id),
            name: row.name,
            server_id: row.server_id,
            server_era: row.server_era,
            session_id: SessionId::from_stored(row.session_id),
            is_manager: row.is_manager,
        },
        content,
        posted: Millis(row.posted),
        edit: row.edit_id.map(EditId::from_i64),
        edited: row.edited.map(Millis),
        deleted: row.deleted.map(Millis),
        attachments,
    })
}
