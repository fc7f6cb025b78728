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
use std::{collections::BTreeSet, fmt::Display};

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
/// run while the room is in use, and again after it was interrupted. Or says only what
/// would be done.
pub(crate) async fn rewrap(tools: Tools<'_>, room: &RoomName, dry_run: bool) -> Result<Rewrapped, Failure> {
    let work = async {
        let done = if dry_run {
            would_bring_under_current(tools, room).await?
        } else {
            bring_under_current(tools, room).await?
        };
        Ok((done, done.media + done.messages))
    };
    tools.audited("room rewrap", room.as_str(), dry_run, work).await
}

async fn bring_under_current(tools: Tools<'_>, room: &RoomName) -> Result<Rewrapped, Failure> {
    let (mut done, mut altered) = (Rewrapped::default(), Altered::default());
    // Again, for what others have put under an older key meanwhile.
    loop {
        let Walk { media, messages, left } = walk(tools, room, &mut altered, false).await?;
        done.media += media;
        done.messages += messages;
        // What is left was altered, or is changed by somebody else just now.
        if media + messages == 0 {
            done.left = left.len() as u64;
            break;
        }
    }
    done.keys_removed = tools.db.room_keys_remove_unused(room).await?;
    tools.keys.forget(Some(room));
    Ok(done)
}

async fn would_bring_under_current(tools: Tools<'_>, room: &RoomName) -> Result<Rewrapped, Failure> {
    let Walk { media, messages, left } = walk(tools, room, &mut Altered::default(), true).await?;
    let keys_removed = tools.db.room_keys_unused_then(room, &left).await?;
    Ok(Rewrapped { media, messages, left: left.len() as u64, keys_removed })
}

/// What [`walk`] has brought under the current key, or would bring.
#[derive(Default)]
struct Walk {
    media: u64,
    messages: u64,
    /// The key of each row that stays where it is.
    left: Vec<RoomKeyId>,
}

/// Rows that did not open.
#[derive(Default)]
struct Altered {
    media: BTreeSet<MediaId>,
    messages: BTreeSet<MessageId>,
}

/// Once over all that a room has under other keys than its current one.
async fn walk(tools: Tools<'_>, room: &RoomName, altered: &mut Altered, dry_run: bool) -> Result<Walk, Failure> {
    let mut walk = Walk::default();
    // The current key may be another at any moment: each batch asks anew.
    let current = || async { tools.keys.current(tools.db, room).await.map_err(of_no_private_room) };
    let mut after = None;
    loop {
        let key = current().await?;
        let some = tools.db.media_under_other_keys(room, key.id, after, BATCH).await?;
        let Some((last, _)) = some.last() else { break };
        after = Some(*last);
        for (id, encryption) in &some {
            let moving = Box::pin(rewrap_media(tools, &key, *id, encryption, dry_run));
            if unless_altered(&mut altered.media, room, *id, moving).await? {
                walk.media += 1;
            } else {
                walk.left.push(encryption.key_id);
            }
        }
    }
    let mut after = None;
    loop {
        let key = current().await?;
        let some = tools.db.messages_under_other_keys(room, key.id, after, BATCH).await?;
        let Some((last, _)) = some.last() else { break };
        after = Some(*last);
        for (id, sealed) in &some {
            let moving = Box::pin(reseal(tools, &key, *id, sealed, dry_run));
            if unless_altered(&mut altered.messages, room, *id, moving).await? {
                walk.messages += 1;
            } else {
                walk.left.push(sealed.key);
            }
        }
    }
    Ok(walk)
}

fn of_no_private_room(error: KeyError) -> Failure {
    match error {
        KeyError::Gone => Code::RoomNotFound.into(),
        error => error.into(),
    }
}

/// A row that does not open keeps its key, and holds nobody else up. It is not tried again.
async fn unless_altered<Id: Copy + Ord + Display>(
    altered: &mut BTreeSet<Id>,
    room: &RoomName,
    id: Id,
    moving: impl Future<Output = Result<bool, KeyError>>,
) -> Result<bool, Failure> {
    if altered.contains(&id) {
        return Ok(false);
    }
    match moving.await {
        Err(error @ (KeyError::Altered(_) | KeyError::Gone)) => {
            tracing::error!(%room, %id, error = chain(&error), "not rewrapped");
            altered.insert(id);
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
    dry_run: bool,
) -> Result<bool, KeyError> {
    let old = tools.keys.get(tools.db, current.room(), encryption.key_id).await?;
    let secret = old.unwrap(id, encryption)?;
    Ok(dry_run || tools.db.media_rewrap(id, encryption.key_id, &current.wrap(id, &secret)).await?)
}

async fn reseal(
    tools: Tools<'_>,
    current: &RoomKey,
    id: MessageId,
    sealed: &SealedContent,
    dry_run: bool,
) -> Result<bool, KeyError> {
    let old = tools.keys.get(tools.db, current.room(), sealed.key).await?;
    let open = old.open_text(id, sealed)?;
    Ok(dry_run || tools.db.message_reseal(id, sealed, &current.seal_text(id, &open.text)).await?)
}

/// What [`rotate_master`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rotated {
    pub(crate) rewrapped: u64,
    /// Keys that did not open: the log says which.
    pub(crate) left: u64,
}

/// Wraps every room's keys with the current master key. Then the one before it
/// can leave `keys.previous`. Or says only how many that would be.
pub(crate) async fn rotate_master(tools: Tools<'_>, dry_run: bool) -> Result<Rotated, Failure> {
    let work = async {
        let done = wrap_anew(tools, dry_run).await?;
        Ok((done, done.rewrapped))
    };
    tools.audited("keys rotate-master", "all", dry_run, work).await
}

async fn wrap_anew(tools: Tools<'_>, dry_run: bool) -> Result<Rotated, Failure> {
    let mut done = Rotated::default();
    let mut after = None;
    loop {
        let rows = tools.db.room_keys(after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(done) };
        for row in rows {
            let (id, before) = (row.id, row.wrapped.clone());
            match tools.keys.rewrapped(row).await {
                Ok(None) => {}
                Ok(Some(_)) if dry_run => done.rewrapped += 1,
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
