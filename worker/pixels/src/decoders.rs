//! Which decoders may be used. Each can be switched off without a release: when a
//! hole in one is known, its format is a file like any other until it is mended.

use heim_common::header::Format;
use serde::{Deserialize, Serialize};

/// A set of decoders; as text, the names of their formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Format>", into = "Vec<Format>")]
pub struct Decoders(u8);

/// There is no decoder for this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no decoder for {}", .0.content_type())]
pub struct NoDecoder(pub Format);

impl Decoders {
    /// Every format that has a decoder. That for AVIF is not in every build;
    /// where it is missing, naming it changes nothing.
    pub const ALL: [Format; 6] = [Format::Jpeg, Format::Png, Format::Webp, Format::Gif, Format::Bmp, Format::Avif];

    /// Those for these formats, and no others.
    ///
    /// # Errors
    /// If there is none for one of them.
    pub fn of(formats: &[Format]) -> Result<Self, NoDecoder> {
        formats.iter().try_fold(Self(0), |set, format| Ok(Self(set.0 | bit(*format).ok_or(NoDecoder(*format))?)))
    }

    /// Whether files of this format may be decoded.
    #[must_use]
    pub fn has(self, format: Format) -> bool {
        bit(format).is_some_and(|bit| self.0 & bit != 0)
    }
}

impl Default for Decoders {
    /// All of them.
    fn default() -> Self {
        Self(Self::ALL.iter().filter_map(|format| bit(*format)).sum())
    }
}

impl TryFrom<Vec<Format>> for Decoders {
    type Error = NoDecoder;

    fn try_from(formats: Vec<Format>) -> Result<Self, NoDecoder> {
        Self::of(&formats)
    }
}

impl From<Decoders> for Vec<Format> {
    fn from(decoders: Decoders) -> Self {
        Decoders::ALL.into_iter().filter(|format| decoders.has(*format)).collect()
    }
}

fn bit(format: Format) -> Option<u8> {
    Decoders::ALL.iter().position(|one| *one == format).map(|place| 1 << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_is_made_of() {
        assert!(Decoders::ALL.iter().all(|format| Decoders::default().has(*format)));
        let two = Decoders::of(&[Format::Png, Format::Jpeg, Format::Png]).unwrap();
        assert_eq!(Vec::from(two), [Format::Jpeg, Format::Png]);
        assert!(!Decoders::default().has(Format::Heic));
        assert_eq!(Decoders::of(&[Format::Png, Format::Heic]), Err(NoDecoder(Format::Heic)));
        assert_eq!(NoDecoder(Format::Heic).to_string(), "there is no decoder for image/heic");
    }
}
