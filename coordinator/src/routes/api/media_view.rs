//! Media objects as the API shows them: what a session is shown of them, but for what
//! shows a private picture.

use super::words;
use crate::{
    app::App,
    handle::Audience,
    view::{self, Reader},
};
use heim_common::{
    MediaId, RoomName,
    media::{Color, MediaObject, MediaState, Placeholder, Uploader},
    spec::TranscodingName,
    wire::{self, DescriptionView, Headers, TranscodingView, UploadHandle},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The HTTP request by which the file is uploaded, once. Its right is in the headers.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadHandle)]
pub(super) struct Handle {
    /// The media object, which can be shown in a message at once.
    #[schema(value_type = words::MediaId)]
    id: MediaId,
    /// `PUT`.
    method: String,
    /// Where.
    #[schema(format = "uri")]
    url: String,
    /// All of these must be sent: each with an array of values.
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    headers: Headers,
    /// Unix seconds after which it is refused.
    expires: i64,
    /// Bytes.
    max_size: u64,
}

impl From<UploadHandle> for Handle {
    fn from(handle: UploadHandle) -> Self {
        let UploadHandle { id, method, url, headers, expires, max_size } = handle;
        Self { id, method, url, headers, expires, max_size }
    }
}

/// A media object.
#[derive(Serialize, ToSchema)]
#[schema(as = MediaObject)]
pub(super) struct MediaView {
    #[schema(value_type = words::MediaId)]
    id: MediaId,
    #[schema(value_type = words::RoomName)]
    room: RoomName,
    #[schema(value_type = UploaderView)]
    uploader: Uploader,
    /// When it was made, in Unix seconds.
    created: i64,
    /// When its original was stored, in Unix seconds; `null` before.
    uploaded: Option<i64>,
    #[schema(value_type = words::MediaState)]
    state: MediaState,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// Of the original, by its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// Bytes of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// Pixels, upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Pixels, upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// A ThumbHash in base 64, once it is known; never in a private room.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    placeholder: Option<Placeholder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Described>,
    /// In a private room, which key of the room it is under.
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key_id: Option<String>,
    /// By name; `original` among them once it is uploaded.
    #[schema(value_type = BTreeMap<String, Transcoding>)]
    transcodings: BTreeMap<TranscodingName, Transcoding>,
}

/// Who uploaded, as the room saw them at that moment.
#[derive(ToSchema)]
#[schema(as = Uploader)]
#[expect(dead_code, reason = "the document's words for `heim_common::media::Uploader`")]
struct UploaderView {
    #[schema(value_type = words::AgentId)]
    id: String,
    /// Their nick.
    name: String,
    /// The coordinator that held their session, or that was asked for the upload.
    server_id: String,
    /// Which start of it.
    server_era: String,
}

/// What was found out about an original while it was decoded.
#[derive(Serialize, ToSchema)]
#[schema(as = Description)]
struct Described {
    /// Pixels, upright.
    width: u32,
    /// Pixels, upright.
    height: u32,
    /// The dominant colour, `#rrggbb`; never in a private room.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    color: Option<Color>,
    /// Whether it moves.
    animated: bool,
    /// Number of frames; 1 for a still picture.
    frames: u32,
    /// Whether any pixel is not opaque.
    alpha: bool,
}

impl From<DescriptionView> for Described {
    fn from(description: DescriptionView) -> Self {
        let DescriptionView { width, height, color, animated, frames, alpha } = description;
        Self { width, height, color, animated, frames, alpha }
    }
}

/// A transcoding, with the request by which it is downloaded. In a private room that is
/// missing: there, only agents that are in the room are given one, by the room.
#[derive(Serialize, ToSchema)]
struct Transcoding {
    #[schema(value_type = words::MediaId)]
    media_id: MediaId,
    #[schema(value_type = words::TranscodingName)]
    name: TranscodingName,
    content_type: String,
    /// Bytes.
    size: u64,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(flatten)]
    #[schema(inline)]
    download: Option<Download>,
}

/// Where a transcoding can be had.
#[derive(Serialize, ToSchema)]
struct Download {
    #[schema(format = "uri")]
    url: String,
    /// All of these must be sent: each with an array of values.
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    headers: Headers,
    /// Unix seconds after which the URL is refused.
    expires: i64,
}

impl MediaView {
    /// What may be shown of it to whoever holds the token.
    pub(super) fn of(app: &App, base: &str, mut object: MediaObject) -> Self {
        let is_private = object.encryption.is_some();
        if is_private {
            // What shows the picture stays sealed, and nothing leads to its bytes.
            (object.placeholder, object.color) = (None, None);
        }
        let reader = Reader { base, audience: Audience::Anybody };
        let wire::MediaView {
            id,
            room,
            uploader,
            created,
            uploaded,
            state,
            failure,
            content_type,
            size,
            width,
            height,
            placeholder,
            description,
            encryption_key_id,
            transcodings,
        } = view::media(app, reader, &object);
        let transcodings = transcodings.into_iter().map(|(name, made)| (name, Transcoding::of(made, is_private)));
        Self {
            id,
            room,
            uploader,
            created,
            uploaded,
            state,
            failure,
            content_type,
            size,
            width,
            height,
            placeholder,
            description: description.map(Into::into),
            encryption_key_id,
            transcodings: transcodings.collect(),
        }
    }
}

impl Transcoding {
    fn of(made: TranscodingView, is_private: bool) -> Self {
        let TranscodingView { media_id, name, content_type, size, width, height, url, headers, expires } = made;
        let download = (!is_private).then_some(Download { url, headers, expires });
        Self { media_id, name, content_type, size, width, height, download }
    }
}
