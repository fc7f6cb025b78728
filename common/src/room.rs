//! Rooms by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest name of a room, in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 64;

/// The name of a room: `[a-z0-9]+`, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomName(String);

/// What was parsed cannot be the name of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a room name: 1 to {ROOM_NAME_BYTES_MAX} characters of a-z and 0-9 expected")]
pub struct ParseRoomError;

impl RoomName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = ParseRoomError;

    fn from_str(text: &str) -> Result<Self, ParseRoomError> {
        let fits = (1..=ROOM_NAME_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseRoomError)
        }
    }
}

impl TryFrom<String> for RoomName {
    type Error = ParseRoomError;

    fn try_from(text: String) -> Result<Self, ParseRoomError> {
        text.parse()
    }
}

impl From<RoomName> for String {
    fn from(room: RoomName) -> Self {
        room.0
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_letters_and_digits_at_and_past_the_edge() {
        assert!("welcome2".parse::<RoomName>().is_ok());
        assert!("a".repeat(64).parse::<RoomName>().is_ok());
        for bad in ["", "Welcome", "a b", "a/b", "..", "ä", "pm:1", &"a".repeat(65)] {
            assert!(bad.parse::<RoomName>().is_err(), "{bad}");
        }
    }
}
