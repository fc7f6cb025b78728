//! The moment at which an upload becomes durable.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::{job, media_object, media_transcoding},
    error::DbError,
    event, media_row,
    quota::{self, QuotaExceeded, Quotas},
    room,
    transaction::transact,
};
use heim_common::{
    JobId, MediaId, Millis, Trace,
    job::{JobState, KIND_TRANSCODE, Lane},
    key::ObjectKey,
    media::{MediaState, Transcoding},
    spec::{TranscodingName, TranscodingSpec},
};
use media_object::Column;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, Query},
};

/// An original that is stored, and what is to be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The media object.
    pub id: MediaId,
    /// Now.
    pub now: Millis,
    /// Where its bytes are.
    pub key: ObjectKey,
    /// Its media type, by its content.
    pub content_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256; an HMAC of that in private rooms.
    pub digest: [u8; 32],
    /// Declared width in pixels, after EXIF orientation.
    pub width: Option<u32>,
    /// Declared height in pixels, after EXIF orientation.
    pub height: Option<u32>,
    /// The transcodings to make; where there are none, no job is made.
    pub specs: Vec<TranscodingSpec>,
    /// The job's id.
    pub job: JobId,
    /// Where the job waits.
    pub lane: Lane,
    /// How much its agent and its room may have within a day, with it.
    pub quotas: Quotas,
    /// The request that brought it; its job is done for that.
    pub trace: Option<Trace>,
}

/// What became of [`Database::media_uploaded`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// It is durable: the first upload to this media object.
    Stored {
        /// The event that tells of the original.
        seq: i64,
    },
    /// Another upload was first.
    AlreadyUploaded,
    /// With it, there would be too much within a day.
    QuotaExceeded(QuotaExceeded),
    /// The media object is no longer there, or was given up, or its room is
    /// deleted.
    Gone,
}

impl Database {
    /// Commits an upload: the media object, its `original`, the event that
    /// tells of it, and the job, in one transaction. Of many uploads to one
    /// media object the first wins.
    ///
    /// Asked again about the same upload, it answers as if the first time had
    /// been the only one: an upload is told by its object's key, which no other
    /// has.
    ///
    /// # Errors
    /// If the database does not answer. The upload may then be committed all
    /// the same: only the answer to another call says whether it is.
    pub async fn media_uploaded(&self, uploaded: &Uploaded) -> Result<UploadOutcome, DbError> {
        transact!(self, DbError::CommitUpload, async |tx| {
            // Which room it belongs to never changes.
            let this = media_object::Entity::find_by_id(uploaded.id.as_i64()).filter(Column::Gone.is_null());
            let Some(unlocked) = this.clone().one(tx).await? else { return Ok(UploadOutcome::Gone) };
            if !room::is_live(tx, &unlocked.room).await? {
                return Ok(UploadOutcome::Gone);
            }
            if uploaded.quotas != Quotas::default() && unlocked.uploaded.is_none() {
                let whose = (unlocked.agent_id.as_str(), unlocked.room.as_str());
                let kept = quota::keep(tx, whose, uploaded.size, uploaded.quotas, uploaded.now).await?;
                if let Err(exceeded) = kept {
                    return Ok(UploadOutcome::QuotaExceeded(exceeded));
                }
            }
            let Some(row) = win(tx, uploaded).await? else {
                return match this.one(tx).await? {
                    Some(row) if row.uploaded.is_some() => won_before(tx, uploaded, &row).await,
                    _ => Ok(UploadOutcome::Gone),
                };
            };
            if !uploaded.specs.is_empty() {
                insert_job(tx, uploaded, &row.room).await?;
            }
            let seq = event::record_one(tx, &row.room, row.id, &TranscodingName::original()).await?;
            let original = media_row::write_transcoding(uploaded.id, &original(uploaded), seq);
            media_transcoding::Entity::insert(original.into_active_model()).exec_without_returning(tx).await?;
            Ok(UploadOutcome::Stored { seq })
        })
    }
}

/// Takes the media object, if no other upload has it.
async fn win(tx: &DatabaseTransaction, uploaded: &Uploaded) -> Result<Option<media_object::Model>, Cause> {
    let Uploaded { id, now, key, content_type, size, digest, width, height, specs, .. } = uploaded;
    let state = if specs.is_empty() { MediaState::Ready } else { MediaState::Uploaded };
    let rows = media_object::Entity::update_many()
        .col_expr(Column::Uploaded, Expr::value(now.0))
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Storage, Expr::value(key.as_str()))
        .col_expr(Column::ContentType, Expr::value(content_type.as_str()))
        .col_expr(Column::Size, Expr::value(column::size(*size)))
        .col_expr(Column::Digest, Expr::value(digest.to_vec()))
        .col_expr(Column::Width, Expr::value(width.map(i64::from)))
        .col_expr(Column::Height, Expr::value(height.map(i64::from)))
        .filter(Column::Id.eq(id.as_i64()))
        .filter(Column::Uploaded.is_null())
        .filter(Column::Gone.is_null())
        .filter(Column::State.eq(MediaState::Created.as_str()))
        .exec_with_returning(tx)
        .await?;
    Ok(rows.into_iter().next())
}

/// Of a media object that has its content: whether it is this very upload, whose
/// commit was carried out and never heard of.
async fn won_before(
    tx: &DatabaseTransaction,
    uploaded: &Uploaded,
    row: &media_object::Model,
) -> Result<UploadOutcome, Cause> {
    use media_transcoding::{Column, Entity};
    if row.storage.as_deref() != Some(uploaded.key.as_str()) {
        return Ok(UploadOutcome::AlreadyUploaded);
    }
    let original = Entity::find()
        .filter(Column::MediaId.eq(row.id))
        .filter(Column::Name.eq(TranscodingName::original().as_str()))
        .one(tx)
        .await?
        .ok_or_else(|| Cause::unreadable("media_transcoding", "original"))?;
    Ok(UploadOutcome::Stored { seq: original.seq })
}

fn original(uploaded: &Uploaded) -> Transcoding {
    Transcoding {
        name: TranscodingName::original(),
        version: 0,
        key: uploaded.key.clone(),
        content_type: uploaded.content_type.clone(),
        size: uploaded.size,
        width: uploaded.width,
        height: uploaded.height,
    }
}

async fn insert_job(tx: &DatabaseTransaction, uploaded: &Uploaded, room: &str) -> Result<(), Cause> {
    use job::Column;
    let specs = serde_json::to_string(&uploaded.specs).map_err(|_| Cause::unreadable("job", "transcodings"))?;
    let now = clock::now(tx.get_database_backend());
    let insert = Query::insert()
        .into_table(job::Entity)
        .columns([
            Column::Id,
            Column::Kind,
            Column::Lane,
            Column::Room,
            Column::MediaId,
            Column::Transcodings,
            Column::State,
            Column::RunAfter,
            Column::Created,
            Column::Trace,
        ])
        .values_panic([
            uploaded.job.as_i64().into(),
            KIND_TRANSCODE.into(),
            uploaded.lane.as_str().into(),
            room.into(),
            uploaded.id.as_i64().into(),
            specs.into(),
            JobState::Pending.as_str().into(),
            now.clone(),
            now,
            uploaded.trace.map(|trace| trace.to_string()).into(),
        ])
        .to_owned();
    tx.execute(&insert).await?;
    Ok(())
}
