//! JPEG, by libjpeg-turbo, which scales while it decodes: at a half, a quarter
//! or an eighth it does less work and needs less memory.
//!
//! libjpeg-turbo makes a picture of almost anything and warns. `turbojpeg`
//! hands its first warning over as an error whose text is all that tells a
//! harmless one from damage, so this file reads text, in one place
//! ([`is_harmless`]), against the library's own fixed messages.

use super::{
    Context, Decoded, Inspected,
    jpeg_segments::{self as segments, Head, Scans},
};
use crate::{
    Limits, PixelError, TooCostly,
    plan::Size,
    raster::{Layout, Raster},
};
use heim_common::header::Format;
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor};

/// A decompressor for one file. One that has seen another would fill in from that
/// what this one lacks: libjpeg keeps tables for files that come without
/// (ITU-T T.81, B.5), and after an error in a header it stays in the middle of it.
fn fresh(limits: &Limits) -> Result<Decompressor, PixelError> {
    let mut decompressor = Decompressor::new().map_err(damaged)?;
    decompressor.set_scan_limit(limits.scans_max).map_err(damaged)?;
    Ok(decompressor)
}

fn damaged(error: turbojpeg::Error) -> PixelError {
    PixelError::damaged(Format::Jpeg, error)
}

fn cut_short() -> PixelError {
    PixelError::damaged(Format::Jpeg, "the file ends before the picture does")
}

/// Warnings after which the picture is as good as it was meant to be. All
/// others say that a part of it is missing or made up.
fn is_harmless(error: &turbojpeg::Error) -> bool {
    let turbojpeg::Error::TurboJpegError(message) = error else { return false };
    message.contains("extraneous bytes before marker")
        || message.starts_with("Warning: unknown JFIF revision number")
        || message.starts_with("Unknown Adobe color transform code")
        || message.starts_with("Invalid SOS parameters for sequential JPEG")
        || message.starts_with("Corrupt JPEG data: bad ICC marker")
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
    let mut decompressor = fresh(context.limits)?;
    let tidied;
    let (bytes, header) = match decompressor.read_header(bytes) {
        Ok(header) => (bytes, header),
        Err(error) if is_harmless(&error) => {
            tidied = segments::tidy(bytes);
            decompressor = fresh(context.limits)?;
            let header = decompressor.read_header(&tidied).map_err(damaged)?;
            (tidied.as_slice(), header)
        }
        Err(error) => return Err(damaged(error)),
    };
    let declared = (header.width, header.height);
    if head.frame.map(|frame| (frame.size.0 as usize, frame.size.1 as usize)) != Some(declared) {
        return Err(PixelError::damaged(Format::Jpeg, "two frames of different sizes"));
    }

    let scale = if header.is_lossless { ScalingFactor::ONE } else { scale(declared, context.size_min) };
    decompressor.set_scaling_factor(scale).map_err(damaged)?;
    let scaled = header.scaled(scale);
    let (layout, format) = match header.colorspace {
        Colorspace::CMYK | Colorspace::YCCK => (Layout::Cmyk, PixelFormat::CMYK),
        Colorspace::Gray | Colorspace::RGB | Colorspace::YCbCr => (Layout::Rgb, PixelFormat::RGB),
    };
    let side = |side: usize| u32::try_from(side).map_err(|_| PixelError::UnsupportedType);
    let (width, height) = (side(scaled.width)?, side(scaled.height)?);
    let mut pixels = context.pool.picture(width, height, layout.channels())?;
    let pitch = scaled.width * format.size();
    let image = Image { pixels: pixels.as_mut_slice(), width: scaled.width, pitch, height: scaled.height, format };
    match decompressor.decompress(bytes, image) {
        Ok(()) => {}
        // Only the first warning is told, and a cut may hide behind it.
        Err(error)
            if is_harmless(&error) && segments::count_scans(bytes, context.limits.scans_max) == Scans::Complete => {}
        Err(error) => return Err(damaged(error)),
    }
    if layout == Layout::Cmyk && head.adobe {
        for ink in &mut pixels {
            *ink = 255 - *ink;
        }
    }
    let gray = header.colorspace == Colorspace::Gray;
    Ok(Decoded { raster: Raster { width, height, layout, pixels }, gray, icc: head.icc })
}

/// The smallest scale that leaves at least this size of a picture. Only powers of
/// two have fast transforms.
fn scale((width, height): (usize, usize), (min_width, min_height): Size) -> ScalingFactor {
    let leaves_enough = |factor: &ScalingFactor| {
        factor.scale(width) >= min_width as usize && factor.scale(height) >= min_height as usize
    };
    let scales = [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF];
    scales.into_iter().find(leaves_enough).unwrap_or(ScalingFactor::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_warnings_that_cost_no_pixel_are_harmless() {
        let harmless = |text: &str| is_harmless(&turbojpeg::Error::TurboJpegError(text.to_owned()));
        assert!(harmless("Corrupt JPEG data: 37 extraneous bytes before marker 0xd9"));
        assert!(harmless("Warning: unknown JFIF revision number 3.01"));
        assert!(!harmless("Premature end of JPEG file"));
        assert!(!harmless("Corrupt JPEG data: premature end of data segment"));
        assert!(!harmless("Corrupt JPEG data: bad Huffman code"));
        assert!(!is_harmless(&turbojpeg::Error::CannotScaleLossless));
    }

    #[test]
    fn a_picture_is_decoded_as_small_as_it_may_be() {
        let photo = (4032, 3024);
        assert_eq!(scale(photo, (504, 378)), ScalingFactor::ONE_EIGHTH);
        assert_eq!(scale(photo, (505, 378)), ScalingFactor::ONE_QUARTER);
        assert_eq!(scale(photo, (504, 379)), ScalingFactor::ONE_QUARTER);
        assert_eq!(scale(photo, (1008, 756)), ScalingFactor::ONE_QUARTER);
        assert_eq!(scale(photo, (1280, 960)), ScalingFactor::ONE_HALF);
        assert_eq!(scale(photo, (2017, 1)), ScalingFactor::ONE);
        assert_eq!(scale(photo, (4032, 3024)), ScalingFactor::ONE);
        // What is left of a block at the edges is a pixel.
        assert_eq!(scale((4033, 3017), (505, 378)), ScalingFactor::ONE_EIGHTH);
    }
}
