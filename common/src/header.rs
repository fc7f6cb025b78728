//! What the first bytes of a file say: its type, its declared size, and which
//! way is up. Nothing here decodes a pixel, and nothing here believes a name
//! or a header of HTTP.

use crate::animation::is_animated;
use serde::{Deserialize, Serialize};
use std::io::Cursor;

/// How much of a file [`Header::read`] wants to see: enough for the segments
/// that phones put before a JPEG's frame header.
pub const PREFIX_BYTES: usize = 512 << 10;

/// The types that are told apart by their magic bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ITU-T T.81.
    Jpeg,
    /// W3C PNG.
    Png,
    /// RFC 9649.
    Webp,
    /// `GIF87a` and `GIF89a`.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// AV1 in HEIF.
    Avif,
    /// HEVC in HEIF.
    Heic,
    /// TIFF 6.0.
    Tiff,
    /// JPEG XL.
    Jxl,
}

impl Format {
    /// The type of a file that begins like this.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'B', b'M', _, _, _, _, _, _, _, _, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => {
                Some(Self::Bmp)
            }
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', 0x0d, 0x0a, 0x87, 0x0a, ..] => Some(Self::Jxl),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
                b"avif" | b"avis" => Some(Self::Avif),
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Some(Self::Heic),
                _ => None,
            },
            _ => None,
        }
    }

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
            Self::Tiff => "image/tiff",
            Self::Jxl => "image/jxl",
        }
    }
}

/// How a stored picture is to be turned before it is shown: the values of the
/// EXIF tag 0x0112 (CIPA DC-008, 4.6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// 1: as it is.
    #[default]
    Upright,
    /// 2: mirrored left to right.
    FlipHorizontal,
    /// 3: turned by half.
    Rotate180,
    /// 4: mirrored top to bottom.
    FlipVertical,
    /// 5: mirrored along the main diagonal.
    Transpose,
    /// 6: to be turned a quarter clockwise.
    Rotate90,
    /// 7: mirrored along the other diagonal.
    Transverse,
    /// 8: to be turned a quarter counter-clockwise.
    Rotate270,
}

impl Orientation {
    /// Reads it from a whole file or its beginning; what cannot be read is upright.
    /// So is HEIF: there EXIF counts for nothing, since properties of the file say
    /// how it is turned (ISO 23008-12, 6.5), and cameras write both.
    #[must_use]
    pub fn read(container: &[u8]) -> Self {
        if matches!(Format::sniff(container), Some(Format::Avif | Format::Heic)) {
            return Self::Upright;
        }
        let mut reader = exif::Reader::new();
        reader.continue_on_error(true);
        let exif = match reader.read_from_container(&mut Cursor::new(container)) {
            Ok(exif) => exif,
            Err(exif::Error::PartialResult(partial)) => partial.into_inner().0,
            Err(_) => return Self::Upright,
        };
        let value = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY).and_then(|field| field.value.get_uint(0));
        Self::from_exif(value.unwrap_or(1))
    }

    /// The orientation with this number; upright for numbers that mean nothing.
    #[must_use]
    pub fn from_exif(value: u32) -> Self {
        match value {
            2 => Self::FlipHorizontal,
            3 => Self::Rotate180,
            4 => Self::FlipVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }
}

/// What the beginning of a picture says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its type.
    pub format: Format,
    /// Declared width and height in pixels, after EXIF orientation. `None`
    /// where the prefix does not reach to them.
    pub size: Option<(u32, u32)>,
    /// Whether more than one picture is in it, as far as the prefix tells.
    pub animated: bool,
}

impl Header {
    /// Reads the first [`PREFIX_BYTES`] of a file (or all of a shorter one).
    #[must_use]
    pub fn read(prefix: &[u8]) -> Option<Self> {
        let format = Format::sniff(prefix)?;
        let size = imagesize::blob_size(prefix).ok().and_then(|size| {
            let (width, height) = (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?);
            let turned = Orientation::read(prefix).swaps_sides();
            Some(if turned { (height, width) } else { (width, height) })
        });
        let size = size.filter(|&(width, height)| width > 0 && height > 0);
        Some(Self { format, size, animated: is_animated(format, prefix) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG_1X2: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x02\x08\x02\0\0\0";

    #[test]
    fn content_decides_and_nothing_else() {
        assert_eq!(Format::sniff(b"hello, I am called cat.png"), None);
        assert_eq!(Format::sniff(b"BMW is not a bitmap, it is a car"), None);
        assert_eq!(Format::sniff(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(Format::sniff(b"\0\0\0\x1cftypavif"), Some(Format::Avif));
        assert_eq!(Format::sniff(b"\0\0\0\x1cftypisom"), None);
        assert_eq!(Format::sniff(b"\0\0\0\x1cftyp"), None);
    }

    #[test]
    fn declared_size_is_read_without_decoding() {
        assert_eq!(Header::read(PNG_1X2), Some(Header { format: Format::Png, size: Some((1, 2)), animated: false }));
        assert_eq!(Header::read(&PNG_1X2[..20]).unwrap().size, None);
        assert_eq!(Header::read(b""), None);
    }

    #[test]
    fn no_cut_of_a_header_panics() {
        for end in 0..PNG_1X2.len() {
            let _ = Header::read(&PNG_1X2[..end]);
        }
    }
}
