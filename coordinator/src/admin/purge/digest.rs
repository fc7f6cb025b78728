//! Finding every upload of one file. In public rooms, rows have its SHA-256; in private
//! ones an HMAC of that under a key of the room.
//!
//! A key that everything was taken from under is removed, and the digests under it with
//! all that could be compared with them: so what is older than the oldest key of its
//! room is read, opened and hashed.

use super::{BATCH, DIGESTS_MAX, PurgeReport, all_of, foresee, opened, remove};
use crate::{admin::Tools, failure::Failure};
use aws_lc_rs::digest::{Context, SHA256};
use futures_util::TryStreamExt;
use heim_common::{MediaId, Millis, RoomName, spec::TranscodingName};
use heim_db::Whose;
use heim_runtime::telemetry::chain;
use std::{collections::BTreeMap, time::Duration};

/// Keys that are read in one go.
const KEYS: u64 = 256;
/// By how much the clocks of two machines may differ, of which one took an upload
/// and the other made a key.
const SKEW: Duration = Duration::from_mins(1);

/// Removes every upload of the file with this digest, or says which they are.
pub(super) async fn purge(
    tools: Tools<'_>,
    sha256: &[u8; 32],
    dry_run: bool,
    report: &mut PurgeReport,
) -> Result<(), Failure> {
    let mut digests = vec![*sha256];
    let mut oldest: BTreeMap<RoomName, Millis> = BTreeMap::new();
    let mut after = None;
    loop {
        let rows = tools.db.room_keys(after, KEYS).await?;
        let Some(last) = rows.last().map(|row| row.id) else { break };
        after = Some(last);
        for row in rows {
            let first = oldest.entry(row.room.clone()).or_insert(row.created);
            *first = (*first).min(row.created);
            digests.extend(opened(tools, &row, report).await?.map(|key| key.digest(sha256)));
        }
        if digests.len() >= DIGESTS_MAX {
            all_of(tools, &Whose::Digests(std::mem::take(&mut digests)), dry_run, report).await?;
        }
    }
    all_of(tools, &Whose::Digests(digests), dry_run, report).await?;
    for (room, first_key) in oldest {
        older(tools, &room, first_key.after(SKEW), sha256, dry_run, report).await?;
    }
    Ok(())
}

/// Looks into what was uploaded to a room before its oldest key was made.
async fn older(
    tools: Tools<'_>,
    room: &RoomName,
    first_key: Millis,
    sha256: &[u8; 32],
    dry_run: bool,
    report: &mut PurgeReport,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let some = tools.db.media_uploaded_before(room, first_key, after, BATCH).await?;
        let Some(last) = some.last() else { return Ok(()) };
        after = Some(*last);
        for id in some {
            let is_known = report.media.iter().any(|doomed| doomed.media == id);
            if is_known || !Box::pin(is_this(tools, id, sha256)).await? {
                continue;
            }
            let doomed = tools.db.media_doomed(&Whose::Media(id), None, 1).await?;
            if dry_run {
                Box::pin(foresee(tools, doomed, report)).await?;
            } else {
                Box::pin(remove(tools, doomed, report)).await?;
            }
        }
    }
}

/// Whether the original of a media object is this file. What cannot be read is not.
async fn is_this(tools: Tools<'_>, id: MediaId, sha256: &[u8; 32]) -> Result<bool, Failure> {
    let Some(media) = tools.db.media(id).await? else { return Ok(false) };
    let Some(original) = media.transcoding(&TranscodingName::original()) else { return Ok(false) };
    let read = async {
        let secret = tools.keys.object_secret(tools.db, &media.room, id, media.encryption.as_ref()).await?;
        let mut body = tools.store()?.read(&original.key, secret.as_ref(), None).await?;
        let mut hash = Context::new(&SHA256);
        while let Some(chunk) = body.try_next().await? {
            hash.update(&chunk);
        }
        Ok::<_, Failure>(hash.finish().as_ref() == sha256)
    };
    match read.await {
        Ok(is_this) => Ok(is_this),
        Err(failure) => {
            let cause = failure.cause.as_deref().map(|cause| chain(cause));
            tracing::warn!(media = %id, cause, "an original could not be compared");
            Ok(false)
        }
    }
}
