//! Makes a picture smaller by a whole number while its rows come, by the average
//! of squares: so a decoder that cannot scale does not need memory for all of
//! its pixels, and the resize that follows has less to do.

use crate::{
    PixelError,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
};

/// Like libwebp's own scaling, averages blur: twice the size that is wanted
/// leaves the blur to the resize that follows, which removes it.
const LEFT_FACTOR: u32 = 2;
/// Lines of the smaller picture that are made at a time. An even number, since
/// colours may be stored for two rows at once.
const LINES: u32 = 8;

/// By how much a picture may be made smaller that is wanted at this size at the
/// least; 1 for not at all.
pub(super) fn factor(size: Size, size_min: Size) -> u32 {
    let times = |side: u32, min: u32| side / min.saturating_mul(LEFT_FACTOR).max(1);
    times(size.0, size_min.0).min(times(size.1, size_min.1)).max(1)
}

/// The smaller picture, without opacity. `fill` puts rows into a buffer of just
/// so many: the first one and their number are given.
pub(super) fn averaged(
    size: Size,
    factor: u32,
    pool: &mut Pool,
    mut fill: impl FnMut(u32, u32, &mut [u8]) -> Result<(), PixelError>,
) -> Result<Raster, PixelError> {
    let (width, height) = (size.0.div_ceil(factor), size.1.div_ceil(factor));
    let mut pixels = pool.picture(width, height, 3)?;
    let row = size.0 as usize * 3;
    let mut band = pool.picture(size.0, factor.saturating_mul(LINES), 3)?;
    let mut sums = vec![[0; 3]; width as usize];
    let (mut top, line) = (0, width as usize * 3);
    for lines in pixels.chunks_mut(line * LINES as usize) {
        let rows = (factor * LINES).min(size.1 - top);
        let filled = &mut band[..row * rows as usize];
        fill(top, rows, filled)?;
        for (line, square) in lines.chunks_exact_mut(line).zip(filled.chunks(row * factor as usize)) {
            average(square, row, factor as usize, &mut sums, line);
        }
        top += rows;
    }
    pool.give(band);
    Ok(Raster { width, height, layout: Layout::Rgb, pixels })
}

/// One line out of as many rows as a square is high, or fewer at the lower edge.
fn average(rows: &[u8], row: usize, factor: usize, sums: &mut [[u32; 3]], line: &mut [u8]) {
    sums.fill([0; 3]);
    for row in rows.chunks_exact(row) {
        for (sum, across) in sums.iter_mut().zip(row.chunks(factor * 3)) {
            for pixel in across.as_chunks::<3>().0 {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u32::from(*value);
                }
            }
        }
    }
    let (width, height) = (row / 3, rows.len() / row);
    for (index, (into, sum)) in line.as_chunks_mut::<3>().0.iter_mut().zip(sums).enumerate() {
        let across = factor.min(width - index * factor);
        let count = u32::try_from(across * height).unwrap_or(u32::MAX);
        *into = sum.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_wanted_size_is_left() {
        assert_eq!(factor((4000, 3000), (1000, 750)), 2);
        assert_eq!(factor((4000, 3000), (160, 120)), 12);
        assert_eq!(factor((4000, 3000), (1001, 750)), 1);
        assert_eq!(factor((100, 100), (100, 100)), 1);
        assert_eq!(factor((100, 100), (u32::MAX, 1)), 1);
    }

    #[test]
    fn squares_are_averaged_to_the_edges() {
        // 5 x 19 by 2: the last column and the last line are of half squares.
        let pixel = |x: u32, y: u32| u8::try_from(x * 10 + y).unwrap();
        let mut asked = Vec::new();
        let made = averaged((5, 19), 2, &mut Pool::default(), |top, rows, into| {
            asked.push((top, rows));
            let all = (top..top + rows).flat_map(|y| (0..5).flat_map(move |x| [pixel(x, y), 0, 255]));
            into.iter_mut().zip(all).for_each(|(into, value)| *into = value);
            Ok(())
        })
        .unwrap();
        assert_eq!(asked, [(0, 16), (16, 3)]);
        assert_eq!((made.width, made.height), (3, 10));
        let found = |x: usize, y: usize| made.pixels[(y * 3 + x) * 3];
        // 0, 10, 1 and 11 have 5.5; 40 and 41 have 40.5; 18 and 28 have 23; 58 stands alone.
        assert_eq!([found(0, 0), found(2, 0), found(0, 9), found(2, 9)], [6, 41, 23, 58]);
        assert!(made.pixels.as_chunks::<3>().0.iter().all(|pixel| pixel[1] == 0 && pixel[2] == 255));
    }
}
