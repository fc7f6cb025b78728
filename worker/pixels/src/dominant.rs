//! The colour that most of a picture has.

use crate::raster::Raster;
use heim_common::media::Color;

/// Bits of a channel by which colours count as the same.
const BITS: u32 = 4;

/// The average of the colours in the fullest of 4,096 equal cubes of sRGB: a
/// colour that is really there, which an average of everything seldom is.
/// `None` where no pixel can be seen. The layout is `Rgb` or `Rgba`.
pub(crate) fn of(raster: &Raster) -> Option<Color> {
    let mut cubes = vec![Cube::default(); 1 << (3 * BITS)];
    for pixel in raster.pixels.chunks_exact(raster.layout.channels()) {
        // What is half transparent shows half of its colour.
        let weight = u64::from(if raster.layout.has_alpha() { pixel[3] } else { u8::MAX });
        let index = pixel[..3].iter().fold(0, |index, channel| index << BITS | usize::from(channel >> (8 - BITS)));
        let cube = &mut cubes[index];
        cube.weight += weight;
        for (sum, channel) in cube.sums.iter_mut().zip(pixel) {
            *sum += u64::from(*channel) * weight;
        }
    }
    // Of equal ones the last: the lighter.
    let fullest = cubes.iter().max_by_key(|cube| cube.weight).filter(|cube| cube.weight > 0)?;
    Some(Color(fullest.sums.map(|sum| u8::try_from((sum + fullest.weight / 2) / fullest.weight).unwrap_or(u8::MAX))))
}

#[derive(Clone, Copy, Default)]
struct Cube {
    weight: u64,
    sums: [u64; 3],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Layout;

    fn of_pixels(layout: Layout, pixels: &[u8]) -> Option<[u8; 3]> {
        let width = u32::try_from(pixels.len() / layout.channels()).unwrap();
        of(&Raster { width, height: 1, layout, pixels: pixels.to_vec() }).map(|color| color.0)
    }

    #[test]
    fn it_is_a_colour_of_the_picture_and_not_the_middle_of_all() {
        let pixels = [[200, 20, 20], [204, 22, 20], [202, 20, 24], [10, 10, 200], [0, 255, 0]].concat();
        assert_eq!(of_pixels(Layout::Rgb, &pixels), Some([202, 21, 21]));
    }

    #[test]
    fn what_cannot_be_seen_has_none() {
        let pixels = [[255, 0, 0, 0], [255, 0, 0, 0], [0, 0, 255, 90]].concat();
        assert_eq!(of_pixels(Layout::Rgba, &pixels), Some([0, 0, 255]));
        assert_eq!(of_pixels(Layout::Rgba, &pixels[..8]), None);
    }
}
