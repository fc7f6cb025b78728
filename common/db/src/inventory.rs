//! How many media objects wait for what sweep, and which are there at all.

use crate::{
    database::Database,
    entity::media_object::{Column, Entity},
    error::DbError,
};
use heim_common::MediaId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement};
use std::collections::HashSet;

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

    /// Which of these have a row, also those that are given up: what the store
    /// holds of others is nobody's.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_exist(&self, ids: &[MediaId]) -> Result<HashSet<MediaId>, DbError> {
        self.read(DbError::Sweep, async {
            let mut there = HashSet::new();
            for some in ids.chunks(ASKED_AT_ONCE) {
                let of_these = Column::Id.is_in(some.iter().map(|id| id.as_i64()));
                let rows = Entity::find().select_only().column(Column::Id).filter(of_these).into_tuple::<i64>();
                there.extend(rows.all(&self.pool).await?.into_iter().map(MediaId::from_i64));
            }
            Ok(there)
        })
        .await
    }
}
