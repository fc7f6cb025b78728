//! Media objects and their transcodings: the domain, between rows and wire.

use crate::{MediaId, Millis, RoomKeyId, RoomName, UserId, job::Reason, key::ObjectKey, spec::TranscodingName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where a media object is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaState {
    /// An upload handle was given out; nothing has come yet.
    Created,
    /// The original is stored; transcodings are being made.
    Uploaded,
    /// Every transcoding that was asked for is there.
    Ready,
    /// A transcoding will never be there; [`MediaObject::failure`] says why.
    Failed,
}

impl MediaState {
    /// The word in rows and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Uploaded => "uploaded",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// A word that names no state, lane or reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{0}`")]
pub struct UnknownWord(pub String);

impl FromStr for MediaState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Created, Self::Uploaded, Self::Ready, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

/// Who uploaded, as the room saw them at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploader {
    /// The agent.
    pub id: UserId,
    /// Their nick.
    pub name: String,
    /// The coordinator that held their session.
    pub server_id: String,
    /// Which start of that coordinator.
    pub server_era: String,
}

/// A static file that a user shares with a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaObject {
    /// Its id.
    pub id: MediaId,
    /// The room it belongs to.
    pub room: RoomName,
    /// Who uploaded it.
    pub uploader: Uploader,
    /// When its upload handle was made.
    pub created: Millis,
    /// When its original was stored.
    pub uploaded: Option<Millis>,
    /// Where it is in its life.
    pub state: MediaState,
    /// Why it failed.
    pub failure: Option<Reason>,
    /// The original's media type, by its content.
    pub content_type: Option<String>,
    /// The original's size in bytes.
    pub size: Option<u64>,
    /// Width in pixels, after EXIF orientation.
    pub width: Option<u32>,
    /// Height in pixels, after EXIF orientation.
    pub height: Option<u32>,
    /// The ThumbHash, as the row has it: sealed where `encryption` is there.
    pub placeholder: Option<Vec<u8>>,
    /// The dominant colour, red, green and blue; sealed like the placeholder.
    pub color: Option<Vec<u8>>,
    /// Number of frames; 1 for a still picture.
    pub frames: Option<u32>,
    /// Whether any pixel is not opaque.
    pub alpha: Option<bool>,
    /// How its files are encrypted; `None` in public rooms.
    pub encryption: Option<Encryption>,
    /// The newest event about it (`event.seq`) that this view takes in: all that
    /// was told up to there is in it, and nothing that is told later.
    pub seq: i64,
    /// The transcodings that are there, by name; `original` among them.
    pub transcodings: Vec<Transcoding>,
}

/// The key of a private media object, which opens with its room's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// The room key that wraps it.
    pub key_id: RoomKeyId,
    /// The object's secret, wrapped.
    pub wrapped: Vec<u8>,
}

impl MediaObject {
    /// The transcoding of this name.
    #[must_use]
    pub fn transcoding(&self, name: &TranscodingName) -> Option<&Transcoding> {
        self.transcodings.iter().find(|transcoding| transcoding.name == *name)
    }
}

/// A downloadable version of a media object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcoding {
    /// Its name.
    pub name: TranscodingName,
    /// The version of the engine that made it; 0 for `original`.
    pub version: u32,
    /// Where its bytes are.
    pub key: ObjectKey,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
}

/// What a worker found out about an original while it decoded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Width in pixels, after EXIF orientation.
    pub width: u32,
    /// Height in pixels, after EXIF orientation.
    pub height: u32,
    /// The ThumbHash.
    pub placeholder: Placeholder,
    /// The dominant colour. Workers of the first release send none, and nothing
    /// has one that is transparent everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Number of frames; 1 for a still picture.
    pub frames: u32,
    /// Whether any pixel is not opaque.
    pub alpha: bool,
}

/// A colour of sRGB: red, green and blue; `#rrggbb` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color(pub [u8; 3]);

impl fmt::Debug for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It tells of the picture, and some pictures are private.
        f.write_str("Color(…)")
    }
}

impl TryFrom<String> for Color {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.strip_prefix('#').map(|digits| data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()));
        let bytes = digits.and_then(Result::ok).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("color: not #rrggbb")
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        format!("#{}", data_encoding::HEXLOWER.encode(&color.0))
    }
}

/// A ThumbHash: 5 to 25 bytes, base 64 on the wire.
///
/// Source: E. Wallace, ThumbHash, 2023.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Placeholder(pub Vec<u8>);

/// Longest ThumbHash, in bytes.
pub const PLACEHOLDER_BYTES_MAX: usize = 25;

impl fmt::Debug for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It shows the picture, and some pictures are private.
        write!(f, "Placeholder({} bytes)", self.0.len())
    }
}

impl TryFrom<String> for Placeholder {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = data_encoding::BASE64.decode(text.as_bytes()).map_err(|_| "placeholder: not base 64")?;
        if (5..=PLACEHOLDER_BYTES_MAX).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err("placeholder: a ThumbHash has 5 to 25 bytes")
        }
    }
}

impl From<Placeholder> for String {
    fn from(placeholder: Placeholder) -> Self {
        data_encoding::BASE64.encode(&placeholder.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_word() {
        for state in [MediaState::Created, MediaState::Uploaded, MediaState::Ready, MediaState::Failed] {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn colours_have_six_digits() {
        let parse = |text: &str| Color::try_from(text.to_owned());
        assert_eq!(parse("#0aFf80"), Ok(Color([10, 255, 128])));
        assert_eq!(String::from(Color([10, 255, 128])), "#0aff80");
        for bad in ["0aff80", "#0aff8", "#0aff8000", "#0aff8g", "#", ""] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn placeholders_have_a_bound() {
        let parse = |bytes: &[u8]| Placeholder::try_from(data_encoding::BASE64.encode(bytes));
        assert!(parse(&[0; 4]).is_err());
        assert!(parse(&[0; 25]).is_ok());
        assert!(parse(&[0; 26]).is_err());
        assert!(Placeholder::try_from("!".to_owned()).is_err());
    }
}
