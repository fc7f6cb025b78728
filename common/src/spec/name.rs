//! Names of transcodings.

use super::{NAME_BYTES_MAX, ORIGINAL};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What was parsed cannot be the name of a transcoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name: 1 to {NAME_BYTES_MAX} characters of a-z, 0-9 and inner hyphens expected")]
pub struct InvalidName;

/// The name of a transcoding: `[a-z0-9]` and inner hyphens, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TranscodingName(pub(super) String);

impl TranscodingName {
    /// The identity transcoding's.
    #[must_use]
    pub fn original() -> Self {
        Self(ORIGINAL.to_owned())
    }

    /// Whether this is the identity transcoding's.
    #[must_use]
    pub fn is_original(&self) -> bool {
        self.0 == ORIGINAL
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TranscodingName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=NAME_BYTES_MAX).contains(&text.len());
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if fits && text.bytes().all(letters) && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName)
        }
    }
}

impl TryFrom<String> for TranscodingName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<TranscodingName> for String {
    fn from(name: TranscodingName) -> Self {
        name.0
    }
}

impl fmt::Display for TranscodingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a.b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<TranscodingName>().is_err(), "{bad}");
        }
    }
}
