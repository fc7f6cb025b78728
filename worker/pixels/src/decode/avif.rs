//! AVIF: AV1 in HEIF, by libavif and dav1d, of 8, 10 and 12 bits. Of an image
//! sequence, the first frame.
//!
//! Turns, mirrors and cuts are properties of the file's items, and they alone
//! count (ISO 23008-12, 6.5): what EXIF says of the orientation has been
//! carried out by them already.

use super::{Context, Decoded, Inspected, squares};
use crate::{
    PixelError, TooCostly,
    avif_ffi::{Area, AvifError, Decoder, Features, PIXELS_MAX},
    raster::{Layout, Raster},
};
use heim_common::header::{Format, Header, Orientation};
use moxcms::{CicpProfile, ColorProfile, MatrixCoefficients, ToneReprCurve};

/// The curves of television, which screens show as if they were sRGB's; that of
/// hybrid log-gamma (18), which was made to be shown so; and 2, by which a file
/// says nothing.
const LIKE_SRGB: [u16; 6] = [1, 2, 6, 14, 15, 18];
const SRGB: u16 = 13;
/// The perceptual quantizer: absolute light, up to 10,000 cd/m².
const PQ: u16 = 16;

fn refused(error: AvifError) -> PixelError {
    if error.is_unsupported() {
        PixelError::UnsupportedType
    } else if error.is_memory() {
        TooCostly::OutOfMemory.into()
    } else {
        PixelError::damaged(Format::Avif, error)
    }
}

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspected, PixelError> {
    let opened = Decoder::open(bytes, PIXELS_MAX).and_then(|decoder| decoder.features());
    let features = opened.map_err(|error| too_large(bytes).unwrap_or_else(|| refused(error)))?;
    Ok(Inspected { size: features.area.size, frames: features.frames.max(1) })
}

/// What libavif gives no word of its own: a size beyond its limit.
fn too_large(bytes: &[u8]) -> Option<PixelError> {
    let (width, height) = Header::read(bytes)?.size?;
    let beyond = u64::from(width) * u64::from(height) > u64::from(PIXELS_MAX);
    beyond.then_some(PixelError::TooManyPixels { width, height, max: PIXELS_MAX.into() })
}

/// How the picture is to be turned.
pub(super) fn orientation(bytes: &[u8]) -> Orientation {
    let opened = Decoder::open(bytes, PIXELS_MAX).and_then(|decoder| decoder.features());
    opened.map_or(Orientation::Upright, |features| turned(features.turns, features.mirror))
}

/// A number of quarter turns counter-clockwise, and then a mirror.
fn turned(turns: u8, mirror: Option<u8>) -> Orientation {
    match (turns, mirror) {
        (0, None) => Orientation::Upright,
        (1, None) => Orientation::Rotate270,
        (2, None) => Orientation::Rotate180,
        (_, None) => Orientation::Rotate90,
        (0, Some(0)) | (2, Some(1)) => Orientation::FlipVertical,
        (0 | 2, Some(_)) => Orientation::FlipHorizontal,
        (1, Some(0)) | (3, Some(1)) => Orientation::Transpose,
        (_, Some(_)) => Orientation::Transverse,
    }
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let pixels_max = u32::try_from(context.limits.pixels_max).unwrap_or(u32::MAX);
    let mut decoder = Decoder::open(bytes, pixels_max).map_err(refused)?;
    let declared = decoder.features().map_err(refused)?;
    context.limits.admit_bytes(declared.plane_bytes)?;
    decoder.advance().map_err(refused)?;
    let found = decoder.features().map_err(refused)?;
    if (found.stored, found.alpha) != (declared.stored, declared.alpha) {
        return Err(PixelError::damaged(Format::Avif, "another picture than declared"));
    }
    let raster = converted(&decoder, &declared, context)?;
    let embedded = decoder.icc().map_err(refused)?.map(<[u8]>::to_vec);
    let gray = found.gray && embedded.is_some();
    let icc = embedded.or_else(|| profile(&found));
    Ok(Decoded { raster, gray, icc })
}

/// The decoded planes as pixels.
fn converted(decoder: &Decoder<'_>, features: &Features, context: &mut Context<'_>) -> Result<Raster, PixelError> {
    let Features { area, alpha, plane_bytes, .. } = *features;
    let (width, height) = area.size;
    let factor = squares::factor(area.size, context.size_min);
    // Averaged opacity would have to be multiplied in first.
    if factor > 1 && !alpha {
        return squares::averaged(area.size, factor, context.pool, |top, rows, into| {
            let band = Area { left: area.left, top: area.top + top, size: (width, rows) };
            decoder.convert(band, Layout::Rgb, true, into).map_err(refused)
        });
    }
    let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
    let bytes = u64::from(width) * u64::from(height) * layout.channels() as u64;
    context.limits.admit_bytes(plane_bytes.saturating_add(bytes))?;
    let mut pixels = context.pool.picture(width, height, layout.channels())?;
    decoder.convert(area, layout, factor > 1, &mut pixels).map_err(refused)?;
    Ok(Raster { width, height, layout, pixels })
}

/// The profile that numbers of ITU-T H.273 stand for; `None` for sRGB, and for
/// numbers that stand for nothing.
fn profile(features: &Features) -> Option<Vec<u8>> {
    let known = |number: u16| u8::try_from(number).ok();
    let (primaries, transfer) = features.cicp;
    let primaries = if primaries == 2 { 1 } else { primaries };
    let transfer = if LIKE_SRGB.contains(&transfer) { SRGB } else { transfer };
    if (primaries, transfer) == (1, SRGB) {
        return None;
    }
    let cicp = CicpProfile {
        color_primaries: known(primaries)?.try_into().ok()?,
        transfer_characteristics: known(if transfer == PQ { SRGB } else { transfer })?.try_into().ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    let mut profile = ColorProfile::new_from_cicp(cicp);
    if transfer == PQ {
        let curve = Some(ToneReprCurve::Lut((0..=1023).map(|step| light_of_pq(f64::from(step) / 1023.0)).collect()));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
        profile.cicp = None;
    }
    profile.encode().ok()
}

/// SMPTE ST 2084, 5.1, as a share of the light of white, which is 203 cd/m² (ITU-R
/// BT.2408, 2.1) in 65,535 steps. What is brighter than white is shown as white:
/// the sky burns out, and everything else is as bright as it was meant to be.
fn light_of_pq(value: f64) -> u16 {
    const WHITE: f64 = 203.0;
    let power = value.powf(32.0 / 2523.0);
    let light = (power - 0.835_937_5).max(0.0) / (18.851_562_5 - 18.687_5 * power);
    let light = 10_000.0 * light.powf(16_384.0 / 2610.0) / WHITE;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 65,535")]
    let steps = (light.min(1.0) * 65_535.0).round() as u16;
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_of_the_perceptual_quantizer_is_white() {
        // 203 cd/m² is 58 % of the signal, 100 cd/m² 51 % (BT.2408, table 1).
        assert_eq!((light_of_pq(0.0), light_of_pq(0.59), light_of_pq(1.0)), (0, u16::MAX, u16::MAX));
        assert!((0.99..1.01).contains(&(f64::from(light_of_pq(0.5807)) / 65_535.0)), "{}", light_of_pq(0.5807));
        assert!((0.48..0.50).contains(&(f64::from(light_of_pq(0.508)) / 65_535.0)), "{}", light_of_pq(0.508));
    }

    #[test]
    fn a_turn_and_a_mirror_are_one_of_the_eight() {
        let of = |turns, mirror| turned(turns, mirror);
        assert_eq!(
            [0, 1, 2, 3].map(|turns| of(turns, None)),
            [Orientation::Upright, Orientation::Rotate270, Orientation::Rotate180, Orientation::Rotate90,]
        );
        // Top to bottom, after the turn.
        assert_eq!(
            [0, 1, 2, 3].map(|turns| of(turns, Some(0))),
            [Orientation::FlipVertical, Orientation::Transpose, Orientation::FlipHorizontal, Orientation::Transverse,]
        );
        // Left to right, after the turn.
        assert_eq!(
            [0, 1, 2, 3].map(|turns| of(turns, Some(1))),
            [Orientation::FlipHorizontal, Orientation::Transverse, Orientation::FlipVertical, Orientation::Transpose,]
        );
    }
}
