//! Hooks: what a media store tells heim, with HTTP Basic credentials.

use crate::{
    MediaId,
    media::Description,
    spec::{TranscodingName, TranscodingSpec},
};
use serde::{Deserialize, Serialize};

/// `POST /room/{room}/media/{id}/uploaded`: the original is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedHook {
    /// The original's media type, by its content.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Pixels, after EXIF orientation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels, after EXIF orientation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Lower-case hex.
    pub sha256: String,
}

/// The answer to [`UploadedHook`]: which transcodings to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedReply {
    /// The media object.
    pub media_id: MediaId,
    /// Empty where nothing is to be done.
    pub transcodings: Vec<TranscodingSpec>,
}

/// `POST /room/{room}/media`: a transcoding is stored. The branch's
/// `Transcoding`, with optional additions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodedHook {
    /// The media object.
    pub media_id: MediaId,
    /// The transcoding's name.
    pub name: TranscodingName,
    /// Its media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Version of the engine that made it; the branch's hook has none: 1.
    #[serde(default = "first_version")]
    pub version: u32,
    /// What the decoder found out about the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
}

fn first_version() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branchs_body_is_understood() {
        let hook: TranscodedHook = serde_json::from_str(
            r#"{"media_id":"0c1oft7ew7ojk","name":"thumb-320","content_type":"image/webp","size":9120,"width":320,"height":213}"#,
        )
        .unwrap();
        assert_eq!((hook.version, hook.description), (1, None));
    }
}
