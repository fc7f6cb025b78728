//! What tests begin with: people, rooms, media objects in some state.

use heim_common::{
    EditId, JobId, MediaId, MessageId, Millis, RoomKeyId, RoomName, SessionId, Snowflake, UserId,
    job::{Attempts, Lane, Reason, Verdict},
    key::ObjectKey,
    media::{Encryption, Transcoding, Uploader},
    session::SessionView,
    spec::{TranscodingSpec, default_specs},
};
use heim_db::{
    Claim, Content, Created, Database, Described, Message, MessageEdit, NewMedia, NewMessage, NewRoomKey, Quotas,
    Registration, Rest, RoomCreated, SealedContent, Sent, UploadOutcome, Uploaded,
};
use std::time::Duration;

pub(crate) const NOW: Millis = Millis(1_800_000_000_000);
pub(crate) const FOREVER: Millis = Millis(4_000_000_000_000);
pub(crate) const LEASE: Duration = Duration::from_mins(1);
/// A lease that has run out when it is given.
pub(crate) const NO_LEASE: Duration = Duration::ZERO;
pub(crate) const ATTEMPTS: Attempts = Attempts { failures_max: 3, deaths_max: 2, away_max: LEASE };
pub(crate) const RETRY: Verdict = Verdict::Retry { reason: Reason::StoreUnavailable };

/// No rest between attempts.
pub(crate) fn at_once(_failures: u32) -> Duration {
    Duration::ZERO
}

pub(crate) fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

pub(crate) fn media_id(id: u64) -> MediaId {
    MediaId(Snowflake(id))
}

pub(crate) fn job_id(id: u64) -> JobId {
    JobId(Snowflake(id))
}

pub(crate) fn message_id(id: u64) -> MessageId {
    MessageId(Snowflake(id))
}

pub(crate) fn edit_id(id: u64) -> EditId {
    EditId(Snowflake(id))
}

pub(crate) fn key_id(id: u64) -> RoomKeyId {
    RoomKeyId(Snowflake(id))
}

pub(crate) fn session(agent: &str, name: &str) -> SessionView {
    SessionView {
        id: UserId::from_stored(format!("agent:{agent}")),
        name: name.to_owned(),
        server_id: "server".to_owned(),
        server_era: "era".to_owned(),
        session_id: SessionId::from_stored(format!("{agent}-1")),
        is_manager: false,
    }
}

pub(crate) fn new_media(id: u64, room_name: &str, agent: &str) -> NewMedia {
    let SessionView { id: agent, name, server_id, server_era, session_id: _, is_manager: _ } = session(agent, agent);
    NewMedia {
        id: media_id(id),
        room: room(room_name),
        epoch: 0,
        uploader: Uploader { id: agent, name, server_id, server_era },
        created: NOW,
        expires: FOREVER,
        max_size: 1_000,
        width: None,
        height: None,
        encryption: None,
    }
}

/// A media object that waits for its upload.
pub(crate) async fn created(db: &Database, id: u64, room: &str, agent: &str) {
    assert_eq!(db.media_create(&new_media(id, room, agent), 1_000).await.unwrap(), Created::Created);
}

pub(crate) fn two_specs() -> Vec<TranscodingSpec> {
    default_specs().into_iter().take(2).collect()
}

/// The upload of a media object, whose job has the same number.
pub(crate) fn upload(id: u64) -> Uploaded {
    Uploaded {
        id: media_id(id),
        now: NOW,
        key: ObjectKey::original(media_id(id), Snowflake(id)),
        content_type: "image/jpeg".to_owned(),
        size: 500,
        digest: [7; 32],
        width: Some(4_000),
        height: Some(3_000),
        specs: two_specs(),
        job: job_id(id),
        lane: Lane::Interactive,
        quotas: Quotas::default(),
        trace: None,
    }
}

/// A media object of `anna` with an original and a waiting job.
pub(crate) async fn uploaded(db: &Database, id: u64, room: &str) {
    created(db, id, room, "anna").await;
    assert!(matches!(db.media_uploaded(&upload(id)).await.unwrap(), UploadOutcome::Stored { .. }));
}

/// The same, its job claimed.
pub(crate) async fn claimed(db: &Database, id: u64, room: &str, lease: Duration) -> Claim {
    uploaded(db, id, room).await;
    db.job_claim(job_id(id), "worker", 1, lease).await.unwrap().unwrap()
}

/// The transcoding of one of [`two_specs`].
pub(crate) fn registration(id: u64, room_name: &str, index: usize, version: u32) -> Registration {
    let name = two_specs()[index].name.clone();
    Registration {
        room: room(room_name),
        media: media_id(id),
        transcoding: Transcoding {
            key: ObjectKey::transcoding(media_id(id), &name, version),
            name,
            version,
            content_type: "image/webp".to_owned(),
            size: 50 + u64::from(version),
            width: Some(160),
            height: Some(120),
        },
        description: None,
        lease: None,
    }
}

pub(crate) fn description() -> Described {
    let color = Some(vec![1, 2, 3]);
    Described { width: 3_000, height: 4_000, placeholder: vec![1; 21], color, frames: 1, alpha: false }
}

pub(crate) fn message(id: u64, room_name: &str, agent: &str, attachments: &[u64]) -> NewMessage {
    NewMessage {
        id: message_id(id),
        room: room(room_name),
        epoch: 0,
        parent: None,
        sender: session(agent, agent),
        content: Content::Plain(format!("message {id}")),
        posted: NOW,
        attachments: attachments.iter().map(|id| media_id(*id)).collect(),
    }
}

/// What was stored, if it was.
pub(crate) fn stored(sent: Sent) -> Message {
    match sent {
        Sent::Stored(message) => message,
        refused => panic!("{refused:?}"),
    }
}

/// A change of a message that changes nothing.
pub(crate) fn edit(id: u64, room_name: &str, edit: u64, previous: Option<u64>) -> MessageEdit {
    MessageEdit {
        room: room(room_name),
        epoch: 0,
        id: message_id(id),
        edit: edit_id(edit),
        previous: previous.map(edit_id),
        parent: None,
        content: None,
        delete: false,
        announce: true,
        now: Millis(NOW.0 + i64::try_from(edit).unwrap()),
    }
}

/// A change that deletes it.
pub(crate) fn deletion(id: u64, room_name: &str, edit_id: u64, previous: Option<u64>) -> MessageEdit {
    MessageEdit { delete: true, ..edit(id, room_name, edit_id, previous) }
}

pub(crate) fn room_key(id: u64) -> NewRoomKey {
    NewRoomKey { id: key_id(id), wrapped: wrapped(id), master: "first".to_owned(), created: NOW }
}

/// Bytes that are nowhere else.
pub(crate) fn wrapped(id: u64) -> Vec<u8> {
    format!("the wrapped key {id}!").into_bytes()
}

/// A private room with the key 1; its epoch.
pub(crate) async fn private(db: &Database, name: &str) -> i64 {
    let created = db.room_create_private(&room(name), "$argon2id$1", &room_key(1), NOW).await.unwrap();
    assert_eq!(created, RoomCreated::Created);
    db.room(&room(name)).await.unwrap().unwrap().epoch
}

pub(crate) fn sealed(key: u64, head: &str, rest: Rest) -> SealedContent {
    SealedContent { key: key_id(key), head: head.as_bytes().to_vec(), rest }
}

pub(crate) fn encryption(key: u64) -> Encryption {
    Encryption { key_id: key_id(key), wrapped: wrapped(key + 100) }
}
