//! Registering a transcoding: keyed, so that it has its effect once however
//! often and in whatever order it is asked for.

use crate::{
    cause::Cause,
    database::Database,
    entity::{job, media_object, media_transcoding},
    error::DbError,
    event, job_row, media, media_row,
    transaction::transact,
};
use heim_common::{
    JobId, MediaId, RoomName,
    job::{JobState, KIND_TRANSCODE},
    media::{MediaState, Transcoding},
};
use media_object::Column;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};

/// A transcoding that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The room that the media object must belong to.
    pub room: RoomName,
    /// The media object.
    pub media: MediaId,
    /// What is stored, and where.
    pub transcoding: Transcoding,
    /// What the decoder found out about the original.
    pub description: Option<Described>,
    /// The job under whose lease it was made, and the lease's fence.
    pub lease: Option<(JobId, i64)>,
}

/// What is known of an original since it was decoded, as the row shall have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Width in pixels, after EXIF orientation.
    pub width: u32,
    /// Height in pixels, after EXIF orientation.
    pub height: u32,
    /// The ThumbHash; sealed where the media object is encrypted.
    pub placeholder: Vec<u8>,
    /// The dominant colour, if it has one; sealed likewise.
    pub color: Option<Vec<u8>>,
    /// Number of frames; 1 for a still picture.
    pub frames: u32,
    /// Whether any pixel is not opaque.
    pub alpha: bool,
}

/// What became of [`Database::transcoding_register`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is there now, for the first time in this version.
    New {
        /// The event that tells of it.
        seq: i64,
    },
    /// It was registered just so before: nothing changed.
    Same,
    /// A later version is there: nothing changed.
    Older,
    /// This version is registered with another body: nothing changed. The
    /// original cannot be replaced either.
    Conflict,
    /// The room has no such media object, or it was never uploaded.
    NoSuchMedia,
    /// Somebody else has the job by now: nothing changed.
    LeaseLost,
}

impl Database {
    /// Registers a transcoding, the event that tells of it and, with the last
    /// one that was asked for, that the media object is ready; in one
    /// transaction. A media object that failed stays so.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn transcoding_register(&self, registration: &Registration) -> Result<Registered, DbError> {
        let Registration { room, media, transcoding, description, lease } = registration;
        transact!(self, DbError::Register, async |tx| {
            let Some(object) = media::lock(tx, &[media.as_i64()]).await?.pop() else {
                return Ok(Registered::NoSuchMedia);
            };
            if object.room != room.as_str() || object.uploaded.is_none() {
                return Ok(Registered::NoSuchMedia);
            }
            if let Some((job, fence)) = *lease
                && !holds(tx, job, fence, *media).await?
            {
                return Ok(Registered::LeaseLost);
            }
            if transcoding.name.is_original() {
                return Ok(Registered::Conflict);
            }
            let key = (media.as_i64(), transcoding.name.to_string());
            if let Some(row) = media_transcoding::Entity::find_by_id(key).one(tx).await? {
                let present = media_row::read_transcoding(row)?;
                if present.version > transcoding.version {
                    return Ok(Registered::Older);
                }
                if present.version == transcoding.version {
                    return Ok(if present == *transcoding { Registered::Same } else { Registered::Conflict });
                }
            }
            store(tx, *media, transcoding).await?;
            describe(tx, &object, description.as_ref()).await?;
            let seq = event::record_one(tx, &object.room, object.id, &transcoding.name).await?;
            told_by(tx, *media, transcoding, seq).await?;
            Ok(Registered::New { seq })
        })
    }
}

/// Whether the job is held under this fence. A lease that ran out still counts
/// until the sweep takes the job away: nobody else has it yet. The job's row
/// stays locked, so that it cannot be taken away before the commit.
async fn holds(tx: &DatabaseTransaction, id: JobId, fence: i64, media: MediaId) -> Result<bool, Cause> {
    let held = job::Entity::find_by_id(id.as_i64())
        .filter(job::Column::MediaId.eq(media.as_i64()))
        .filter(job::Column::Fence.eq(fence))
        .filter(job::Column::State.eq(JobState::Running.as_str()))
        .lock_exclusive()
        .one(tx)
        .await?;
    Ok(held.is_some())
}

async fn store(tx: &DatabaseTransaction, media: MediaId, transcoding: &Transcoding) -> Result<(), Cause> {
    use media_transcoding::Column;
    let body = [Column::Version, Column::Uri, Column::ContentType, Column::Size, Column::Width, Column::Height];
    media_transcoding::Entity::insert(media_row::write_transcoding(media, transcoding, 0).into_active_model())
        .on_conflict(OnConflict::columns([Column::MediaId, Column::Name]).update_columns(body).to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Notes which event tells of a transcoding that is stored.
async fn told_by(tx: &DatabaseTransaction, media: MediaId, transcoding: &Transcoding, seq: i64) -> Result<(), Cause> {
    use media_transcoding::Column;
    media_transcoding::Entity::update_many()
        .col_expr(Column::Seq, Expr::value(seq))
        .filter(Column::MediaId.eq(media.as_i64()))
        .filter(Column::Name.eq(transcoding.name.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes what is new about the media object as a whole.
async fn describe(
    tx: &DatabaseTransaction,
    object: &media_object::Model,
    description: Option<&Described>,
) -> Result<(), Cause> {
    let mut update = media_object::Entity::update_many().filter(Column::Id.eq(object.id));
    if let Some(Described { width, height, placeholder, color, frames, alpha }) = description {
        update = update
            .col_expr(Column::Width, Expr::value(i64::from(*width)))
            .col_expr(Column::Height, Expr::value(i64::from(*height)))
            .col_expr(Column::Placeholder, Expr::value(placeholder.clone()))
            .col_expr(Column::Color, Expr::value(color.clone()))
            .col_expr(Column::Frames, Expr::value(i64::from(*frames)))
            .col_expr(Column::Alpha, Expr::value(i64::from(*alpha)));
    }
    let becomes_ready = object.state == MediaState::Uploaded.as_str() && is_complete(tx, object.id).await?;
    if becomes_ready {
        update = update.col_expr(Column::State, Expr::value(MediaState::Ready.as_str()));
    }
    if becomes_ready || description.is_some() {
        update.exec(tx).await?;
    }
    Ok(())
}

/// Whether everything that was asked for is there, in whatever version.
async fn is_complete(tx: &DatabaseTransaction, media: i64) -> Result<bool, Cause> {
    let asked = job::Entity::find()
        .filter(job::Column::MediaId.eq(media))
        .filter(job::Column::Kind.eq(KIND_TRANSCODE))
        .one(tx)
        .await?;
    let Some(job) = asked else { return Ok(false) };
    Ok(job_row::missing(tx, &job, None).await?.is_empty())
}
