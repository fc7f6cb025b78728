//! Rows of media objects and transcodings as the domain has them.

use crate::{
    cause::Cause,
    column::{self, Column},
    entity::{media_object, media_transcoding},
};
use heim_common::{
    MediaId, Millis, RoomKeyId, UserId,
    job::Reason,
    key::ObjectKey,
    media::{Encryption, MediaObject, Transcoding, Uploader},
};
use std::collections::HashMap;

const fn object(name: &'static str) -> Column {
    column::of("media_object", name)
}

const fn transcoding(name: &'static str) -> Column {
    column::of("media_transcoding", name)
}

/// Puts media objects and their transcodings together. The transcodings of
/// each come in the order of their names.
///
/// The objects must have been read first. A transcoding that was registered
/// after that is left out: its event is still to come, and says so by a number
/// above [`MediaObject::seq`]. So nobody is told of one twice, or never.
pub(crate) fn assemble(
    objects: Vec<media_object::Model>,
    rows: Vec<media_transcoding::Model>,
) -> Result<Vec<MediaObject>, Cause> {
    let told: HashMap<i64, i64> = objects.iter().map(|object| (object.id, object.seq)).collect();
    let mut transcodings: HashMap<i64, Vec<Transcoding>> = HashMap::new();
    for row in rows {
        if told.get(&row.media_id).is_some_and(|told| row.seq <= *told) {
            transcodings.entry(row.media_id).or_default().push(read_transcoding(row)?);
        }
    }
    objects
        .into_iter()
        .map(|row| {
            let mut own = transcodings.remove(&row.id).unwrap_or_default();
            own.sort_by(|a, b| a.name.cmp(&b.name));
            read_object(row, own)
        })
        .collect()
}

fn read_object(row: media_object::Model, transcodings: Vec<Transcoding>) -> Result<MediaObject, Cause> {
    Ok(MediaObject {
        id: MediaId::from_i64(row.id),
        room: object("room").word(&row.room)?,
        uploader: Uploader {
            id: UserId::from_stored(row.agent_id),
            name: row.name,
            server_id: row.server_id,
            server_era: row.server_era,
        },
        created: Millis(row.created),
        uploaded: row.uploaded.map(Millis),
        state: object("state").word(&row.state)?,
        // One that only a later release knows is no reason to show nothing.
        failure: row.failure.map(|word| word.parse().unwrap_or(Reason::Internal)),
        content_type: row.content_type,
        size: object("size").number_or_none(row.size)?,
        width: object("width").number_or_none(row.width)?,
        height: object("height").number_or_none(row.height)?,
        placeholder: row.placeholder,
        color: row.color,
        frames: object("frames").number_or_none(row.frames)?,
        alpha: row.alpha.map(|alpha| alpha != 0),
        encryption: read_encryption(row.encryption_key_id, row.wrapped_key)?,
        seq: row.seq,
        transcodings,
    })
}

pub(crate) fn read_encryption(key_id: Option<i64>, wrapped: Option<Vec<u8>>) -> Result<Option<Encryption>, Cause> {
    let Some(key_id) = key_id else { return Ok(None) };
    Ok(Some(Encryption { key_id: RoomKeyId::from_i64(key_id), wrapped: object("wrapped_key").known(wrapped)? }))
}

pub(crate) fn read_transcoding(row: media_transcoding::Model) -> Result<Transcoding, Cause> {
    let media_transcoding::Model { media_id: _, name, version, uri, content_type, size, width, height, seq: _ } = row;
    Ok(Transcoding {
        name: transcoding("name").word(&name)?,
        version: transcoding("version").number(version)?,
        key: ObjectKey::from_stored(uri),
        content_type,
        size: transcoding("size").number(size)?,
        width: transcoding("width").number_or_none(width)?,
        height: transcoding("height").number_or_none(height)?,
    })
}

/// The row of a transcoding that the event `seq` tells of.
pub(crate) fn write_transcoding(media: MediaId, transcoding: &Transcoding, seq: i64) -> media_transcoding::Model {
    let Transcoding { name, version, key, content_type, size, width, height } = transcoding;
    media_transcoding::Model {
        media_id: media.as_i64(),
        name: name.to_string(),
        version: i64::from(*version),
        uri: key.to_string(),
        content_type: content_type.clone(),
        size: column::size(*size),
        width: width.map(i64::from),
        height: height.map(i64::from),
        seq,
    }
}
