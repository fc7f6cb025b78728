//! Removing media objects for good, by whatever they are found by.

use super::{
    asked::{Query, Tried, agent_id, named},
    problems::Purging,
    words,
};
use crate::{
    admin::purge::{PurgeKey, PurgeReport},
    failure::Failure,
    routes::{Served, hooks::Body},
};
use axum::{Json, extract::State};
use heim_common::{MediaId, MessageId, RoomName, UserId, problem::Code};
use heim_db::Doomed;
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// What is to be removed: one of these.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PurgeMeant {
    Media(MediaId),
    Message(MessageId),
    Agent(String),
    Room(RoomName),
    Sha256(String),
}

impl ToSchema for PurgeMeant {}

impl PartialSchema for PurgeMeant {
    fn schema() -> RefOr<Schema> {
        words::one_of([
            ("media", "A media object.", words::MediaId::schema()),
            ("message", "All that a message shows.", words::MessageId::schema()),
            ("agent", "All that an agent has uploaded.", words::AgentId::schema()),
            ("room", "All that was uploaded to a room. The room stays.", words::RoomName::schema()),
            ("sha256", "Every upload of the file with this SHA-256, in all rooms.", words::Sha256::schema()),
        ])
    }
}

impl TryFrom<PurgeMeant> for PurgeKey {
    type Error = Failure;

    fn try_from(meant: PurgeMeant) -> Result<Self, Failure> {
        Ok(match meant {
            PurgeMeant::Media(id) => Self::Media(id),
            PurgeMeant::Message(id) => Self::Message(id),
            PurgeMeant::Agent(agent) => Self::Agent(agent_id(&agent)?),
            PurgeMeant::Room(room) => Self::Room(room),
            PurgeMeant::Sha256(digits) => {
                let digest = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
                let digest = digest.and_then(|bytes| bytes.try_into().ok());
                let wrong = || Failure::with(Code::BadRequest, "sha256: 64 hexadecimal digits expected");
                Self::Sha256(digest.ok_or_else(wrong)?)
            }
        })
    }
}

/// A media object that was removed, or would be.
#[derive(Serialize, ToSchema)]
struct Purged {
    #[schema(value_type = words::MediaId)]
    media: MediaId,
    #[schema(value_type = words::RoomName)]
    room: RoomName,
    /// Who uploaded it.
    #[schema(value_type = words::AgentId)]
    agent: UserId,
    #[schema(value_type = words::MediaState)]
    state: String,
    /// Its original and its transcodings.
    objects: u64,
    /// Their bytes.
    bytes: u64,
    /// The messages that showed it.
    #[schema(value_type = Vec<words::MessageId>)]
    messages: Vec<MessageId>,
}

impl From<Doomed> for Purged {
    fn from(doomed: Doomed) -> Self {
        let Doomed { media, room, agent, state, objects, bytes, messages } = doomed;
        Self { media, room, agent, state, objects, bytes, messages }
    }
}

/// What was removed, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct PurgeDone {
    dry_run: bool,
    /// Which media objects: the first 1,000 of them.
    #[schema(max_items = 1000)]
    media: Vec<Purged>,
    /// How many.
    count: usize,
    /// Messages that were deleted, because they showed nothing else: the first 1,000.
    #[schema(value_type = Vec<words::MessageId>, max_items = 1000)]
    messages_deleted: Vec<MessageId>,
    /// Messages that were changed, and show what else they showed: the first 1,000.
    #[schema(value_type = Vec<words::MessageId>, max_items = 1000)]
    messages_changed: Vec<MessageId>,
    /// Files that were removed from the store.
    files: u64,
    /// Media objects whose files could not be removed now: the next sweep does it.
    files_left: u64,
    /// Private rooms of which a key does not open: what is in them may be left.
    #[schema(value_type = Vec<words::RoomName>)]
    rooms_unopened: Vec<RoomName>,
}

impl PurgeDone {
    fn of(report: PurgeReport, dry_run: bool) -> Self {
        let PurgeReport { media, messages_deleted, messages_changed, files, files_left, rooms_unopened } = report;
        Self {
            dry_run,
            count: media.len(),
            media: named(media).into_iter().map(Into::into).collect(),
            messages_deleted: named(messages_deleted),
            messages_changed: named(messages_changed),
            files,
            files_left,
            rooms_unopened: named(rooms_unopened),
        }
    }
}

/// Removes media objects for good: rows, files, and from the messages that show them.
///
/// There is no grace and no way back; a backup still has it. It may be run again after
/// it was interrupted.
#[utoipa::path(post, path = "/purge", tag = "store", params(Tried),
    request_body(content = PurgeMeant, example = json!({ "media": "0c1oft7ew7ojk" })),
    responses((status = 200, description = "They are gone.", body = PurgeDone), Purging))]
pub(super) async fn purge(
    State(Served { app, .. }): State<Served>,
    Query(Tried { dry_run }): Query<Tried>,
    Body(meant): Body<PurgeMeant>,
) -> Result<Json<PurgeDone>, Failure> {
    let key = PurgeKey::try_from(meant)?;
    let work = {
        let app = app.clone();
        async move { Box::pin(crate::admin::purge::purge(app.tools(), &key, dry_run)).await }
    };
    let report = app.see_through(work).await?;
    Ok(Json(PurgeDone::of(report, dry_run)))
}
