//! Media objects: created with an upload handle, and read.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::{
        media_object::{Column, Entity, Model},
        media_transcoding, message, message_attachment,
    },
    error::DbError,
    lock, media_row,
    transaction::transact,
};
use heim_common::{
    MediaId, Millis, RoomName,
    media::{MediaObject, MediaState, Uploader},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};

/// A media object that waits for its upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMedia {
    /// Its id.
    pub id: MediaId,
    /// The room it belongs to.
    pub room: RoomName,
    /// Who may upload it.
    pub uploader: Uploader,
    /// Now.
    pub created: Millis,
    /// When its upload handle expires.
    pub expires: Millis,
    /// Most bytes that it may have.
    pub max_size: u64,
    /// Width in pixels, as far as the client says.
    pub width: Option<u32>,
    /// Height in pixels, as far as the client says.
    pub height: Option<u32>,
}

/// What became of [`Database::media_create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The media object is there.
    Created,
    /// The agent must use the upload handles that it has.
    TooManyPending,
}

/// What an upload has to know of its media object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSlot {
    /// The room it belongs to.
    pub room: RoomName,
    /// Where it is in its life.
    pub state: MediaState,
    /// When its upload handle expires.
    pub expires: Millis,
    /// Most bytes that it may have.
    pub max_size: u64,
}

impl Database {
    /// Creates a media object, unless its agent has `pending_max` others that
    /// wait for their upload.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_create(&self, media: &NewMedia, pending_max: u32) -> Result<Created, DbError> {
        let NewMedia { id: _, room: _, uploader, created, expires: _, max_size: _, width: _, height: _ } = media;
        transact!(self, DbError::CreateMedia, async |tx| {
            lock::agent(tx, uploader.id.as_str()).await?;
            let pending = Entity::find()
                .filter(Column::AgentId.eq(uploader.id.as_str()))
                .filter(Column::Uploaded.is_null())
                .filter(Column::State.eq(MediaState::Created.as_str()))
                .filter(Column::Expires.gte(created.0))
                .count(tx)
                .await?;
            if pending >= u64::from(pending_max) {
                return Ok(Created::TooManyPending);
            }
            Entity::insert(row(media).into_active_model()).exec_without_returning(tx).await?;
            Ok(Created::Created)
        })
    }

    /// A media object with all that is there of it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media(&self, id: MediaId) -> Result<Option<MediaObject>, DbError> {
        self.read(DbError::ReadMedia, async { Ok(by_ids(&self.pool, &[id.as_i64()]).await?.pop()) }).await
    }

    /// Whether a message that is not deleted shows this media object.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_is_attached(&self, id: MediaId) -> Result<bool, DbError> {
        self.read(DbError::ReadMedia, async {
            let shown = message_attachment::Entity::find()
                .select_only()
                .column(message_attachment::Column::MessageId)
                .filter(message_attachment::Column::MediaId.eq(id.as_i64()));
            let live = message::Entity::find()
                .filter(message::Column::Id.in_subquery(shown.into_query()))
                .filter(message::Column::Deleted.is_null());
            Ok(live.count(&self.pool).await? > 0)
        })
        .await
    }

    /// What an upload to this media object has to know before it begins.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn upload_slot(&self, id: MediaId) -> Result<Option<UploadSlot>, DbError> {
        self.read(DbError::ReadMedia, async {
            let Some(row) = Entity::find_by_id(id.as_i64()).one(&self.pool).await? else { return Ok(None) };
            Ok(Some(UploadSlot {
                room: column::of("media_object", "room").word(&row.room)?,
                state: column::of("media_object", "state").word(&row.state)?,
                expires: Millis(row.expires),
                max_size: column::of("media_object", "max_size").number(row.max_size)?,
            }))
        })
        .await
    }
}

/// Media objects in the order of their ids, which fit in one statement.
pub(crate) async fn by_ids<C: ConnectionTrait>(connection: &C, ids: &[i64]) -> Result<Vec<MediaObject>, Cause> {
    let of_these = Column::Id.is_in(ids.iter().copied());
    let objects = Entity::find().filter(of_these).order_by_asc(Column::Id).all(connection).await?;
    let of_these = media_transcoding::Column::MediaId.is_in(ids.iter().copied());
    let transcodings = media_transcoding::Entity::find().filter(of_these).all(connection).await?;
    media_row::assemble(objects, transcodings)
}

/// Locks media objects until the transaction ends, so that what changes them
/// runs one after the other. Always in the order of their ids.
pub(crate) async fn lock(tx: &DatabaseTransaction, ids: &[i64]) -> Result<Vec<Model>, Cause> {
    let of_these = Column::Id.is_in(ids.iter().copied());
    Ok(Entity::find().filter(of_these).order_by_asc(Column::Id).lock_exclusive().all(tx).await?)
}

fn row(media: &NewMedia) -> Model {
    let NewMedia { id, room, uploader, created, expires, max_size, width, height } = media;
    let Uploader { id: agent_id, name, server_id, server_era } = uploader;
    Model {
        id: id.as_i64(),
        room: room.to_string(),
        agent_id: agent_id.to_string(),
        name: name.clone(),
        server_id: server_id.clone(),
        server_era: server_era.clone(),
        created: created.0,
        expires: expires.0,
        max_size: column::size(*max_size),
        uploaded: None,
        state: MediaState::Created.as_str().to_owned(),
        failure: None,
        storage: None,
        content_type: None,
        size: None,
        digest: None,
        width: width.map(i64::from),
        height: height.map(i64::from),
        placeholder: None,
    }
}
