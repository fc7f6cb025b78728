//! JPEG, by libjpeg-turbo, which scales while it decodes: at a half, a quarter
//! or an eighth it does less work and needs less memory.
//!
//! libjpeg-turbo makes a picture of almost anything and warns. `jpeg_ffi` knows
//! which warnings are harmless, and ends at the first that is not.

use super::{
    Context, Decoded, Inspected,
    jpeg_segments::{self as segments, Head, Scans},
};
use crate::{
    Limits, PixelError, Step, TooCostly,
    jpeg_ffi::{JpegError, Reader},
    plan::Size,
    raster::{Layout, Raster},
};
use heim_common::header::Format;

/// So many bytes of rows are decoded at a time.
const BAND_BYTES: usize = 128 << 10;

/// What the decoder's answer means for the job.
fn failed(error: JpegError, limits: &Limits) -> PixelError {
    match error {
        JpegError::Damaged(_) => PixelError::damaged(Format::Jpeg, error),
        JpegError::Scans => TooCostly::Scans(limits.scans_max).into(),
        JpegError::Late => TooCostly::Deadline(Step::Decode).into(),
        JpegError::Memory => TooCostly::OutOfMemory.into(),
    }
}

fn cut_short() -> PixelError {
    PixelError::damaged(Format::Jpeg, "the file ends before the picture does")
}

fn head(bytes: &[u8]) -> Result<Head, PixelError> {
    segments::read_head(bytes).ok_or_else(cut_short)
}

pub(super) fn inspect(bytes: &[u8], limits: &Limits) -> Result<Inspected, PixelError> {
    let head = head(bytes)?;
    let frame = head.frame.ok_or_else(|| PixelError::damaged(Format::Jpeg, "a scan without a frame"))?;
    let decodable = matches!(frame.process, 0..=3 | 9 | 10) && frame.precision == 8;
    if !decodable || !matches!(frame.components, 1 | 3 | 4) {
        return Err(PixelError::UnsupportedType);
    }
    if head.several_scans {
        // Only now is all of the file looked at: its scans may be a bomb, and
        // their coefficients must be kept until the last.
        limits.admit_bytes(frame.coefficient_bytes)?;
        match segments::count_scans(bytes, limits.scans_max) {
            Scans::Complete => {}
            Scans::CutShort => return Err(cut_short()),
            Scans::TooMany => return Err(TooCostly::Scans(limits.scans_max).into()),
        }
    }
    Ok(Inspected { size: frame.size, frames: 1 })
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let head = head(bytes)?;
    let limits = context.limits;
    let failed = |error| failed(error, limits);
    let mut reader = Reader::open(bytes, limits).map_err(failed)?;
    let header = reader.header();
    if head.frame.map(|frame| frame.size) != Some(header.size()) {
        return Err(PixelError::damaged(Format::Jpeg, "two frames of different sizes"));
    }

    let layout = if header.is_of_inks() { Layout::Cmyk } else { Layout::Rgb };
    let (width, height) = reader.scale(denominator(header.size(), context.size_min)).map_err(failed)?;
    let mut pixels = context.pool.room(width, height, layout.channels())?;
    let row = width as usize * layout.channels();
    let (whole, band) = (row * height as usize, row * (BAND_BYTES / row).max(1));
    reader.start(whole - pixels.len()).map_err(failed)?;
    for from in (0..whole).step_by(band) {
        let to = whole.min(from + band);
        // Fresh memory is taken row by row: what they are made of goes meanwhile.
        pixels.resize(pixels.len().max(to), 0);
        let rows = &mut pixels[from..to];
        reader.read_rows(rows).map_err(failed)?;
        if layout == Layout::Cmyk && head.adobe {
            for ink in rows {
                *ink = 255 - *ink;
            }
        }
    }
    reader.finish().map_err(failed)?;
    Ok(Decoded { raster: Raster { width, height, layout, pixels }, gray: header.is_gray(), icc: head.icc })
}

/// The largest part of each side, as 1 to this, that leaves at least this size of a
/// picture. Only powers of two have fast transforms.
fn denominator((width, height): Size, (min_width, min_height): Size) -> u32 {
    let leaves_enough =
        |denominator: &u32| width.div_ceil(*denominator) >= min_width && height.div_ceil(*denominator) >= min_height;
    [8, 4, 2].into_iter().find(leaves_enough).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_decoded_as_small_as_it_may_be() {
        let photo = (4032, 3024);
        assert_eq!(denominator(photo, (504, 378)), 8);
        assert_eq!(denominator(photo, (505, 378)), 4);
        assert_eq!(denominator(photo, (504, 379)), 4);
        assert_eq!(denominator(photo, (1008, 756)), 4);
        assert_eq!(denominator(photo, (1280, 960)), 2);
        assert_eq!(denominator(photo, (2017, 1)), 1);
        assert_eq!(denominator(photo, (4032, 3024)), 1);
        // What is left of a block at the edges is a pixel.
        assert_eq!(denominator((4033, 3017), (505, 378)), 8);
    }
}
