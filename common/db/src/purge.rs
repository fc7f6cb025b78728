//! Removing media objects for good, whoever shows them: at once, and without the
//! grace that a deleted message has.
//!
//! In one transaction, a media object is given up, its transcodings, its job and what
//! its row says of the picture are gone, and the messages that showed it are changed:
//! one that shows nothing else is deleted. What stays is an empty row, until the sweep
//! has removed the files once more and then the row.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::{
        attempt, job,
        media_object::{Column, Entity},
        media_transcoding, message, message_attachment,
    },
    error::DbError,
    media,
    message_edit::{self, MessageEdit},
    retention::give_up,
    room,
    transaction::transact,
};
use heim_common::{EditId, MediaId, MessageId, Millis, RoomName, UserId};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which media objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This one.
    Media(MediaId),
    /// All that a message shows.
    Message(MessageId),
    /// All that an agent has uploaded, or may upload yet.
    Agent(UserId),
    /// All of a room.
    Room(RoomName),
    /// All whose row has one of these digests. Not more than one statement may hold.
    Digests(Vec<[u8; 32]>),
}

/// What there is to remove of a media object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doomed {
    /// Which.
    pub media: MediaId,
    /// Its room.
    pub room: RoomName,
    /// Who uploaded it.
    pub agent: UserId,
    /// Where it is in its life.
    pub state: String,
    /// Its original and its transcodings.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The messages that show it.
    pub messages: Vec<MessageId>,
}

/// A message that was changed because of what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// Where.
    pub room: RoomName,
    /// Which.
    pub message: MessageId,
    /// The change, which is to be announced.
    pub edit: EditId,
    /// The change before it.
    pub previous: Option<EditId>,
    /// Whether it is deleted by it.
    pub deleted: bool,
}

/// What [`Database::media_purge`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// The media objects whose files are to be removed.
    pub media: Vec<MediaId>,
    /// The messages that showed them.
    pub messages: Vec<Withdrawn>,
}

impl Database {
    /// At most `limit` of these media objects by id, after a certain one, with what
    /// there is to remove. Those that are given up already are not among them.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_doomed(
        &self,
        whose: &Whose,
        after: Option<MediaId>,
        limit: u64,
    ) -> Result<Vec<Doomed>, DbError> {
        let mut query = chosen(whose).filter(Column::Gone.is_null()).order_by_asc(Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.as_i64()));
        }
        self.read(DbError::Inspect, async {
            let rows = query.all(&self.pool).await?;
            let ids = || rows.iter().map(|row| row.id);
            let mut objects: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
            let made = media_transcoding::Entity::find().filter(media_transcoding::Column::MediaId.is_in(ids()));
            for row in made.all(&self.pool).await? {
                let (count, bytes) = objects.entry(row.media_id).or_default();
                (*count, *bytes) = (*count + 1, *bytes + row.size.unsigned_abs());
            }
            let mut messages: BTreeMap<i64, Vec<MessageId>> = BTreeMap::new();
            let links = message_attachment::Entity::find().filter(message_attachment::Column::MediaId.is_in(ids()));
            for row in links.order_by_asc(message_attachment::Column::MessageId).all(&self.pool).await? {
                messages.entry(row.media_id).or_default().push(MessageId::from_i64(row.message_id));
            }
            let doomed = |row: crate::entity::media_object::Model| {
                let (objects, bytes) = objects.get(&row.id).copied().unwrap_or_default();
                Ok(Doomed {
                    media: MediaId::from_i64(row.id),
                    room: column::of("media_object", "room").word(&row.room)?,
                    agent: UserId::from_stored(row.agent_id),
                    state: row.state,
                    objects,
                    bytes,
                    messages: messages.remove(&row.id).unwrap_or_default(),
                })
            };
            rows.into_iter().map(doomed).collect()
        })
        .await
    }

    /// At most `limit` media objects of a room that were uploaded before a moment, by
    /// id, after a certain one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_uploaded_before(
        &self,
        room: &RoomName,
        before: Millis,
        after: Option<MediaId>,
        limit: u64,
    ) -> Result<Vec<MediaId>, DbError> {
        let older = Column::Room.eq(room.as_str()).and(Column::Uploaded.lt(before.0)).and(Column::Gone.is_null());
        let mut query = Entity::find().select_only().column(Column::Id).filter(older);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.as_i64()));
        }
        let query = query.order_by_asc(Column::Id).limit(limit).into_tuple::<i64>();
        let ids = self.read(DbError::Inspect, async { Ok(query.all(&self.pool).await?) }).await?;
        Ok(ids.into_iter().map(MediaId::from_i64).collect())
    }

    /// Removes media objects, as many as fit in one statement; `edit` draws the ids of
    /// the changes of messages.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_purge(
        &self,
        ids: &[MediaId],
        edit: &(dyn Fn() -> EditId + Send + Sync),
        now: Millis,
    ) -> Result<Purged, DbError> {
        transact!(self, DbError::Steer, async |tx| {
            let ids: Vec<_> = ids.iter().map(|id| id.as_i64()).collect();
            let open = share_rooms(tx, &ids).await?;
            let locked: Vec<_> = media::lock(tx, &ids).await?.into_iter().map(|row| row.id).collect();
            let mut messages = Vec::new();
            for message in shown_by(tx, &locked).await? {
                messages.extend(withdraw(tx, message, &locked, &open, edit, now).await?);
            }
            let of_these = media_transcoding::Column::MediaId.is_in(locked.iter().copied());
            media_transcoding::Entity::delete_many().filter(of_these).exec(tx).await?;
            forget_errors(tx, &locked).await?;
            give_up(tx, &locked).await?;
            forget_contents(tx, &locked).await?;
            Ok(Purged { media: locked.into_iter().map(MediaId::from_i64).collect(), messages })
        })
    }
}

fn chosen(whose: &Whose) -> sea_orm::Select<Entity> {
    let these = match whose {
        Whose::Media(id) => Column::Id.eq(id.as_i64()),
        Whose::Message(id) => {
            use message_attachment::{Column as Link, Entity as Links};
            let shown = Links::find().select_only().column(Link::MediaId).filter(Link::MessageId.eq(id.as_i64()));
            Column::Id.in_subquery(shown.into_query())
        }
        Whose::Agent(agent) => Column::AgentId.eq(agent.as_str()),
        Whose::Room(room) => Column::Room.eq(room.as_str()),
        Whose::Digests(digests) => Column::Digest.is_in(digests.iter().map(|digest| digest.to_vec())),
    };
    Entity::find().filter(these)
}

/// Holds the rooms of these as they are, before anything else is locked; returns those
/// that are not deleted. Which room one belongs to never changes.
async fn share_rooms(tx: &DatabaseTransaction, ids: &[i64]) -> Result<BTreeSet<String>, Cause> {
    let rooms = Entity::find().select_only().column(Column::Room).distinct();
    let rooms = rooms.filter(Column::Id.is_in(ids.iter().copied())).order_by_asc(Column::Room);
    let mut open = BTreeSet::new();
    for room in rooms.into_tuple::<String>().all(tx).await? {
        if room::is_live(tx, &room).await? {
            open.insert(room);
        }
    }
    Ok(open)
}

/// The messages that show one of these, in the order in which they are locked.
async fn shown_by(tx: &DatabaseTransaction, media: &[i64]) -> Result<BTreeSet<i64>, Cause> {
    use message_attachment::{Column, Entity};
    let messages = Entity::find().select_only().column(Column::MessageId);
    let messages = messages.filter(Column::MediaId.is_in(media.iter().copied()));
    Ok(messages.into_tuple().all(tx).await?.into_iter().collect())
}

/// Takes these away from a message that shows some of them.
async fn withdraw(
    tx: &DatabaseTransaction,
    message: i64,
    media: &[i64],
    open: &BTreeSet<String>,
    edit: &(dyn Fn() -> EditId + Send + Sync),
    now: Millis,
) -> Result<Option<Withdrawn>, Cause> {
    let Some(row) = message::Entity::find_by_id(message).lock_exclusive().one(tx).await? else { return Ok(None) };
    let of_this = message_attachment::Column::MessageId.eq(message);
    message_attachment::Entity::delete_many()
        .filter(of_this.clone())
        .filter(message_attachment::Column::MediaId.is_in(media.iter().copied()))
        .exec(tx)
        .await?;
    if row.deleted.is_some() || !open.contains(&row.room) {
        return Ok(None);
    }
    let left = message_attachment::Entity::find().filter(of_this).count(tx).await?;
    let (room, previous) = (column::of("message", "room").word(&row.room)?, row.edit_id.map(EditId::from_i64));
    let change = MessageEdit {
        room,
        // What it is compared with is behind us: the room is held.
        epoch: 0,
        id: MessageId::from_i64(message),
        edit: edit(),
        previous,
        parent: None,
        content: None,
        delete: left == 0,
        announce: true,
        now,
    };
    message_edit::change(tx, row, &change).await?;
    let MessageEdit { room, id: message, edit, delete: deleted, .. } = change;
    Ok(Some(Withdrawn { room, message, edit, previous, deleted }))
}

/// What workers said of attempts at these.
async fn forget_errors(tx: &DatabaseTransaction, media: &[i64]) -> Result<(), Cause> {
    let jobs = job::Entity::find().select_only().column(job::Column::Id);
    let jobs = jobs.filter(job::Column::MediaId.is_in(media.iter().copied())).into_query();
    attempt::Entity::update_many()
        .col_expr(attempt::Column::Error, Expr::value(None::<String>))
        .filter(attempt::Column::Job.in_subquery(jobs))
        .exec(tx)
        .await?;
    Ok(())
}

/// What rows of media objects that are given up say of a picture.
async fn forget_contents(tx: &DatabaseTransaction, media: &[i64]) -> Result<(), Cause> {
    Entity::update_many()
        .col_expr(Column::Digest, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Placeholder, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Color, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::EncryptionKeyId, Expr::value(None::<i64>))
        .col_expr(Column::WrappedKey, Expr::value(None::<Vec<u8>>))
        .filter(Column::Id.is_in(media.iter().copied()))
        .exec(tx)
        .await?;
    Ok(())
}
