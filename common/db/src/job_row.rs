//! What the column `transcodings` of a job says, and how much of it is missing.

use crate::{
    cause::Cause,
    column,
    entity::{job, media_transcoding},
};
use heim_common::spec::{TranscodingName, TranscodingSpec};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::Deserialize;
use std::collections::HashMap;

/// Of a spec, what every release can read.
#[derive(Deserialize)]
struct Named {
    name: TranscodingName,
}

fn unreadable() -> Cause {
    column::of("job", "transcodings").unreadable()
}

/// The specs, for whoever carries them out. Specs of a later release cannot be
/// read; the job is then left to processes of that release.
pub(crate) fn specs(job: &job::Model) -> Result<Vec<TranscodingSpec>, Cause> {
    serde_json::from_str(&job.transcodings).map_err(|_| unreadable())
}

/// The names of the specs without a transcoding; with `engine`, of those too
/// whose transcoding is of an older version.
pub(crate) async fn missing<C: ConnectionTrait>(
    connection: &C,
    job: &job::Model,
    engine: Option<i64>,
) -> Result<Vec<TranscodingName>, Cause> {
    let names: Vec<Named> = serde_json::from_str(&job.transcodings).map_err(|_| unreadable())?;
    let of_this = media_transcoding::Column::MediaId.eq(job.media_id);
    let rows = media_transcoding::Entity::find().filter(of_this).all(connection).await?;
    let versions: HashMap<String, i64> = rows.into_iter().map(|row| (row.name, row.version)).collect();
    let is_there = |name: &TranscodingName| {
        versions.get(name.as_str()).is_some_and(|version| engine.is_none_or(|engine| *version >= engine))
    };
    Ok(names.into_iter().map(|named| named.name).filter(|name| !is_there(name)).collect())
}
