//! Lanczos3 to exactly the planned size. Opacity is multiplied into the colours
//! first and out of them after, or transparent pixels would bleed.

use crate::{
    PixelError,
    limits::buffer_bytes,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
};
use fast_image_resize::{
    ImageBufferError, PixelTrait, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8x3, U8x4},
};

/// A picture of this size, made of a larger one.
pub(crate) fn resized(
    source: &Raster,
    (width, height): Size,
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Raster, PixelError> {
    let Raster { layout, .. } = *source;
    let pixels = pool.take(buffer_bytes(width, height, layout.channels())?)?;
    let mut target = Raster { width, height, layout, pixels };
    match layout {
        Layout::Rgb => resize::<U8x3>(source, &mut target, resizer)?,
        Layout::RgbPad | Layout::Rgba | Layout::Cmyk => resize::<U8x4>(source, &mut target, resizer)?,
    }
    Ok(target)
}

/// The typed door of the resizer: the other compiles it for pixels of thirteen
/// kinds, and each kind costs fifteen seconds of a build.
fn resize<P: PixelTrait>(source: &Raster, target: &mut Raster, resizer: &mut Resizer) -> Result<(), PixelError> {
    let failed = |error: ImageBufferError| PixelError::Resize(error.into());
    let from = TypedImageRef::<P>::from_buffer(source.width, source.height, &source.pixels).map_err(failed)?;
    let mut to = TypedImage::<P>::from_buffer(target.width, target.height, &mut target.pixels).map_err(failed)?;
    let options = ResizeOptions::new().use_alpha(source.layout.has_alpha());
    resizer.resize_typed(&from, &mut to, &options).map_err(|error| PixelError::Resize(error.into()))
}

/// The decoded picture at the size of the largest level.
pub(crate) fn reduced(
    decoded: Raster,
    size: Size,
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Raster, PixelError> {
    if (decoded.width, decoded.height) == size {
        return Ok(decoded);
    }
    let reduced = resized(&decoded, size, resizer, pool)?;
    pool.give(decoded.pixels);
    Ok(reduced)
}

/// Every level, largest first, each made of the one before: two milliseconds
/// where resizing from the largest takes nine, and no worse to look at.
pub(crate) fn cascade(
    largest: Raster,
    sizes: &[Size],
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<Vec<Raster>, PixelError> {
    let mut levels = Vec::with_capacity(sizes.len());
    let mut last = largest;
    for &size in sizes.iter().skip(1) {
        let next = resized(&last, size, resizer, pool)?;
        levels.push(std::mem::replace(&mut last, next));
    }
    levels.push(last);
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_pixels_do_not_bleed_into_opaque_ones() {
        let row = [[255, 0, 0, 255], [0, 255, 0, 0]].concat().repeat(8);
        let source = Raster { width: 16, height: 16, layout: Layout::Rgba, pixels: row.repeat(16) };
        let small = resized(&source, (4, 4), &mut Resizer::new(), &mut Pool::default()).unwrap();
        for pixel in small.pixels.chunks_exact(4) {
            assert!(pixel[0] >= 254 && pixel[1] <= 1, "{pixel:?}");
            assert!((100..=155).contains(&pixel[3]), "{pixel:?}");
        }
    }

    #[test]
    fn the_cascade_has_every_size_in_order() {
        let largest = Raster { width: 64, height: 32, layout: Layout::Rgb, pixels: vec![128; 64 * 32 * 3] };
        let sizes = [(64, 32), (20, 10), (1, 1)];
        let levels = cascade(largest, &sizes, &mut Resizer::new(), &mut Pool::default()).unwrap();
        let found: Vec<Size> = levels.iter().map(|level| (level.width, level.height)).collect();
        assert_eq!(found, sizes);
        assert_eq!(levels[2].pixels, [128, 128, 128]);
    }
}
