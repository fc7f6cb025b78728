//! What a page shows until the first transcoding is there: the ThumbHash, or the
//! dominant colour alone.

use crate::{
    PixelError, dominant,
    fit::inside,
    plan::PLACEHOLDER_SIDE,
    pool::Pool,
    raster::{Layout, Raster},
    resize,
};
use fast_image_resize::Resizer;
use heim_common::media::{Color, Placeholder};

/// Computes them from the smallest level that is large enough. Levels are upright,
/// largest first, `Rgb` or `Rgba`.
pub(crate) fn of(
    levels: &[&Raster],
    resizer: &mut Resizer,
    pool: &mut Pool,
) -> Result<(Placeholder, Option<Color>), PixelError> {
    let enough = |level: &&&Raster| level.width.max(level.height) >= PLACEHOLDER_SIDE;
    let Some(source) = levels.iter().rev().find(enough).or(levels.first()) else {
        return Err(PixelError::Resize("there is no level".into()));
    };
    let size = inside((source.width, source.height), (PLACEHOLDER_SIDE, PLACEHOLDER_SIDE));
    let small = resize::resized(source, size, None, resizer, pool)?;
    let color = dominant::of(&small);
    let rgba: Vec<u8> = match small.layout {
        Layout::Rgba => small.pixels.clone(),
        _ => small.pixels.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect(),
    };
    pool.give(small.pixels);
    Ok((Placeholder(thumbhash::rgba_to_thumb_hash(size.0 as usize, size.1 as usize, &rgba)), color))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::media::PLACEHOLDER_BYTES_MAX;

    fn hash(width: u32, height: u32, pixel: [u8; 4]) -> Vec<u8> {
        let pixels = pixel.repeat((width * height) as usize);
        let level = Raster { width, height, layout: Layout::Rgba, pixels };
        of(&[&level], &mut Resizer::new(), &mut Pool::default()).unwrap().0.0
    }

    #[test]
    fn every_shape_gives_a_hash_of_its_average_colour() {
        for (width, height) in [(1, 1), (160, 120), (1, 160), (160, 1), (100, 100), (3000, 7)] {
            let hash = hash(width, height, [200, 100, 50, 255]);
            assert!((5..=PLACEHOLDER_BYTES_MAX).contains(&hash.len()), "{width} x {height}: {} bytes", hash.len());
            let (red, green, blue, alpha) = thumbhash::thumb_hash_to_average_rgba(&hash).unwrap();
            for (found, meant) in [(red, 200.0), (green, 100.0), (blue, 50.0), (alpha, 255.0)] {
                assert!((found * 255.0 - meant).abs() < 10.0, "{width} x {height}");
            }
        }
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let (.., alpha) = thumbhash::thumb_hash_to_average_rgba(&hash(50, 50, [255, 255, 255, 0])).unwrap();
        assert!(alpha < 0.05);
    }
}
