//! Turns a picture upright. It runs on the reduced picture, where it costs
//! nothing that can be measured.

use crate::{PixelError, pool::Pool, raster::Raster};
use heim_common::header::Orientation;

/// The picture as it is meant to be seen.
pub(crate) fn upright(lying: Raster, orientation: Orientation, pool: &mut Pool) -> Result<Raster, PixelError> {
    if orientation == Orientation::Upright {
        return Ok(lying);
    }
    let mut pixels = pool.take(lying.pixels.len())?;
    match lying.layout.channels() {
        3 => turn::<3>(&lying, orientation, &mut pixels),
        _ => turn::<4>(&lying, orientation, &mut pixels),
    }
    let Raster { width, height, layout, .. } = lying;
    let (width, height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    pool.give(lying.pixels);
    Ok(Raster { width, height, layout, pixels })
}

fn turn<const N: usize>(lying: &Raster, orientation: Orientation, upright: &mut [u8]) {
    let (source, _) = lying.pixels.as_chunks::<N>();
    let (target, _) = upright.as_chunks_mut::<N>();
    let (w, h) = (lying.width as usize, lying.height as usize);
    // Where the pixel at (x, y) of the upright picture comes from.
    let from = |x: usize, y: usize| match orientation {
        Orientation::Upright => (x, y),
        Orientation::FlipHorizontal => (w - 1 - x, y),
        Orientation::Rotate180 => (w - 1 - x, h - 1 - y),
        Orientation::FlipVertical => (x, h - 1 - y),
        Orientation::Transpose => (y, x),
        Orientation::Rotate90 => (y, h - 1 - x),
        Orientation::Transverse => (w - 1 - y, h - 1 - x),
        Orientation::Rotate270 => (w - 1 - y, x),
    };
    let width = if orientation.swaps_sides() { h } else { w };
    for (y, row) in target.chunks_exact_mut(width).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let (source_x, source_y) = from(x, y);
            *pixel = source[source_y * w + source_x];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(orientation: Orientation) -> (u32, Vec<u8>) {
        let lying = Raster::of_gray((3, 2), b"abcdef".to_vec(), false, &mut Pool::default()).unwrap();
        let raster = upright(lying, orientation, &mut Pool::default()).unwrap();
        (raster.width, raster.pixels.into_iter().step_by(3).collect())
    }

    #[test]
    fn each_of_the_eight_turns_as_the_standard_draws_it() {
        for (orientation, width, expected) in [
            (Orientation::Upright, 3, b"abcdef"),
            (Orientation::FlipHorizontal, 3, b"cbafed"),
            (Orientation::Rotate180, 3, b"fedcba"),
            (Orientation::FlipVertical, 3, b"defabc"),
            (Orientation::Transpose, 2, b"adbecf"),
            (Orientation::Rotate90, 2, b"daebfc"),
            (Orientation::Transverse, 2, b"fcebda"),
            (Orientation::Rotate270, 2, b"cfbead"),
        ] {
            assert_eq!(turned(orientation), (width, expected.to_vec()), "{orientation:?}");
        }
    }
}
