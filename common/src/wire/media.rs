//! Media objects as clients see them.

use crate::{
    MediaId, RoomName,
    media::{Color, MediaState, Placeholder, Uploader},
    spec::TranscodingName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// HTTP headers: an array of values for each name.
pub type Headers = BTreeMap<String, Vec<String>>;

/// The HTTP request by which a client uploads: `media-upload-reply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadHandle {
    /// The media object that it creates.
    pub id: MediaId,
    /// `PUT`.
    pub method: String,
    /// Where.
    pub url: String,
    /// All of these must be sent.
    pub headers: Headers,
    /// Unix seconds.
    pub expires: i64,
    /// Bytes.
    pub max_size: u64,
}

/// A transcoding that can be downloaded: an entry of
/// [`MediaView::transcodings`], and what a media event tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingView {
    /// The media object it belongs to.
    pub media_id: MediaId,
    /// Its name.
    pub name: TranscodingName,
    /// Its media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where it can be had.
    pub url: String,
    /// All of these must be sent.
    pub headers: Headers,
    /// Unix seconds after which the URL is refused.
    pub expires: i64,
}

/// A media object with fresh handles for all that is there of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaView {
    /// Its id.
    pub id: MediaId,
    /// Its room.
    pub room: RoomName,
    /// Who uploaded it.
    pub uploader: Uploader,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; `null` before the upload is done.
    pub uploaded: Option<i64>,
    /// Where it is in its life.
    pub state: MediaState,
    /// In words, why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Of the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Bytes of the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Pixels, after EXIF orientation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels, after EXIF orientation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// ThumbHash, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
    /// What else is known of the picture once it was decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<DescriptionView>,
    /// In private rooms, `v1/` and the id of the room's key. For information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key_id: Option<String>,
    /// By name; `original` among them once it is uploaded.
    pub transcodings: BTreeMap<TranscodingName, TranscodingView>,
}

/// What was found out about an original while it was decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptionView {
    /// Pixels, after EXIF orientation.
    pub width: u32,
    /// Pixels, after EXIF orientation.
    pub height: u32,
    /// The dominant colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Whether it moves.
    pub animated: bool,
    /// Number of frames; 1 for a still picture.
    pub frames: u32,
    /// Whether any pixel is not opaque.
    pub alpha: bool,
}

/// `media-upload-event`: a transcoding became available, or never will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MediaEvent {
    /// It can be downloaded.
    Available {
        /// What and where.
        #[serde(flatten)]
        transcoding: TranscodingView,
        /// The media object's state now.
        state: MediaState,
        /// The media object's ThumbHash, once it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        placeholder: Option<Placeholder>,
        /// What else is known of the original once it was decoded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<DescriptionView>,
    },
    /// It will never be there.
    Failed {
        /// The media object.
        media_id: MediaId,
        /// What will be missing.
        name: TranscodingName,
        /// Why, in words.
        error: String,
        /// The media object's state now.
        state: MediaState,
    },
}
