//! Where the bytes of a media object are in the store.
//!
//! ```text
//! media/{first 6 of id}/{id}/original.{upload}
//! media/{first 6 of id}/{id}/{name}.v{version}
//! ```
//! Two uploads to one handle never write the same key: `upload` is a fresh
//! snowflake, and the row decides which of them was first. A transcoding's key
//! is a pure function of what is in it, so a second run overwrites the first
//! with the same bytes.

use crate::{MediaId, Snowflake, spec::TranscodingName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The key of a stored object. Made here only, never from a client's text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(String);

fn folder(media: MediaId) -> String {
    let id = media.to_string();
    format!("media/{}/{id}", &id[..6])
}

impl ObjectKey {
    /// The original that the upload attempt `upload` writes.
    #[must_use]
    pub fn original(media: MediaId, upload: Snowflake) -> Self {
        Self(format!("{}/original.{upload}", folder(media)))
    }

    /// What every key of this media object begins with.
    #[must_use]
    pub fn folder(media: MediaId) -> String {
        format!("{}/", folder(media))
    }

    /// A transcoding as this version of the engine makes it.
    #[must_use]
    pub fn transcoding(media: MediaId, name: &TranscodingName, version: u32) -> Self {
        Self(format!("{}/{name}.v{version}", folder(media)))
    }

    /// The media object that it belongs to, if it is a key of this form.
    #[must_use]
    pub fn media(&self) -> Option<MediaId> {
        let mut parts = self.0.strip_prefix("media/")?.split('/');
        let (_, id, _) = (parts.next()?, parts.next()?, parts.next()?);
        id.parse().ok()
    }

    /// Whether it is an upload's, and not a transcoding's.
    #[must_use]
    pub fn is_original(&self) -> bool {
        self.0.rsplit('/').next().is_some_and(|name| name.starts_with("original."))
    }

    /// The key in a row or a packet that this project wrote itself.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_pure_functions() {
        let media: MediaId = "0c1ofy7941g5c".parse().unwrap();
        let name = "thumb-320".parse().unwrap();
        assert_eq!(ObjectKey::transcoding(media, &name, 1).as_str(), "media/0c1ofy/0c1ofy7941g5c/thumb-320.v1");
        assert_eq!(
            ObjectKey::original(media, Snowflake(35)).as_str(),
            "media/0c1ofy/0c1ofy7941g5c/original.000000000000z"
        );
        assert!(ObjectKey::original(media, Snowflake(35)).is_original());
        assert!(!ObjectKey::transcoding(media, &name, 1).is_original());
    }
}
