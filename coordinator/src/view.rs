//! Domain to wire: what clients are shown of media objects and messages, with
//! fresh handles.

use crate::{
    app::App,
    handle::{download, download_expiry},
};
use heim_common::{
    media::{MediaObject, MediaState, Placeholder},
    spec::TranscodingName,
    wire::{MediaEvent, MediaView, MessageView},
};
use heim_db::Message;

/// Longest content that is delivered in full, in bytes.
const CONTENT_BYTES_MAX: usize = 4096;

/// Whether a message is cut when it is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// As everywhere but in `get-message`.
    Cut,
    /// As in `get-message`.
    Whole,
}

/// A media object with handles for whoever reaches this coordinator at `base`.
pub(crate) fn media(app: &App, base: &str, object: &MediaObject) -> MediaView {
    let expires = download_expiry(app.now(), app.settings.limits.download_handle_s);
    let views = object.transcodings.iter().map(|transcoding| {
        let view = download(&app.signer, base, object, transcoding, expires);
        (transcoding.name.clone(), view)
    });
    MediaView {
        id: object.id,
        room: object.room.clone(),
        uploader: object.uploader.clone(),
        created: object.created.seconds(),
        uploaded: object.uploaded.map(heim_common::Millis::seconds),
        state: object.state,
        failure: failure(object),
        content_type: object.content_type.clone(),
        size: object.size,
        width: object.width,
        height: object.height,
        placeholder: object.placeholder.clone().map(Placeholder),
        transcodings: views.collect(),
    }
}

/// The media event about one transcoding, if there is anything to tell of it.
pub(crate) fn media_event(app: &App, base: &str, object: &MediaObject, name: &TranscodingName) -> Option<MediaEvent> {
    if let Some(transcoding) = object.transcoding(name) {
        let expires = download_expiry(app.now(), app.settings.limits.download_handle_s);
        return Some(MediaEvent::Available {
            transcoding: download(&app.signer, base, object, transcoding, expires),
            state: object.state,
            placeholder: object.placeholder.clone().map(Placeholder),
        });
    }
    let error = failure(object)?;
    Some(MediaEvent::Failed { media_id: object.id, name: name.clone(), error, state: object.state })
}

fn failure(object: &MediaObject) -> Option<String> {
    (object.state == MediaState::Failed)
        .then(|| object.failure.unwrap_or(heim_common::job::Reason::Internal).sentence().to_owned())
}

/// A message with its attachments.
pub(crate) fn message(app: &App, base: &str, message: &Message, content: Content) -> MessageView {
    let truncated = content == Content::Cut && message.content.len() > CONTENT_BYTES_MAX;
    let end = if truncated { message.content.floor_char_boundary(CONTENT_BYTES_MAX) } else { message.content.len() };
    MessageView {
        id: message.id,
        parent: message.parent,
        time: message.posted.seconds(),
        sender: message.sender.clone(),
        content: message.content[..end].to_owned(),
        edited: message.edited.map(heim_common::Millis::seconds),
        deleted: message.deleted.map(heim_common::Millis::seconds),
        truncated,
        attachments: message.attachments.iter().map(|object| media(app, base, object)).collect(),
    }
}
