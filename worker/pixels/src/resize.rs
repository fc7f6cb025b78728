//! Lanczos3 to exactly the planned size. Opacity is multiplied into the colours
//! first and out of them after, or transparent pixels would bleed.

use crate::{
    PixelError,
    fit::Level,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
};
use fast_image_resize::{
    ImageBufferError, PixelTrait, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8x3, U8x4},
};

/// A part of a source picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Crop {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Crop {
    /// All of it.
    pub(crate) fn whole((width, height): Size) -> Self {
        Self { left: 0.0, top: 0.0, width: width.into(), height: height.into() }
    }

    /// From which column, and how many.
    pub(crate) fn horizontal(&self) -> (f64, f64) {
        (self.left, self.width)
    }

    /// From which row, and how many.
    pub(crate) fn vertical(&self) -> (f64, f64) {
        (self.top, self.height)
    }

    /// Which part of a source of this size a level shows, if not all of it.
    pub(crate) fn of(level: &Level, source: Size) -> Option<Self> {
        let part = level.part?;
        let (width, height) = (f64::from(source.0), f64::from(source.1));
        let crop = Self {
            left: part.left * width,
            top: part.top * height,
            width: part.width * width,
            height: part.height * height,
        };
        // At its own scale a cut between pixels would only blur it.
        let (to_width, to_height) = (f64::from(level.size.0), f64::from(level.size.1));
        let is_to_scale = source == level.whole && (crop.width - to_width).abs() < 1.0;
        Some(if is_to_scale && to_width <= width && to_height <= height {
            Self {
                left: crop.left.round().min(width - to_width),
                top: crop.top.round().min(height - to_height),
                width: to_width,
                height: to_height,
            }
        } else {
            crop
        })
    }
}

/// How pixels of this layout are resized.
fn options(layout: Layout, crop: Option<Crop>) -> ResizeOptions {
    let options = ResizeOptions::new().use_alpha(layout.has_alpha());
    match crop {
        Some(Crop { left, top, width, height }) => options.crop(left, top, width, height),
        None => options,
    }
}

/// A picture of this size, made of a larger one.
pub(crate) fn resized(
    source: &Raster,
    (width, height): Size,
    crop: Option<Crop>,
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Raster, PixelError> {
    let Raster { layout, .. } = *source;
    let pixels = pool.picture(width, height, layout.channels())?;
    let mut target = Raster { width, height, layout, pixels };
    let options = options(layout, crop);
    match layout {
        Layout::Rgb => resize::<U8x3>(source, &mut target, &options, resizer)?,
        Layout::RgbPad | Layout::Rgba | Layout::Cmyk => resize::<U8x4>(source, &mut target, &options, resizer)?,
    }
    Ok(target)
}

/// The typed door of the resizer: the other compiles it for pixels of thirteen
/// kinds, and each kind costs fifteen seconds of a build.
fn resize<P: PixelTrait>(
    source: &Raster,
    target: &mut Raster,
    options: &ResizeOptions,
    resizer: &mut Resizer,
) -> Result<(), PixelError> {
    let failed = |error: ImageBufferError| PixelError::Resize(error.into());
    let from = TypedImageRef::<P>::from_buffer(source.width, source.height, &source.pixels).map_err(failed)?;
    let mut to = TypedImage::<P>::from_buffer(target.width, target.height, &mut target.pixels).map_err(failed)?;
    resizer.resize_typed(&from, &mut to, options).map_err(|error| PixelError::Resize(error.into()))
}

/// Every level, the first being there already, each made of the smallest one
/// before it that can be a source: two milliseconds where resizing from the
/// largest takes nine, and no worse to look at.
pub(crate) fn cascade(
    largest: Raster,
    levels: &[Level],
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Vec<Raster>, PixelError> {
    let mut made = vec![largest];
    let mut source = 0;
    for level in levels.iter().skip(1) {
        let from = &made[source];
        let crop = Crop::of(level, (from.width, from.height));
        let next = resized(from, level.size, crop, resizer, pool)?;
        if level.is_source() {
            source = made.len();
        }
        made.push(next);
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec::{Fit, Params};

    #[test]
    fn transparent_pixels_do_not_bleed_into_opaque_ones() {
        let row = [[255, 0, 0, 255], [0, 255, 0, 0]].concat().repeat(8);
        let source = Raster { width: 16, height: 16, layout: Layout::Rgba, pixels: row.repeat(16) };
        let small = resized(&source, (4, 4), None, &mut Resizer::new(), &mut Pool::default()).unwrap();
        for pixel in small.pixels.chunks_exact(4) {
            assert!(pixel[0] >= 254 && pixel[1] <= 1, "{pixel:?}");
            assert!((100..=155).contains(&pixel[3]), "{pixel:?}");
        }
    }

    #[test]
    fn the_cascade_has_every_size_in_order() {
        let largest = Raster { width: 64, height: 32, layout: Layout::Rgb, pixels: vec![128; 64 * 32 * 3] };
        let sizes = [(64, 32), (20, 10), (1, 1)];
        let levels = sizes.map(|size| Level::whole(size, (64, 32)));
        let made = cascade(largest, &levels, &mut Resizer::new(), &mut Pool::default()).unwrap();
        let found: Vec<Size> = made.iter().map(|level| (level.width, level.height)).collect();
        assert_eq!(found, sizes);
        assert_eq!(made[2].pixels, [128, 128, 128]);
    }

    #[test]
    fn a_cut_at_its_own_scale_copies_pixels() {
        let pixels: Vec<u8> = (0..64 * 31).flat_map(|at| [u8::try_from(at % 251).unwrap(); 3]).collect();
        let largest = Raster { width: 64, height: 31, layout: Layout::Rgb, pixels };
        let cut = Level::of((64, 31), &Params { fit: Fit::Cover, ..Params::of_box(31, 31) });
        let levels = [Level::whole((64, 31), (64, 31)), cut];
        let made = cascade(largest, &levels, &mut Resizer::new(), &mut Pool::default()).unwrap();
        let left = (64 - 31) / 2 + 1;
        for y in 0..31 {
            let row = &made[0].pixels[(y * 64 + left) * 3..][..31 * 3];
            assert_eq!(&made[1].pixels[y * 31 * 3..][..31 * 3], row, "row {y}");
        }
    }
}
