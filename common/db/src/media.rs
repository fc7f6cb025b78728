//! Media objects: created with an upload handle, and read.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::{
        media_object::{Column, Entity, Model},
        media_transcoding,
    },
    error::DbError,
    lock, media_row, room, room_key,
    transaction::transact,
};
use heim_common::{
    MediaId, Millis, RoomName, UserId,
    media::{Encryption, MediaObject, MediaState, Uploader},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

/// A media object that waits for its upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMedia {
    /// Its id.
    pub id: MediaId,
    /// The room it belongs to.
    pub room: RoomName,
    /// The room's epoch when the uploader joined.
    pub epoch: i64,
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
    /// How its files will be encrypted; there in private rooms.
    pub encryption: Option<Encryption>,
}

/// What became of [`Database::media_create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The media object is there.
    Created,
    /// The agent must use the upload handles that it has.
    TooManyPending,
    /// The room is deleted, or has another epoch; or the key that wraps its
    /// secret is no longer the room's: the uploader has to leave.
    RoomClosed,
}

/// What an upload has to know of its media object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSlot {
    /// The room it belongs to.
    pub room: RoomName,
    /// Whose it is.
    pub agent: UserId,
    /// Where it is in its life.
    pub state: MediaState,
    /// Whether its content is there.
    pub is_uploaded: bool,
    /// When its upload handle expires.
    pub expires: Millis,
    /// Most bytes that it may have.
    pub max_size: u64,
    /// How its files are encrypted.
    pub encryption: Option<Encryption>,
}

impl Database {
    /// Creates a media object, unless its agent has `pending_max` others that
    /// wait for their upload.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_create(&self, media: &NewMedia, pending_max: u32) -> Result<Created, DbError> {
        let NewMedia { room, epoch, uploader, created, encryption, .. } = media;
        transact!(self, DbError::CreateMedia, async |tx| {
            let key = encryption.as_ref().map(|encryption| encryption.key_id);
            if !room::is_open(tx, room, *epoch).await? || !room_key::is_kept(tx, room.as_str(), key).await? {
                return Ok(Created::RoomClosed);
            }
            lock::agent(tx, uploader.id.as_str()).await?;
            let pending = Entity::find()
                .filter(Column::AgentId.eq(uploader.id.as_str()))
                .filter(Column::Uploaded.is_null())
                .filter(Column::State.eq(MediaState::Created.as_str()))
                .filter(Column::Expires.gte(created.0))
                .filter(Column::Gone.is_null())
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

    /// What an upload to this media object has to know before it begins.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn upload_slot(&self, id: MediaId) -> Result<Option<UploadSlot>, DbError> {
        self.read(DbError::ReadMedia, async {
            let row = Entity::find_by_id(id.as_i64()).filter(Column::Gone.is_null()).one(&self.pool).await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(UploadSlot {
                room: column::of("media_object", "room").word(&row.room)?,
                agent: UserId::from_stored(row.agent_id),
                state: column::of("media_object", "state").word(&row.state)?,
                is_uploaded: row.uploaded.is_some(),
                expires: Millis(row.expires),
                max_size: column::of("media_object", "max_size").number(row.max_size)?,
                encryption: media_row::read_encryption(row.encryption_key_id, row.wrapped_key)?,
            }))
        })
        .await
    }
}

/// Media objects in the order of their ids, which fit in one statement; but for
/// those that are given up.
pub(crate) async fn by_ids<C: ConnectionTrait>(connection: &C, ids: &[i64]) -> Result<Vec<MediaObject>, Cause> {
    let of_these = Column::Id.is_in(ids.iter().copied());
    let objects = Entity::find().filter(of_these).filter(Column::Gone.is_null()).order_by_asc(Column::Id);
    // Before the transcodings: see `media_row::assemble`.
    let objects = objects.all(connection).await?;
    let of_these = media_transcoding::Column::MediaId.is_in(ids.iter().copied());
    let transcodings = media_transcoding::Entity::find().filter(of_these).all(connection).await?;
    media_row::assemble(objects, transcodings)
}

/// Locks media objects until the transaction ends, so that what changes them
/// runs one after the other. Always in the order of their ids. Those that are
/// given up are not there.
pub(crate) async fn lock(tx: &DatabaseTransaction, ids: &[i64]) -> Result<Vec<Model>, Cause> {
    let of_these = Column::Id.is_in(ids.iter().copied());
    let these = Entity::find().filter(of_these).filter(Column::Gone.is_null()).order_by_asc(Column::Id);
    Ok(these.lock_exclusive().all(tx).await?)
}

fn row(media: &NewMedia) -> Model {
    let NewMedia { id, room, epoch: _, uploader, created, expires, max_size, width, height, encryption } = media;
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
        color: None,
        frames: None,
        alpha: None,
        encryption_key_id: encryption.as_ref().map(|encryption| encryption.key_id.as_i64()),
        wrapped_key: encryption.as_ref().map(|encryption| encryption.wrapped.clone()),
        seq: 0,
        attached: None,
        gone: None,
    }
}
