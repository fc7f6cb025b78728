//! Domain to wire: what clients are shown of media objects and messages, with
//! fresh handles.

use crate::{
    app::App,
    handle::{Audience, download, download_expiry},
    keys::HEAD_BYTES_MAX,
    opened::Spoken,
};
use heim_common::{
    EditId, Millis, RoomKeyId,
    job::Reason,
    media::{Color, MediaObject, MediaState, Placeholder},
    spec::TranscodingName,
    wire::{DescriptionView, MediaEvent, MediaView, MessageView},
};
use heim_db::Content;

/// Longest content that is delivered in full, in bytes.
const CONTENT_BYTES_MAX: usize = HEAD_BYTES_MAX;

/// Whether a message is cut when it is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// As everywhere but in `get-message`.
    Cut,
    /// As in `get-message`.
    Whole,
}

/// For whom a view is made: by which address they reach this coordinator, and
/// who may use its handles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) base: &'a str,
    pub(crate) audience: Audience<'a>,
}

/// A media object.
pub(crate) fn media(app: &App, reader: Reader<'_>, object: &MediaObject) -> MediaView {
    let expires = download_expiry(app.now(), app.settings.limits.download_handle_s);
    let views = object.transcodings.iter().map(|transcoding| {
        let view = download(&app.signer, reader.base, reader.audience, object, transcoding, expires);
        (transcoding.name.clone(), view)
    });
    MediaView {
        id: object.id,
        room: object.room.clone(),
        uploader: object.uploader.clone(),
        created: object.created.seconds(),
        uploaded: object.uploaded.map(Millis::seconds),
        state: object.state,
        failure: failure(object),
        content_type: object.content_type.clone(),
        size: object.size,
        width: object.width,
        height: object.height,
        placeholder: object.placeholder.clone().map(Placeholder),
        description: description(object),
        encryption_key_id: object.encryption.as_ref().map(|encryption| key_id(encryption.key_id)),
        transcodings: views.collect(),
    }
}

/// The media event about one transcoding, if there is anything to tell of it.
pub(crate) fn media_event(
    app: &App,
    reader: Reader<'_>,
    object: &MediaObject,
    name: &TranscodingName,
) -> Option<MediaEvent> {
    if let Some(transcoding) = object.transcoding(name) {
        let expires = download_expiry(app.now(), app.settings.limits.download_handle_s);
        return Some(MediaEvent::Available {
            transcoding: download(&app.signer, reader.base, reader.audience, object, transcoding, expires),
            state: object.state,
            placeholder: object.placeholder.clone().map(Placeholder),
            description: description(object),
        });
    }
    let error = failure(object)?;
    Some(MediaEvent::Failed { media_id: object.id, name: name.clone(), error, state: object.state })
}

/// What is known since it was decoded, of which frames were the last to be noted.
fn description(object: &MediaObject) -> Option<DescriptionView> {
    let &MediaObject { width: Some(width), height: Some(height), frames: Some(frames), alpha, ref color, .. } = object
    else {
        return None;
    };
    let color = color.as_deref().and_then(|color| color.try_into().ok()).map(Color);
    Some(DescriptionView { width, height, color, animated: frames > 1, frames, alpha: alpha.unwrap_or(false) })
}

fn failure(object: &MediaObject) -> Option<String> {
    (object.state == MediaState::Failed).then(|| object.failure.unwrap_or(Reason::Internal).sentence().to_owned())
}

/// A message with its attachments. A deleted one shows none: whoever may see an
/// attachment sees it in another message.
pub(crate) fn message(app: &App, reader: Reader<'_>, spoken: &Spoken, length: Length) -> MessageView {
    let Spoken { message, text, has_more } = spoken;
    let is_cut = length == Length::Cut && text.len() > CONTENT_BYTES_MAX;
    let end = if is_cut { text.floor_char_boundary(CONTENT_BYTES_MAX) } else { text.len() };
    let attachments = if message.deleted.is_some() { &[][..] } else { &message.attachments };
    MessageView {
        id: message.id,
        previous_edit_id: message.edit,
        parent: message.parent,
        time: message.posted.seconds(),
        sender: message.sender.clone(),
        content: text[..end].to_owned(),
        encryption_key_id: match &message.content {
            Content::Sealed(sealed) => Some(key_id(sealed.key)),
            Content::Plain(_) => None,
        },
        edited: message.edited.map(Millis::seconds),
        deleted: message.deleted.map(Millis::seconds),
        truncated: is_cut || *has_more,
        attachments: attachments.iter().map(|object| media(app, reader, object)).collect(),
    }
}

/// A changed message, as heim shows it: with the change before this one.
pub(crate) fn edited(app: &App, reader: Reader<'_>, spoken: &Spoken, previous: Option<EditId>) -> MessageView {
    MessageView { previous_edit_id: previous, ..message(app, reader, spoken, Length::Cut) }
}

fn key_id(id: RoomKeyId) -> String {
    format!("v1/{id}")
}
