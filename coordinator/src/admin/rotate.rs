//! New keys in place of old ones.

use super::Tools;
use crate::{
    failure::Failure,
    keys::{KeyError, RoomKey},
};
use heim_common::{MediaId, MessageId, RoomKeyId, RoomName, media::Encryption, problem::Code};
use heim_db::SealedContent;
use heim_runtime::telemetry::chain;
use serde::Serialize;
use std::fmt::Display;

/// Rows that are brought under another key at a time.
const BATCH: u64 = 256;

/// What [`rewrap`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rewrapped {
    pub(crate) media: u64,
    pub(crate) messages: u64,
    /// Rows that could not be brought under it: the log says which.
    pub(crate) left: u64,
    /// Old keys that nothing needs any more: they are gone.
    pub(crate) keys_removed: u64,
}

/// Gives a private room a new key. What is there stays under the old one until
/// [`rewrap`] brings it under the new one.
pub(crate) async fn rotate_key(tools: Tools<'_>, room: &RoomName) -> Result<RoomKeyId, Failure> {
    let work = async {
        let id = RoomKeyId(tools.ids.snowflake());
        let key = tools.keys.new_room_key(room, id, tools.now()).await?;
        if !tools.db.room_key_add(room, &key).await? {
            return Err(Code::RoomNotFound.into());
        }
        Ok((id, 1))
    };
    tools.audited("room rotate-key", room.as_str(), false, work).await
}

/// Brings all that a room has under its current key: secrets of media objects
/// are wrapped anew (their files stay as they are), messages sealed anew. It may
/// run while the room is in use, and again after it was interrupted.
pub(crate) async fn rewrap(tools: Tools<'_>, room: &RoomName) -> Result<Rewrapped, Failure> {
    let work = async {
        let done = bring_under_current(tools, room).await?;
        Ok((done, done.media + done.messages))
    };
    tools.audited("room rewrap", room.as_str(), false, work).await
}

async fn bring_under_current(tools: Tools<'_>, room: &RoomName) -> Result<Rewrapped, Failure> {
    let mut done = Rewrapped::default();
    // The current key may be another at any moment: each batch asks anew.
    let current = || async { tools.keys.current(tools.db, room).await.map_err(of_no_private_room) };
    loop {
        let key = current().await?;
        let some = tools.db.media_under_other_keys(room, key.id, BATCH).await?;
        let mut moved = 0;
        for (id, encryption) in &some {
            moved += u64::from(unless_altered(room, id, rewrap_media(tools, &key, *id, encryption).await)?);
        }
        done.media += moved;
        // What is left was altered, or is changed by somebody else just now.
        if moved == 0 {
            done.left += some.len() as u64;
            break;
        }
    }
    loop {
        let key = current().await?;
        let some = tools.db.messages_under_other_keys(room, key.id, BATCH).await?;
        let mut moved = 0;
        for (id, sealed) in &some {
            moved += u64::from(unless_altered(room, id, reseal(tools, &key, *id, sealed).await)?);
        }
        done.messages += moved;
        if moved == 0 {
            done.left += some.len() as u64;
            break;
        }
    }
    done.keys_removed = tools.db.room_keys_remove_unused(room).await?;
    tools.keys.forget(Some(room));
    Ok(done)
}

fn of_no_private_room(error: KeyError) -> Failure {
    match error {
        KeyError::Gone => Code::RoomNotFound.into(),
        error => error.into(),
    }
}

/// A row that does not open keeps its key, and holds nobody else up.
fn unless_altered(room: &RoomName, id: &impl Display, moved: Result<bool, KeyError>) -> Result<bool, Failure> {
    match moved {
        Err(error @ (KeyError::Altered(_) | KeyError::Gone)) => {
            tracing::error!(%room, %id, error = chain(&error), "not rewrapped");
            Ok(false)
        }
        moved => Ok(moved?),
    }
}

async fn rewrap_media(
    tools: Tools<'_>,
    current: &RoomKey,
    id: MediaId,
    encryption: &Encryption,
) -> Result<bool, KeyError> {
    let old = tools.keys.get(tools.db, current.room(), encryption.key_id).await?;
    let secret = old.unwrap(id, encryption)?;
    Ok(tools.db.media_rewrap(id, encryption.key_id, &current.wrap(id, &secret)).await?)
}

async fn reseal(tools: Tools<'_>, current: &RoomKey, id: MessageId, sealed: &SealedContent) -> Result<bool, KeyError> {
    let old = tools.keys.get(tools.db, current.room(), sealed.key).await?;
    let open = old.open_text(id, sealed)?;
    Ok(tools.db.message_reseal(id, sealed, &current.seal_text(id, &open.text)).await?)
}

/// What [`rotate_master`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rotated {
    pub(crate) rewrapped: u64,
    /// Keys that did not open: the log says which.
    pub(crate) left: u64,
}

/// Wraps every room's keys with the current master key. Then the one before it
/// can leave `keys.previous`.
pub(crate) async fn rotate_master(tools: Tools<'_>) -> Result<Rotated, Failure> {
    let work = async {
        let done = wrap_anew(tools).await?;
        Ok((done, done.rewrapped))
    };
    tools.audited("keys rotate-master", "all", false, work).await
}

async fn wrap_anew(tools: Tools<'_>) -> Result<Rotated, Failure> {
    let mut done = Rotated::default();
    let mut after = None;
    loop {
        let rows = tools.db.room_keys(after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(done) };
        for row in rows {
            let (id, before) = (row.id, row.wrapped.clone());
            match tools.keys.rewrapped(row).await {
                Ok(None) => {}
                Ok(Some((wrapped, master))) => {
                    done.rewrapped += u64::from(tools.db.room_key_rewrap(id, &before, &wrapped, &master).await?);
                }
                Err(error @ (KeyError::Master(_) | KeyError::OtherMaster { .. })) => {
                    tracing::error!(%id, error = chain(&error), "not wrapped anew");
                    done.left += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        after = Some(last);
    }
}
