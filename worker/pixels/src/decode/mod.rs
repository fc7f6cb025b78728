//! Bytes of a file to pixels. One file a format, each with the same two
//! functions: `inspect` reads what the header declares and allocates nothing
//! by it; `decode` makes the pixels. Formats are told apart by magic bytes
//! alone.

#[cfg_attr(not(feature = "avif"), path = "no_avif.rs")]
mod avif;
mod bmp;
mod canvas;
mod frames;
mod gif;
mod gif_frames;
mod jpeg;
mod jpeg_segments;
mod png;
mod png_plain;
pub(crate) mod riff;
#[cfg(feature = "avif")]
mod squares;
mod unfilter;
mod webp;
mod webp_frames;

use crate::{Limits, PixelError, plan::Size, pool::Pool, raster::Raster};
use heim_common::header::{Format, Orientation};

/// Largest ICC profile that is looked at. Those of cameras and screens have
/// under 20 KiB, those of printing presses up to 3 MiB.
const ICC_BYTES_MAX: usize = 4 << 20;

/// What a header declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inspected {
    /// Width and height as stored, both at least 1.
    pub(crate) size: Size,
    /// Frames of an animation; 1 for a still picture.
    pub(crate) frames: u32,
}

/// A decoded picture, in the colours and the position of its file.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) raster: Raster,
    /// Whether the file holds gray alone.
    pub(crate) gray: bool,
    /// The embedded colour profile, unread.
    pub(crate) icc: Option<Vec<u8>>,
}

/// What `decode` may use, and what it must leave.
pub(crate) struct Context<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) pool: &'a mut Pool,
    /// A decoder that can scale may leave a smaller picture than the file's,
    /// but none smaller than this.
    pub(crate) size_min: Size,
}

pub(crate) use frames::{After, Draw, Frame, Frames};

/// Reads what the header declares.
pub(crate) fn inspect(format: Format, bytes: &[u8], limits: &Limits) -> Result<Inspected, PixelError> {
    let inspected = match format {
        Format::Jpeg => jpeg::inspect(bytes, limits),
        Format::Png => png::inspect(bytes),
        Format::Webp => webp::inspect(bytes),
        Format::Gif => gif::inspect(bytes),
        Format::Bmp => bmp::inspect(bytes),
        Format::Avif => avif::inspect(bytes),
        Format::Heic | Format::Tiff | Format::Jxl => Err(PixelError::UnsupportedType),
    }?;
    if inspected.size.0 == 0 || inspected.size.1 == 0 {
        return Err(PixelError::damaged(format, "a side of no pixels"));
    }
    Ok(inspected)
}

/// How the pixels are to be turned.
pub(crate) fn orientation(format: Format, bytes: &[u8]) -> Orientation {
    match format {
        Format::Avif => avif::orientation(bytes),
        // Not among a picture's own bytes, which are many.
        Format::Jpeg => Orientation::read(jpeg_segments::before_scans(bytes)),
        _ => Orientation::read(bytes),
    }
}

/// Makes the pixels: of the first frame, if there are several.
pub(crate) fn decode(format: Format, bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let mut decoded = match format {
        Format::Jpeg => jpeg::decode(bytes, context),
        Format::Png => png::decode(bytes, context),
        Format::Webp => webp::decode(bytes, context),
        Format::Gif => gif::decode(bytes, context),
        Format::Bmp => bmp::decode(bytes, context),
        Format::Avif => avif::decode(bytes, context),
        Format::Heic | Format::Tiff | Format::Jxl => Err(PixelError::UnsupportedType),
    }?;
    decoded.icc = decoded.icc.filter(|icc| icc.len() <= ICC_BYTES_MAX);
    decoded.raster.drop_full_alpha();
    Ok(decoded)
}
