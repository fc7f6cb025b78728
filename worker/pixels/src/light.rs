//! Resizing in linear light: 16 bits a channel, in which values add up as light
//! does. Stored values are those of sRGB's curve (IEC 61966-2-1, 4.2 and 5.2),
//! which Display P3 has too; of other profiles it is a good guess.

use crate::{
    PixelError,
    fit::Level,
    limits::buffer_bytes,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
    resize::{self, Crop},
};
use fast_image_resize::{
    InvalidPixelsSize, PixelTrait, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U16x3, U16x4},
};
use std::sync::LazyLock;

/// The light of each stored value, and the stored value of each light.
struct Curve {
    light: [u16; 256],
    stored: Vec<u8>,
}

static CURVE: LazyLock<Curve> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 65,535")]
    let light = std::array::from_fn(|value| {
        let value = f64::from(u8::try_from(value).unwrap_or(u8::MAX)) / 255.0;
        let light = if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
        (light * 65_535.0).round() as u16
    });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
    let stored = |light: u16| {
        let light = f64::from(light) / 65_535.0;
        let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    };
    Curve { light, stored: (0..=u16::MAX).map(stored).collect() }
});

/// A pixel of 16 bits a channel.
trait Deep: PixelTrait + Default {
    const LAYOUT: Layout;
    fn widen(stored: &[u8], light: &[u16; 256]) -> Self;
    fn narrow(self, into: &mut [u8], stored: &[u8]);
}

impl Deep for U16x3 {
    const LAYOUT: Layout = Layout::Rgb;

    #[inline]
    fn widen(stored: &[u8], light: &[u16; 256]) -> Self {
        Self::new([stored[0], stored[1], stored[2]].map(|value| light[usize::from(value)]))
    }

    #[inline]
    fn narrow(self, into: &mut [u8], stored: &[u8]) {
        for (into, light) in into.iter_mut().zip(self.0) {
            *into = stored[usize::from(light)];
        }
    }
}

impl Deep for U16x4 {
    const LAYOUT: Layout = Layout::Rgba;

    #[inline]
    fn widen(stored: &[u8], light: &[u16; 256]) -> Self {
        let [r, g, b] = [stored[0], stored[1], stored[2]].map(|value| light[usize::from(value)]);
        // Opacity is a share of light already.
        Self::new([r, g, b, u16::from(stored[3]) * 257])
    }

    #[inline]
    fn narrow(self, into: &mut [u8], stored: &[u8]) {
        let [r, g, b, alpha] = self.0;
        for (into, light) in into.iter_mut().zip([r, g, b]) {
            *into = stored[usize::from(light)];
        }
        into[3] = u8::try_from((u32::from(alpha) + 128) / 257).unwrap_or(u8::MAX);
    }
}

/// A picture in linear light.
struct Lit<P> {
    size: Size,
    pixels: Vec<P>,
}

impl<P: Deep> Lit<P> {
    fn widened(raster: &Raster) -> Result<Self, PixelError> {
        let stored = raster.pixels.chunks_exact(raster.layout.channels());
        let mut pixels = Vec::new();
        let samples = P::LAYOUT.channels() * 2;
        buffer_bytes(raster.width, raster.height, samples)?;
        let count = stored.len();
        pixels.try_reserve_exact(count).map_err(|_| crate::TooCostly::Memory((count * samples) as u64))?;
        pixels.extend(stored.map(|stored| P::widen(stored, &CURVE.light)));
        Ok(Self { size: (raster.width, raster.height), pixels })
    }

    fn resized(&self, size: Size, crop: Option<Crop>, resizer: &mut Resizer) -> Result<Self, PixelError> {
        let bytes = buffer_bytes(size.0, size.1, P::LAYOUT.channels() * 2)?;
        let count = size.0 as usize * size.1 as usize;
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(count).map_err(|_| crate::TooCostly::Memory(bytes as u64))?;
        pixels.resize(count, P::default());
        let failed = |error: InvalidPixelsSize| PixelError::Resize(error.into());
        let from = TypedImageRef::new(self.size.0, self.size.1, &self.pixels).map_err(failed)?;
        let mut to = TypedImage::from_pixels_slice(size.0, size.1, &mut pixels).map_err(failed)?;
        let options = resize::options(P::LAYOUT, crop);
        resizer.resize_typed(&from, &mut to, &options).map_err(|error| PixelError::Resize(error.into()))?;
        drop(to);
        Ok(Self { size, pixels })
    }

    fn narrowed(&self, pool: &mut Pool) -> Result<Raster, PixelError> {
        let (width, height) = self.size;
        let channels = P::LAYOUT.channels();
        let mut pixels = pool.take(buffer_bytes(width, height, channels)?)?;
        for (into, light) in pixels.chunks_exact_mut(channels).zip(&self.pixels) {
            light.narrow(into, &CURVE.stored);
        }
        Ok(Raster { width, height, layout: P::LAYOUT, pixels })
    }
}

/// Whether the resize of such a picture can be done in light: inks are none.
pub(crate) fn is_light(layout: Layout) -> bool {
    layout != Layout::Cmyk
}

/// The decoded picture at this size.
pub(crate) fn reduced(
    source: &Raster,
    size: Size,
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Raster, PixelError> {
    if source.layout.has_alpha() {
        Lit::<U16x4>::widened(source)?.resized(size, None, resizer)?.narrowed(pool)
    } else {
        Lit::<U16x3>::widened(source)?.resized(size, None, resizer)?.narrowed(pool)
    }
}

/// Every level, the first being there already.
pub(crate) fn cascade(
    largest: Raster,
    levels: &[Level],
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Vec<Raster>, PixelError> {
    let mut made = Vec::with_capacity(levels.len());
    if levels.len() > 1 {
        if largest.layout.has_alpha() {
            go_down::<U16x4>(&largest, levels, &mut made, resizer, pool)?;
        } else {
            go_down::<U16x3>(&largest, levels, &mut made, resizer, pool)?;
        }
    }
    made.insert(0, largest);
    Ok(made)
}

fn go_down<P: Deep>(
    largest: &Raster,
    levels: &[Level],
    made: &mut Vec<Raster>,
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<(), PixelError> {
    let mut source = Lit::<P>::widened(largest)?;
    for level in &levels[1..] {
        let lit = source.resized(level.size, Crop::of(level, source.size), resizer)?;
        made.push(lit.narrowed(pool)?);
        if level.is_source() {
            source = lit;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_value_survives_the_way_to_light_and_back() {
        for value in 0..=u8::MAX {
            assert_eq!(CURVE.stored[usize::from(CURVE.light[usize::from(value)])], value);
        }
        assert_eq!((CURVE.light[0], CURVE.light[255]), (0, u16::MAX));
    }

    #[test]
    fn black_and_white_lines_make_the_gray_that_is_as_bright() {
        let row = [[0; 3], [255; 3]].concat().repeat(32);
        let source = Raster { width: 64, height: 64, layout: Layout::Rgb, pixels: row.repeat(64) };
        let small = reduced(&source, (8, 8), &mut Resizer::new(), &mut Pool::default()).unwrap();
        // Half of the light is stored as 188; half of the stored value is 128.
        assert!(small.pixels.iter().all(|value| (184..=192).contains(value)), "{:?}", &small.pixels[..12]);
    }

    #[test]
    fn opacity_is_kept_and_transparent_pixels_do_not_bleed() {
        let row = [[255, 0, 0, 255], [0, 255, 0, 0]].concat().repeat(8);
        let source = Raster { width: 16, height: 16, layout: Layout::Rgba, pixels: row.repeat(16) };
        let small = reduced(&source, (4, 4), &mut Resizer::new(), &mut Pool::default()).unwrap();
        for pixel in small.pixels.chunks_exact(4) {
            assert!(pixel[0] >= 254 && pixel[1] <= 1, "{pixel:?}");
            assert!((100..=155).contains(&pixel[3]), "{pixel:?}");
        }
    }
}
