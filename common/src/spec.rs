//! Which transcodings to make of an original.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The name of the identity transcoding.
pub const ORIGINAL: &str = "original";
/// Longest name of a transcoding, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// What was parsed cannot be the name of a transcoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name: 1 to {NAME_BYTES_MAX} characters of a-z, 0-9 and inner hyphens expected")]
pub struct InvalidName;

/// The name of a transcoding: `[a-z0-9]` and inner hyphens, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TranscodingName(String);

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

/// How a picture is made to fit its box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The whole picture inside the box, its ratio kept, never enlarged.
    #[default]
    Inside,
}

/// Formats in which a transcoding can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputType {
    /// Lossy WebP.
    #[serde(rename = "image/webp")]
    Webp,
}

impl OutputType {
    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
        }
    }
}

/// The parameters of one transcoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How the picture fits the box.
    #[serde(default)]
    pub fit: Fit,
    /// Width of the box in pixels, 1..=16383 (the most that WebP can hold).
    pub width: u32,
    /// Height of the box in pixels, 1..=16383.
    pub height: u32,
    /// Quality on the encoder's own scale, 1..=100.
    #[serde(default = "default_quality")]
    pub quality: u8,
}

fn default_quality() -> u8 {
    80
}

/// One transcoding that is to be made: an entry of the `uploaded` hook's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscodingSpec {
    /// Under which name it is registered.
    pub name: TranscodingName,
    /// In which format.
    pub content_type: OutputType,
    /// How.
    pub params: Params,
}

/// A list of specs that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpecs {
    /// `original` is what the client uploaded.
    #[error("`original` cannot be the name of a transcoding that is made")]
    NamedOriginal,
    /// Names are keys.
    #[error("two transcodings are named `{0}`")]
    NamedTwice(TranscodingName),
    /// The box or the quality is out of range.
    #[error("transcoding `{0}`: width and height must be 1 to 16383, quality 1 to 100")]
    OutOfRange(TranscodingName),
    /// A list has a bound.
    #[error("more than {0} transcodings")]
    TooMany(usize),
}

/// Most transcodings of one media object.
pub const SPECS_MAX: usize = 32;

/// Checks what types alone cannot say of a list of specs.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn validate(specs: &[TranscodingSpec]) -> Result<(), InvalidSpecs> {
    if specs.len() > SPECS_MAX {
        return Err(InvalidSpecs::TooMany(SPECS_MAX));
    }
    for (index, spec) in specs.iter().enumerate() {
        let Params { fit: Fit::Inside, width, height, quality } = spec.params;
        if spec.name.is_original() {
            return Err(InvalidSpecs::NamedOriginal);
        }
        if specs[..index].iter().any(|other| other.name == spec.name) {
            return Err(InvalidSpecs::NamedTwice(spec.name.clone()));
        }
        let sides = 1..=16_383;
        if !sides.contains(&width) || !sides.contains(&height) || !(1..=100).contains(&quality) {
            return Err(InvalidSpecs::OutOfRange(spec.name.clone()));
        }
    }
    Ok(())
}

/// What is made of every picture unless the configuration says otherwise.
#[must_use]
pub fn default_specs() -> Vec<TranscodingSpec> {
    [("thumb-160", 160), ("thumb-320", 320), ("thumb-640", 640), ("preview-1280", 1280)]
        .into_iter()
        .map(|(name, side)| TranscodingSpec {
            name: TranscodingName(name.to_owned()),
            content_type: OutputType::Webp,
            params: Params { fit: Fit::Inside, width: side, height: side, quality: default_quality() },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_have_the_wire_form() {
        let specs = default_specs();
        assert_eq!(validate(&specs), Ok(()));
        assert_eq!(
            serde_json::to_value(&specs[1]).unwrap(),
            serde_json::json!({"name":"thumb-320","content_type":"image/webp",
                "params":{"fit":"inside","width":320,"height":320,"quality":80}})
        );
    }

    #[test]
    fn impossible_lists_are_refused() {
        let with = |change: fn(&mut TranscodingSpec)| {
            let mut specs = default_specs();
            change(&mut specs[1]);
            validate(&specs)
        };
        let name = |text: &str| text.parse::<TranscodingName>().unwrap();
        assert_eq!(with(|spec| spec.name = TranscodingName::original()), Err(InvalidSpecs::NamedOriginal));
        assert_eq!(with(|spec| spec.params.width = 0), Err(InvalidSpecs::OutOfRange(name("thumb-320"))));
        assert_eq!(with(|spec| spec.params.height = 16_384), Err(InvalidSpecs::OutOfRange(name("thumb-320"))));
        assert_eq!(with(|spec| spec.params.quality = 101), Err(InvalidSpecs::OutOfRange(name("thumb-320"))));
        let twice = [default_specs(), default_specs()].concat();
        assert_eq!(validate(&twice), Err(InvalidSpecs::NamedTwice(name("thumb-160"))));
        assert_eq!(validate(&vec![default_specs()[0].clone(); 33]), Err(InvalidSpecs::TooMany(32)));
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a.b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<TranscodingName>().is_err(), "{bad}");
        }
    }
}
