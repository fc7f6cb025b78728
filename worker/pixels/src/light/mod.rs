//! Resizing in linear light, in which values add up as light does.
//!
//! Rows flow from one size to the next: each is mixed from the rows of the one
//! before while those are in the processor's cache, so that no picture is ever
//! held in the four times larger form in which it is computed.

mod curve;
mod stage;
mod taps;

use crate::{
    PixelError,
    fit::Level,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
    resize::Crop,
};
use curve::Curve;
use stage::Stage;

/// Red, green, blue and opacity, from 0 to 1. Colours are light, and multiplied
/// by the opacity.
type Lit = [f32; 4];

/// Largest picture that is resized in light, in pixels. What is larger is first
/// made smaller as it is stored, like every JPEG by its decoder: the light of
/// neighbours differs less than that of what is further apart, and this way it
/// costs a tenth of a JPEG set, and not a third.
const LIT_PIXELS_MAX: f64 = 1.5e6;

/// At which size a picture of this layout and size is turned into light on its
/// way to `target`; `target` itself if that is no smaller than what would be.
pub(crate) fn begins(layout: Layout, source: Size, target: Size) -> Size {
    // Inks are no light.
    if layout == Layout::Cmyk {
        return target;
    }
    let pixels = f64::from(source.0) * f64::from(source.1);
    if pixels <= LIT_PIXELS_MAX {
        return source;
    }
    let scale = (LIT_PIXELS_MAX / pixels).sqrt();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "smaller than the source")]
    let side = |side: u32| (f64::from(side) * scale).ceil() as u32;
    let smaller = (side(source.0), side(source.1));
    // One resize more is worth it for a step that shows.
    let is_worth_it = smaller.0 >= target.0.saturating_mul(3) / 2 && smaller.1 >= target.1.saturating_mul(3) / 2;
    if is_worth_it { smaller } else { target }
}

/// A picture that comes into being row by row, and what is made of its rows.
struct Made {
    stage: Stage,
    raster: Raster,
    rows: usize,
    /// The place of what it is made of; `None` for the source picture.
    from: Option<usize>,
}

impl Made {
    fn new(stage: Stage, (width, height): Size, source: Layout, pool: &mut Pool) -> Result<Self, PixelError> {
        let layout = if source.has_alpha() { Layout::Rgba } else { Layout::Rgb };
        let pixels = pool.picture(width, height, layout.channels())?;
        Ok(Self { stage, raster: Raster { width, height, layout, pixels }, rows: 0, from: None })
    }
}

/// The source picture at the size of each of these levels, in order: each made
/// of the last one before it that can be a source, the first of the picture.
/// The layout is `Rgb`, `RgbPad` or `Rgba`, and becomes `Rgb` or `Rgba`.
pub(crate) fn resized(source: &Raster, levels: &[Level], pool: &mut Pool) -> Result<Vec<Raster>, PixelError> {
    let mut made: Vec<Made> = Vec::with_capacity(levels.len());
    let (mut from, mut size): (Option<usize>, Size) = (None, (source.width, source.height));
    for level in levels {
        let stage = Stage::new(size, level.size, Crop::of(level, size))?;
        made.push(Made { from, ..Made::new(stage, level.size, source.layout, pool)? });
        if level.is_source() {
            (from, size) = (Some(made.len() - 1), level.size);
        }
    }
    flow(source, &mut made);
    Ok(made.into_iter().map(|made| made.raster).collect())
}

/// A part of the source picture at this size.
pub(crate) fn cut(source: &Raster, size: Size, crop: Crop, pool: &mut Pool) -> Result<Raster, PixelError> {
    let stage = Stage::new((source.width, source.height), size, Some(crop))?;
    let mut made = [Made::new(stage, size, source.layout, pool)?];
    flow(source, &mut made);
    let [Made { raster, .. }] = made;
    Ok(raster)
}

/// Lets all rows of the source picture flow.
fn flow(source: &Raster, made: &mut [Made]) {
    let curve = Curve::get();
    let mut row = Vec::new();
    for stored in source.pixels.chunks_exact(source.width as usize * source.layout.channels()) {
        curve.widen(stored, source.layout, &mut row);
        feed(made, None, &mut row, curve);
    }
}

/// Gives a row to all that are made of this one's rows; what is left of it is
/// memory.
fn feed(made: &mut [Made], of: Option<usize>, row: &mut Vec<Lit>, curve: &Curve) {
    let last = made.iter().rposition(|made| made.from == of);
    for place in of.map_or(0, |of| of + 1)..made.len() {
        if made[place].from != of {
            continue;
        }
        if Some(place) == last {
            made[place].stage.take(row);
        } else {
            made[place].stage.copy(row);
        }
        while let Some(mut next) = made[place].stage.pop() {
            let Made { raster, rows, .. } = &mut made[place];
            let bytes = raster.width as usize * raster.layout.channels();
            curve.narrow(&next, raster.layout, &mut raster.pixels[*rows * bytes..][..bytes]);
            *rows += 1;
            feed(made, Some(place), &mut next, curve);
            made[place].stage.give_back(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smaller(source: &Raster, size: Size) -> Raster {
        let level = Level::whole(size, (source.width, source.height));
        resized(source, &[level], &mut Pool::default()).unwrap().remove(0)
    }

    #[test]
    fn black_and_white_lines_make_the_gray_that_is_as_bright() {
        let row = [[0; 3], [255; 3]].concat().repeat(32);
        let source = Raster { width: 64, height: 64, layout: Layout::Rgb, pixels: row.repeat(64) };
        let small = smaller(&source, (8, 8));
        // Half of the light is stored as 188; half of the stored value is 128.
        assert!(small.pixels.iter().all(|value| (184..=192).contains(value)), "{:?}", &small.pixels[..12]);
    }

    #[test]
    fn opacity_is_kept_and_transparent_pixels_do_not_bleed() {
        let row = [[255, 0, 0, 255], [0, 255, 0, 0]].concat().repeat(8);
        let source = Raster { width: 16, height: 16, layout: Layout::Rgba, pixels: row.repeat(16) };
        for pixel in smaller(&source, (4, 4)).pixels.chunks_exact(4) {
            assert!(pixel[0] >= 254 && pixel[1] <= 1, "{pixel:?}");
            assert!((100..=155).contains(&pixel[3]), "{pixel:?}");
        }
    }

    #[test]
    fn light_begins_where_it_can_be_paid_for() {
        let begins = |source, target| begins(Layout::Rgb, source, target);
        assert_eq!(begins((2016, 1512), (1280, 960)), (1280, 960));
        assert_eq!(begins((1008, 756), (320, 240)), (1008, 756));
        assert_eq!(begins((4032, 3024), (160, 120)), (1415, 1061));
        assert_eq!(begins((65_500, 100), (160, 1)), (31_345, 48));
        assert_eq!(super::begins(Layout::Cmyk, (1008, 756), (320, 240)), (320, 240));
    }

    #[test]
    fn every_level_is_whole_and_flat_stays_flat() {
        for (layout, pixel) in [
            (Layout::Rgb, &[10, 120, 250][..]),
            (Layout::RgbPad, &[10, 120, 250, 9]),
            (Layout::Rgba, &[10, 120, 250, 90]),
        ] {
            let source = Raster { width: 67, height: 41, layout, pixels: pixel.repeat(67 * 41) };
            let sizes = [(50, 31), (130, 80), (20, 12), (1, 1)];
            let levels = sizes.map(|size| Level::whole(size, (67, 41)));
            let made = resized(&source, &levels, &mut Pool::default()).unwrap();
            for (raster, size) in made.iter().zip(sizes) {
                assert_eq!((raster.width, raster.height), size);
                let channels = raster.layout.channels();
                let is_near = |(at, value): (usize, &u8)| value.abs_diff(pixel[at % channels]) <= 1;
                assert!(raster.pixels.iter().enumerate().all(is_near), "{layout:?} at {size:?}");
            }
        }
    }
}
