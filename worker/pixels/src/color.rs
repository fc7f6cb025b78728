//! Colours to sRGB, and every layout to `Rgb` or `Rgba`. It runs on the reduced
//! picture. A profile that cannot be read or used is ignored: a picture in
//! slightly wrong colours is better than none.

use crate::{
    PixelError,
    pool::Pool,
    raster::{Layout, Raster},
};
use moxcms::{ColorProfile, DataColorSpace, Layout as Channels, TransformExecutor, TransformOptions};
use std::sync::Arc;

type Transform = Arc<dyn TransformExecutor<u8> + Send + Sync>;

/// What the file's numbers mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning<'a> {
    /// The embedded colour profile.
    pub(crate) icc: Option<&'a [u8]>,
    /// Whether the file holds gray alone, so that its profile is one for gray.
    pub(crate) gray: bool,
}

/// The way from a file's colours to sRGB.
pub(crate) enum Conversion {
    /// There is nothing to do but to change the layout.
    Idle,
    /// What becomes of each gray.
    Gray(Box<[u8; 256]>),
    /// By a profile.
    Profile(Transform),
}

impl Conversion {
    /// The way from pixels of this layout that mean this.
    pub(crate) fn of(meaning: Meaning<'_>, layout: Layout) -> Self {
        let Some(profile) = meaning.icc.and_then(|icc| ColorProfile::new_from_slice(icc).ok()) else {
            return Self::Idle;
        };
        if meaning.gray {
            gray_curve(&profile).map_or(Self::Idle, |curve| Self::Gray(Box::new(curve)))
        } else {
            transform_of(&profile, layout).map_or(Self::Idle, Self::Profile)
        }
    }

    /// The picture in sRGB, as `Rgb`, or as `Rgba` if it is not opaque.
    pub(crate) fn apply(&self, mut source: Raster, pool: &mut Pool) -> Result<Raster, PixelError> {
        if let Self::Gray(curve) = self {
            follow(&mut source, curve);
        }
        let transform = if let Self::Profile(transform) = self { Some(transform) } else { None };
        if transform.is_none() && matches!(source.layout, Layout::Rgb | Layout::Rgba) {
            return Ok(source);
        }
        let Raster { width, height, layout: from, pixels: ref source_pixels } = source;
        let layout = if from.has_alpha() { Layout::Rgba } else { Layout::Rgb };
        let mut pixels = pool.picture(width, height, layout.channels())?;
        let converted = transform.is_some_and(|transform| transform.transform(source_pixels, &mut pixels).is_ok());
        if !converted {
            by_convention(source_pixels, from, &mut pixels);
        }
        pool.give(source.pixels);
        Ok(Raster { width, height, layout, pixels })
    }
}

/// What a profile makes of each of the 256 grays.
fn gray_curve(profile: &ColorProfile) -> Option<[u8; 256]> {
    let grays: Vec<u8> = (0..=255).collect();
    let mut colours = [0; 256 * 3];
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(Channels::Gray, &srgb, Channels::Rgb, TransformOptions::default()).ok()?;
    transform.transform(&grays, &mut colours).ok()?;
    let mut curve = [0; 256];
    for (to, colour) in curve.iter_mut().zip(colours.as_chunks::<3>().0) {
        *to = colour[1];
    }
    Some(curve)
}

fn follow(gray: &mut Raster, curve: &[u8; 256]) {
    for pixel in gray.pixels.chunks_exact_mut(gray.layout.channels()) {
        for value in &mut pixel[..3] {
            *value = curve[usize::from(*value)];
        }
    }
}

/// The way from this profile's colours to sRGB; `None` if the profile is of no
/// use for this layout, or changes nothing.
fn transform_of(profile: &ColorProfile, layout: Layout) -> Option<Transform> {
    let (space, channels) = match layout {
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
    let idle = layout != Layout::Cmyk && changes_nothing(&transform, layout);
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

/// Without a profile: RGB is sRGB, and inks take light away.
fn by_convention(source: &[u8], layout: Layout, target: &mut [u8]) {
    let pixels = source.chunks_exact(layout.channels());
    if layout == Layout::Rgba {
        target.copy_from_slice(source);
        return;
    }
    for (from, into) in pixels.zip(target.chunks_exact_mut(3)) {
        match (layout, from) {
            (Layout::Cmyk, &[c, m, y, k]) => into.copy_from_slice(&[c, m, y].map(|ink| through(ink, k))),
            _ => into.copy_from_slice(&from[..3]),
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

    fn converted(layout: Layout, pixels: &[u8], icc: Option<&[u8]>, gray: bool) -> (Layout, Vec<u8>) {
        let raster = Raster { width: 1, height: 1, layout, pixels: pixels.to_vec() };
        let srgb = Conversion::of(Meaning { icc, gray }, layout).apply(raster, &mut Pool::default()).unwrap();
        (srgb.layout, srgb.pixels)
    }

    #[test]
    fn every_layout_becomes_colours() {
        let plain = |layout, pixels| converted(layout, pixels, None, false);
        assert_eq!(plain(Layout::Rgb, &[1, 2, 3]), (Layout::Rgb, vec![1, 2, 3]));
        assert_eq!(plain(Layout::RgbPad, &[1, 2, 3, 255]), (Layout::Rgb, vec![1, 2, 3]));
        assert_eq!(plain(Layout::Rgba, &[1, 2, 3, 4]), (Layout::Rgba, vec![1, 2, 3, 4]));
        assert_eq!(plain(Layout::Cmyk, &[0, 0, 0, 0]), (Layout::Rgb, vec![255, 255, 255]));
        assert_eq!(plain(Layout::Cmyk, &[0, 255, 255, 0]), (Layout::Rgb, vec![255, 0, 0]));
        assert_eq!(plain(Layout::Cmyk, &[0, 0, 0, 255]), (Layout::Rgb, vec![0, 0, 0]));
    }

    #[test]
    fn a_profile_moves_colours_and_keeps_opacity() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let (layout, pixels) = converted(Layout::Rgba, &[200, 100, 50, 77], Some(&p3), false);
        assert_eq!((layout, pixels[3]), (Layout::Rgba, 77));
        assert!(pixels[0] > 205 && pixels[1] < 100, "{pixels:?}");
        assert_eq!(converted(Layout::RgbPad, &[200, 100, 50, 255], Some(&p3), false).1, pixels[..3]);
        assert_eq!(converted(Layout::Rgb, &[200, 100, 50], Some(&p3), false).1, pixels[..3]);
    }

    #[test]
    fn gray_profiles_are_used_for_gray_and_strangers_ignored() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let (_, opaque) = converted(Layout::Rgb, &[55, 55, 55], Some(&linear), true);
        assert!(opaque[0] > 110 && opaque[0] == opaque[1] && opaque[1] == opaque[2], "{opaque:?}");
        let (_, half) = converted(Layout::Rgba, &[55, 55, 55, 9], Some(&linear), true);
        assert_eq!(half, [opaque[0], opaque[0], opaque[0], 9]);
        assert_eq!(converted(Layout::RgbPad, &[55, 55, 55, 255], Some(&linear), true).1, opaque);

        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert_eq!(converted(Layout::Rgb, &[55, 55, 55], Some(&p3), true).1, [55, 55, 55]);
        assert_eq!(converted(Layout::Rgb, &[1, 2, 3], Some(&linear), false).1, [1, 2, 3]);
    }

    #[test]
    fn srgb_by_any_name_changes_nothing_and_ruins_are_ignored() {
        let srgb = ColorProfile::new_srgb();
        assert!(transform_of(&srgb, Layout::Rgb).is_none());
        let srgb = srgb.encode().unwrap();
        for cut in 0..srgb.len() {
            for gray in [true, false] {
                assert_eq!(converted(Layout::Rgb, &[9, 99, 199], Some(&srgb[..cut]), gray).1.len(), 3);
            }
        }
    }
}
