//! How one transcoding is made: its format, its box, its quality.

use crate::header::Format;
use serde::{Deserialize, Serialize};

/// How a picture is made to fit its box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The whole picture inside the box, its ratio kept.
    #[default]
    Inside,
    /// The largest part of the picture that has the box's ratio, around its
    /// [`Focus`]: a square box makes an avatar.
    Cover,
}

/// Formats in which a transcoding can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputType {
    /// Lossy WebP.
    #[serde(rename = "image/webp")]
    Webp,
    /// Baseline or progressive JPEG; what is transparent becomes white.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG, without loss.
    #[serde(rename = "image/png")]
    Png,
    /// AVIF of 8 bits and 4:2:0. Not every worker can write it.
    #[serde(rename = "image/avif")]
    Avif,
}

impl OutputType {
    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        self.format().content_type()
    }

    /// The format that its bytes are of.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Self::Webp => Format::Webp,
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
            Self::Avif => Format::Avif,
        }
    }

    /// The highest effort that its encoder can make.
    #[must_use]
    pub fn effort_max(self) -> u8 {
        match self {
            Self::Webp => 6,
            Self::Jpeg => 2,
            Self::Png => 3,
            Self::Avif => 10,
        }
    }

    /// The effort where none is asked for: beyond it little is gained.
    #[must_use]
    pub fn effort_default(self) -> u8 {
        match self {
            Self::Webp => 4,
            Self::Jpeg | Self::Avif => 1,
            Self::Png => 2,
        }
    }
}

/// A share of a side, from 0 to 1, kept as ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u16);

/// What was parsed is no share of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a share of a side: a number from 0 to 1 expected")]
pub struct InvalidShare;

impl Share {
    /// One half.
    pub const HALF: Self = Self(5_000);
}

impl TryFrom<f64> for Share {
    type Error = InvalidShare;

    fn try_from(share: f64) -> Result<Self, InvalidShare> {
        if !(0.0..=1.0).contains(&share) {
            return Err(InvalidShare);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000")]
        Ok(Self((share * 10_000.0).round() as u16))
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        Self::from(share.0) / 10_000.0
    }
}

/// What a picture that is cut should show: a place in the upright picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Focus {
    /// From the left side.
    pub x: Share,
    /// From the upper side.
    pub y: Share,
}

impl Default for Focus {
    fn default() -> Self {
        Self { x: Share::HALF, y: Share::HALF }
    }
}

/// In which light pixels are mixed when a picture is made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// As they are stored, like most software does: fine bright detail gets
    /// darker.
    #[default]
    Gamma,
    /// As light adds up.
    Linear,
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
    /// Quality on the encoder's own scale, 1..=100. PNG has none. AVIF's 60 looks
    /// like WebP's 80.
    #[serde(default = "default_quality")]
    pub quality: u8,
    /// How hard the encoder tries, on a scale of its own. WebP: libwebp's
    /// method, 0..=6. JPEG: 0 is the standard's Huffman tables, 1 tables of its
    /// own, 2 progressive. PNG: 0..=3, from the fastest to the smallest. AVIF:
    /// 0..=10, libaom's speed taken from 10; 1 is fast enough to be waited for, 2
    /// takes three times as long and saves an eighth of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<u8>,
    /// What a cut picture should show; its middle if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<Focus>,
    /// Whether a picture that is smaller than the box is enlarged to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enlarge: bool,
    /// In which light it is made smaller.
    #[serde(default, skip_serializing_if = "is_default")]
    pub light: Light,
    /// Whether what moves goes on moving, as far as its format can and the
    /// limits let it; otherwise its first frame is shown. WebP alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub animated: bool,
}

impl Params {
    /// A box of this width and height, and everything else as it is without
    /// being asked for.
    #[must_use]
    pub fn of_box(width: u32, height: u32) -> Self {
        Self {
            fit: Fit::default(),
            width,
            height,
            quality: default_quality(),
            effort: None,
            focus: None,
            enlarge: false,
            light: Light::default(),
            animated: false,
        }
    }
}

fn default_quality() -> u8 {
    80
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_focus_is_two_shares_on_the_wire() {
        let params = |focus: &str| {
            serde_json::from_str::<Params>(&format!(r#"{{"fit":"cover","width":64,"height":64,"focus":{focus}}}"#))
        };
        let parsed = params(r#"{"x":0.25,"y":1}"#).unwrap();
        let focus = parsed.focus.unwrap();
        assert_eq!((f64::from(focus.x), f64::from(focus.y)), (0.25, 1.0));
        assert_eq!(
            serde_json::to_value(parsed).unwrap(),
            serde_json::json!({"fit":"cover","width":64,"height":64,"quality":80,"focus":{"x":0.25,"y":1.0}})
        );
        for bad in [r#"{"x":1.01,"y":0}"#, r#"{"x":-0.1,"y":0}"#, r#"{"x":0.5}"#, "0.5"] {
            assert!(params(bad).is_err(), "{bad}");
        }
    }
}
