//! Colours to sRGB, and every layout to `Rgb` or `Rgba`. It runs on the reduced
//! picture. A profile that cannot be read or used is ignored: a picture in
//! slightly wrong colours is better than none.

use crate::{
    PixelError,
    limits::buffer_bytes,
    pool::Pool,
    raster::{Layout, Raster},
};
use moxcms::{ColorProfile, DataColorSpace, Layout as Channels, TransformExecutor, TransformOptions};
use std::sync::Arc;

type Transform = Arc<dyn TransformExecutor<u8> + Send + Sync>;

/// The picture in sRGB, as `Rgb`, or as `Rgba` if it is not opaque.
pub(crate) fn to_srgb(source: Raster, icc: Option<&[u8]>, pool: &mut Pool) -> Result<Raster, PixelError> {
    let transform = icc.and_then(|icc| transform(icc, source.layout));
    if transform.is_none() && matches!(source.layout, Layout::Rgb | Layout::Rgba) {
        return Ok(source);
    }
    let Raster { width, height, layout: from, pixels: ref source_pixels } = source;
    let layout = if from.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let mut pixels = pool.take(buffer_bytes(width, height, layout.channels())?)?;
    let converted = transform.is_some_and(|transform| transform.transform(source_pixels, &mut pixels).is_ok());
    if !converted {
        by_convention(source_pixels, from, &mut pixels);
    }
    pool.give(source.pixels);
    Ok(Raster { width, height, layout, pixels })
}

/// The way from this profile's colours to sRGB; `None` if the profile is of no
/// use for this layout, or changes nothing.
fn transform(icc: &[u8], layout: Layout) -> Option<Transform> {
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    let (space, channels) = match layout {
        Layout::Gray => (DataColorSpace::Gray, Channels::Gray),
        Layout::GrayPad | Layout::GrayAlpha => (DataColorSpace::Gray, Channels::GrayAlpha),
        Layout::Rgb => (DataColorSpace::Rgb, Channels::Rgb),
        Layout::RgbPad | Layout::Rgba => (DataColorSpace::Rgb, Channels::Rgba),
        Layout::Cmyk => (DataColorSpace::Cmyk, Channels::Rgba),
    };
    if profile.color_space != space {
        return None;
    }
    let to = if layout.has_alpha() { Channels::Rgba } else { Channels::Rgb };
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_8bit(channels, &srgb, to, TransformOptions::default()).ok()?;
    let idle = matches!(layout, Layout::Rgb | Layout::RgbPad | Layout::Rgba) && changes_nothing(&transform, layout);
    (!idle).then_some(transform)
}

/// Whether no colour of a coarse grid moves by more than the rounding of one
/// step. Profiles that mean sRGB come in dozens of wordings; this reads none.
fn changes_nothing(transform: &Transform, layout: Layout) -> bool {
    const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    let grid = STEPS.iter().flat_map(|r| STEPS.iter().flat_map(move |g| STEPS.iter().map(move |b| [*r, *g, *b])));
    let channels = layout.channels();
    let source: Vec<u8> = grid.flat_map(|[r, g, b]| [r, g, b, 255].into_iter().take(channels)).collect();
    let to = if layout.has_alpha() { 4 } else { 3 };
    let mut target = vec![0; source.len() / channels * to];
    transform.transform(&source, &mut target).is_ok()
        && source
            .chunks_exact(channels)
            .zip(target.chunks_exact(to))
            .all(|(from, into)| from.iter().zip(into).take(3).all(|(from, into)| from.abs_diff(*into) <= 1))
}

/// Without a profile: gray is gray, RGB is sRGB, and inks take light away.
fn by_convention(source: &[u8], layout: Layout, target: &mut [u8]) {
    let pixels = source.chunks_exact(layout.channels());
    if layout.has_alpha() {
        for (from, into) in pixels.zip(target.chunks_exact_mut(4)) {
            match *from {
                [gray, alpha] => into.copy_from_slice(&[gray, gray, gray, alpha]),
                _ => into.copy_from_slice(from),
            }
        }
    } else {
        for (from, into) in pixels.zip(target.chunks_exact_mut(3)) {
            match (layout, from) {
                (Layout::Cmyk, &[c, m, y, k]) => into.copy_from_slice(&[c, m, y].map(|ink| through(ink, k))),
                (_, &[gray] | &[gray, _]) => into.fill(gray),
                _ => into.copy_from_slice(&from[..3]),
            }
        }
    }
}

/// The light that an ink and black let through.
fn through(ink: u8, black: u8) -> u8 {
    let light = u16::from(255 - ink) * u16::from(255 - black);
    u8::try_from((light + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(layout: Layout, pixels: &[u8], icc: Option<&[u8]>) -> (Layout, Vec<u8>) {
        let raster = Raster { width: 1, height: 1, layout, pixels: pixels.to_vec() };
        let srgb = to_srgb(raster, icc, &mut Pool::default()).unwrap();
        (srgb.layout, srgb.pixels)
    }

    #[test]
    fn every_layout_becomes_colours() {
        assert_eq!(converted(Layout::Gray, &[7], None), (Layout::Rgb, vec![7, 7, 7]));
        assert_eq!(converted(Layout::GrayPad, &[7, 255], None), (Layout::Rgb, vec![7, 7, 7]));
        assert_eq!(converted(Layout::GrayAlpha, &[7, 9], None), (Layout::Rgba, vec![7, 7, 7, 9]));
        assert_eq!(converted(Layout::RgbPad, &[1, 2, 3, 255], None), (Layout::Rgb, vec![1, 2, 3]));
        assert_eq!(converted(Layout::Rgba, &[1, 2, 3, 4], None), (Layout::Rgba, vec![1, 2, 3, 4]));
        assert_eq!(converted(Layout::Cmyk, &[0, 0, 0, 0], None), (Layout::Rgb, vec![255, 255, 255]));
        assert_eq!(converted(Layout::Cmyk, &[0, 255, 255, 0], None), (Layout::Rgb, vec![255, 0, 0]));
        assert_eq!(converted(Layout::Cmyk, &[0, 0, 0, 255], None), (Layout::Rgb, vec![0, 0, 0]));
    }

    #[test]
    fn a_profile_moves_colours_and_keeps_opacity() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let (layout, pixels) = converted(Layout::Rgba, &[200, 100, 50, 77], Some(&p3));
        assert_eq!((layout, pixels[3]), (Layout::Rgba, 77));
        assert!(pixels[0] > 205 && pixels[1] < 100, "{pixels:?}");
        assert_eq!(converted(Layout::RgbPad, &[200, 100, 50, 255], Some(&p3)).1, pixels[..3]);
        assert_eq!(converted(Layout::Rgb, &[200, 100, 50], Some(&p3)).1, pixels[..3]);
    }

    #[test]
    fn gray_profiles_are_used_and_strangers_ignored() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        for (layout, pixel) in
            [(Layout::Gray, [55].as_slice()), (Layout::GrayPad, &[55, 255]), (Layout::GrayAlpha, &[55, 9])]
        {
            let (_, pixels) = converted(layout, pixel, Some(&linear));
            assert!(pixels[0] > 110 && pixels[0] == pixels[1], "{layout:?}: {pixels:?}");
        }
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert_eq!(converted(Layout::Gray, &[55], Some(&p3)).1, [55, 55, 55]);
        assert_eq!(converted(Layout::Rgb, &[1, 2, 3], Some(&linear)).1, [1, 2, 3]);
    }

    #[test]
    fn srgb_by_any_name_changes_nothing_and_ruins_are_ignored() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert!(transform(&srgb, Layout::Rgb).is_none());
        for cut in 0..srgb.len() {
            assert_eq!(converted(Layout::Rgb, &[9, 99, 199], Some(&srgb[..cut])).1.len(), 3);
        }
    }
}
