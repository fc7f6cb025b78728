//! How many media objects wait for what sweep, and which objects of the store
//! their rows name.

use crate::{
    database::Database,
    entity::{
        job,
        media_object::{Column, Entity},
        media_transcoding,
    },
    error::DbError,
};
use heim_common::{MediaId, job::JobState, key::ObjectKey, spec::TranscodingName};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement};
use std::collections::{HashMap, HashSet};

/// Ids in one statement: databases bound how many values one may have.
const ASKED_AT_ONCE: usize = 1_000;

/// How many media objects nobody can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounts {
    /// Were uploaded, or failed, and no message ever showed them.
    pub unattached: u64,
    /// Were shown by messages that are all deleted.
    pub withheld: u64,
    /// Are given up, and their files are being removed.
    pub gone: u64,
}

/// What the rows say of a media object's objects in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// It is given up: all that is left of it is removed by its own sweep.
    pub is_gone: bool,
    /// A job of it is not over: a transcoding may be stored and not registered.
    pub is_worked_on: bool,
    /// The objects that rows name.
    pub keys: HashSet<ObjectKey>,
}

const COUNTS: &str = "SELECT
    (SELECT count(*) FROM media_object WHERE attached IS NULL AND gone IS NULL AND state <> 'created') AS unattached,
    (SELECT count(DISTINCT link.media_id) FROM message
       JOIN message_attachment AS link ON link.message_id = message.id
       JOIN media_object ON media_object.id = link.media_id
     WHERE message.deleted IS NOT NULL AND media_object.gone IS NULL AND NOT EXISTS (
       SELECT 1 FROM message_attachment AS held JOIN message AS holder ON holder.id = held.message_id
       WHERE held.media_id = link.media_id AND holder.deleted IS NULL)) AS withheld,
    (SELECT count(*) FROM media_object WHERE gone IS NOT NULL) AS gone";

impl Database {
    /// How many media objects nobody can see.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_counts(&self) -> Result<MediaCounts, DbError> {
        self.read(DbError::Sweep, async {
            let row = self.pool.query_one_raw(Statement::from_string(self.backend(), COUNTS)).await?;
            let Some(row) = row else { return Ok(MediaCounts::default()) };
            let count = |name| row.try_get::<i64>("", name).map(i64::unsigned_abs);
            Ok(MediaCounts { unattached: count("unattached")?, withheld: count("withheld")?, gone: count("gone")? })
        })
        .await
    }

    /// The SHA-256 of those objects of these media objects of which a row says
    /// it: originals that are stored as they were uploaded. Of an encrypted one
    /// the row has another digest, and of no ciphertext.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn digests(&self, ids: &[MediaId]) -> Result<HashMap<ObjectKey, [u8; 32]>, DbError> {
        self.read(DbError::Sweep, async {
            let mut all = HashMap::new();
            for some in ids.chunks(ASKED_AT_ONCE) {
                let ids = || some.iter().map(|id| id.as_i64());
                let plain = Entity::find().select_only().columns([Column::Id, Column::Digest]);
                let plain = plain.filter(Column::Id.is_in(ids())).filter(Column::WrappedKey.is_null());
                let plain = plain.into_tuple::<(i64, Option<Vec<u8>>)>().all(&self.pool).await?;
                let digests: HashMap<i64, Vec<u8>> =
                    plain.into_iter().filter_map(|(id, digest)| Some((id, digest?))).collect();
                let originals = media_transcoding::Entity::find().select_only();
                let originals = originals.columns([media_transcoding::Column::MediaId, media_transcoding::Column::Uri]);
                let originals = originals.filter(media_transcoding::Column::MediaId.is_in(ids()));
                let originals =
                    originals.filter(media_transcoding::Column::Name.eq(TranscodingName::original().as_str()));
                for (id, uri) in originals.into_tuple::<(i64, String)>().all(&self.pool).await? {
                    let digest = digests.get(&id).and_then(|digest| digest.as_slice().try_into().ok());
                    all.extend(digest.map(|digest| (ObjectKey::from_stored(uri), digest)));
                }
            }
            Ok(all)
        })
        .await
    }

    /// What the rows say of the objects of these media objects. One that is not
    /// in the answer has no row: what the store holds of it is nobody's.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn holdings(&self, ids: &[MediaId]) -> Result<HashMap<MediaId, Holding>, DbError> {
        self.read(DbError::Sweep, async {
            let mut all = HashMap::new();
            for some in ids.chunks(ASKED_AT_ONCE) {
                let ids = || some.iter().map(|id| id.as_i64());
                let objects = Entity::find().select_only().columns([Column::Id, Column::Gone]);
                let objects = objects.filter(Column::Id.is_in(ids())).into_tuple::<(i64, Option<i64>)>();
                for (id, gone) in objects.all(&self.pool).await? {
                    all.insert(id, Holding { is_gone: gone.is_some(), ..Holding::default() });
                }
                let busy = job::Entity::find().select_only().column(job::Column::MediaId);
                let open = [JobState::Pending.as_str(), JobState::Running.as_str()];
                let busy = busy.filter(job::Column::MediaId.is_in(ids())).filter(job::Column::State.is_in(open));
                for id in busy.into_tuple::<i64>().all(&self.pool).await? {
                    all.entry(id).or_default().is_worked_on = true;
                }
                // Read last: what a job has registered before it ended is seen.
                let named = media_transcoding::Entity::find().select_only();
                let named = named.columns([media_transcoding::Column::MediaId, media_transcoding::Column::Uri]);
                let named = named.filter(media_transcoding::Column::MediaId.is_in(ids())).into_tuple::<(i64, String)>();
                for (id, uri) in named.all(&self.pool).await? {
                    all.entry(id).or_default().keys.insert(ObjectKey::from_stored(uri));
                }
            }
            Ok(all.into_iter().map(|(id, holding)| (MediaId::from_i64(id), holding)).collect())
        })
        .await
    }
}
