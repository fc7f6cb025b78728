//! Removing media objects for good: rows, files, and from the messages that show them.

use super::Tools;
use crate::{failure::Failure, keys::KeyError};
use heim_common::{
    EditId, MediaId, MessageId, RoomName, UserId, key::ObjectKey, media::MediaObject, problem::Code, room_event::News,
};
use heim_db::{Doomed, RoomKeyRow, Whose, Withdrawn};
use heim_runtime::telemetry::chain;
use serde::Serialize;
use std::collections::BTreeSet;

mod digest;

/// Media objects in one transaction.
const BATCH: u64 = 64;
/// Digests in one statement.
const DIGESTS_MAX: usize = 256;

/// What is to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PurgeKey {
    /// One media object.
    Media(MediaId),
    /// What a message shows.
    Message(MessageId),
    /// What an agent uploaded.
    Agent(UserId),
    /// What was uploaded to a room.
    Room(RoomName),
    /// Every upload of this very file.
    Sha256([u8; 32]),
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PurgeReport {
    /// Each media object.
    pub(crate) media: Vec<Doomed>,
    /// Messages that were deleted, because they showed nothing else.
    pub(crate) messages_deleted: Vec<MessageId>,
    /// Messages that were changed, and show what else they showed.
    pub(crate) messages_changed: Vec<MessageId>,
    /// Files that were removed from the store.
    pub(crate) files: u64,
    /// Media objects whose files could not be removed now: the next sweep does it.
    pub(crate) files_left: u64,
    /// Private rooms of which a key does not open: what is in them by a digest under
    /// it was not found.
    pub(crate) rooms_unopened: Vec<RoomName>,
}

/// Removes it, or says what would be removed. It may be run again after it was
/// interrupted.
pub(crate) async fn purge(tools: Tools<'_>, key: &PurgeKey, dry_run: bool) -> Result<PurgeReport, Failure> {
    let subject = match key {
        PurgeKey::Media(id) => format!("media={id}"),
        PurgeKey::Message(id) => format!("message={id}"),
        PurgeKey::Agent(agent) => format!("agent={agent}"),
        PurgeKey::Room(room) => format!("room={room}"),
        PurgeKey::Sha256(sha256) => format!("sha256={}", data_encoding::HEXLOWER.encode(sha256)),
    };
    let work = Box::pin(async {
        let mut report = PurgeReport::default();
        match key {
            PurgeKey::Media(id) => all_of(tools, &Whose::Media(*id), dry_run, &mut report).await?,
            PurgeKey::Message(id) => all_of(tools, &Whose::Message(*id), dry_run, &mut report).await?,
            PurgeKey::Agent(agent) => all_of(tools, &Whose::Agent(agent.clone()), dry_run, &mut report).await?,
            PurgeKey::Room(room) => all_of(tools, &Whose::Room(room.clone()), dry_run, &mut report).await?,
            PurgeKey::Sha256(sha256) => digest::purge(tools, sha256, dry_run, &mut report).await?,
        }
        report.messages_deleted.sort_unstable();
        report.messages_changed.sort_unstable();
        if report.media.is_empty() {
            return Err(Failure::with(Code::MediaNotFound, "there is no such media object"));
        }
        let count = report.media.len() as u64;
        Ok((report, count))
    });
    tools.audited("purge", &subject, dry_run, work).await
}

async fn all_of(tools: Tools<'_>, whose: &Whose, dry_run: bool, report: &mut PurgeReport) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let some = tools.db.media_doomed(whose, after, BATCH).await?;
        let Some(last) = some.last().map(|doomed| doomed.media) else { return Ok(()) };
        after = Some(last);
        if dry_run {
            Box::pin(foresee(tools, some, report)).await?;
        } else {
            Box::pin(remove(tools, some, report)).await?;
        }
    }
}

async fn remove(tools: Tools<'_>, doomed: Vec<Doomed>, report: &mut PurgeReport) -> Result<(), Failure> {
    // Before anything is changed.
    let store = tools.store()?;
    let edit = || EditId(tools.ids.snowflake());
    let ids: Vec<_> = doomed.iter().map(|doomed| doomed.media).collect();
    let purged = tools.db.media_purge(&ids, &edit, tools.now()).await?;
    for Withdrawn { room, message, edit, previous, deleted } in purged.messages {
        if deleted { &mut report.messages_deleted } else { &mut report.messages_changed }.push(message);
        tools.voice.tell(&room, News::Edited { message, edit, previous, by: None }).await;
    }
    for id in &purged.media {
        match store.delete_folder(&ObjectKey::folder(*id)).await {
            Ok(files) => report.files += files,
            Err(error) => {
                tracing::warn!(media = %id, error = chain(&error), "files not removed; the next sweep does it");
                report.files_left += 1;
            }
        }
    }
    // Somebody else may have been first with some of them.
    let ours: BTreeSet<_> = purged.media.into_iter().collect();
    report.media.extend(doomed.into_iter().filter(|doomed| ours.contains(&doomed.media)));
    Ok(())
}

/// What [`remove`] would do.
async fn foresee(tools: Tools<'_>, doomed: Vec<Doomed>, report: &mut PurgeReport) -> Result<(), Failure> {
    report.files += doomed.iter().map(|doomed| doomed.objects).sum::<u64>();
    report.media.extend(doomed);
    let gone: BTreeSet<_> = report.media.iter().map(|doomed| doomed.media).collect();
    let messages: BTreeSet<_> =
        report.media.iter().flat_map(|doomed| doomed.messages.iter().map(|id| (doomed.room.clone(), *id))).collect();
    (report.messages_deleted, report.messages_changed) = (Vec::new(), Vec::new());
    for (room, id) in messages {
        let Some(message) = tools.db.message(&room, id).await? else { continue };
        if message.deleted.is_some() {
            continue;
        }
        let shows_more = message.attachments.iter().any(|media: &MediaObject| !gone.contains(&media.id));
        if shows_more { &mut report.messages_changed } else { &mut report.messages_deleted }.push(id);
    }
    Ok(())
}

/// The key of a private room; none where it does not open.
async fn opened(
    tools: Tools<'_>,
    row: &RoomKeyRow,
    report: &mut PurgeReport,
) -> Result<Option<std::sync::Arc<crate::keys::RoomKey>>, Failure> {
    match tools.keys.get(tools.db, &row.room, row.id).await {
        Ok(key) => Ok(Some(key)),
        // Shredded in the meantime, with its room.
        Err(KeyError::Gone) => Ok(None),
        Err(KeyError::Database(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(room = %row.room, error = chain(&error), "a key of a room does not open");
            if !report.rooms_unopened.contains(&row.room) {
                report.rooms_unopened.push(row.room.clone());
            }
            Ok(None)
        }
    }
}
