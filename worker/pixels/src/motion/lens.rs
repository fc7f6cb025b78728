//! From a changed part of the canvas to the part of a target that it changes,
//! and the pixels of that part: the same as if all had been resized, but for
//! rounding by one (by two where a picture is enlarged).

use crate::{
    PixelError,
    area::Area,
    fit::Level,
    light,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
    resize::{self, Crop},
};
use fast_image_resize::Resizer;
use heim_common::spec::Light;

/// How far Lanczos3 looks, in pixels of the smaller picture.
const SUPPORT: f64 = 3.0;
/// Changes are sent in squares of this side. It is that of the blocks that an
/// encoder with loss works in, and even, as places in WebP are.
pub(super) const BLOCK: u32 = 8;

/// One direction of the way from a canvas to a target.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Where the target begins on the canvas.
    from: f64,
    /// Pixels of the canvas for one of the target.
    scale: f64,
    canvas: u32,
    target: u32,
}

/// A number of pixels, held between 0 and `most`.
fn pixels(value: f64, most: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 0 and a u32")]
    let held = value.clamp(0.0, f64::from(most)) as u32;
    held
}

impl Axis {
    fn radius(&self) -> f64 {
        SUPPORT * self.scale.max(1.0)
    }

    /// The target's pixels in which these of the canvas have a share, in whole
    /// blocks.
    fn reached(&self, first: u32, end: u32) -> (u32, u32) {
        let at = |edge: f64| (edge - self.from) / self.scale - 0.5;
        let reached_first = at(f64::from(first) - self.radius() - 1.0).floor();
        let reached_end = at(f64::from(end) + self.radius()).ceil() + 1.0;
        let end = pixels(reached_end, self.target).next_multiple_of(BLOCK).min(self.target);
        (pixels(reached_first, self.target) / BLOCK * BLOCK, end)
    }

    /// The canvas's pixels that have a share in these of the target.
    fn needed(&self, first: u32, end: u32) -> (u32, u32) {
        let first = self.from + f64::from(first) * self.scale - self.radius() - 1.0;
        let end = self.from + f64::from(end) * self.scale + self.radius() + 1.0;
        (pixels(first.floor(), self.canvas), pixels(end.ceil(), self.canvas))
    }

    /// Where these pixels of the target lie in what is needed for them.
    fn within(&self, first: u32, end: u32, needed: (u32, u32)) -> (f64, f64) {
        let from = (self.from + f64::from(first) * self.scale - f64::from(needed.0)).max(0.0);
        let length = f64::from(end - first) * self.scale;
        (from, length.min(f64::from(needed.1 - needed.0) - from))
    }
}

/// The way from a canvas to a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens {
    x: Axis,
    y: Axis,
    light: Light,
}

impl Lens {
    pub(super) fn new(level: &Level, canvas: Size, light: Light) -> Self {
        let crop = Crop::of(level, canvas).unwrap_or(Crop::whole(canvas));
        let axis =
            |from, length: f64, canvas, target: u32| Axis { from, scale: length / f64::from(target), canvas, target };
        Self {
            x: axis(crop.left, crop.width, canvas.0, level.size.0),
            y: axis(crop.top, crop.height, canvas.1, level.size.1),
            light,
        }
    }

    /// What a change of the canvas changes of the target.
    pub(super) fn reached(&self, changed: Area) -> Area {
        if changed.is_empty() {
            return Area::default();
        }
        let (left, right) = self.x.reached(changed.left, changed.right);
        let (top, bottom) = self.y.reached(changed.top, changed.bottom);
        Area { left, top, right, bottom }
    }

    /// The pixels of a part of the target, which is not empty.
    pub(super) fn look(
        &self,
        canvas: &Raster,
        part: Area,
        resizer: &mut Resizer,
        pool: &mut Pool,
    ) -> Result<Raster, PixelError> {
        let (left, right) = self.x.needed(part.left, part.right);
        let (top, bottom) = self.y.needed(part.top, part.bottom);
        let mut source = cut(canvas, Area { left, top, right, bottom }, pool)?;
        source.drop_full_alpha();
        let (left, width) = self.x.within(part.left, part.right, (left, right));
        let (top, height) = self.y.within(part.top, part.bottom, (top, bottom));
        let crop = Crop { left, top, width, height };
        let seen = match self.light {
            Light::Gamma => resize::resized(&source, part.size(), Some(crop), resizer, pool),
            Light::Linear => light::cut(&source, part.size(), crop, pool),
        };
        pool.give(source.pixels);
        seen
    }
}

/// A copy of an area. The resizer would else multiply the opacity of the whole
/// canvas into its colours, however little of it is looked at.
fn cut(canvas: &Raster, area: Area, pool: &mut Pool) -> Result<Raster, PixelError> {
    let (width, height) = area.size();
    let mut pixels = pool.picture(width, height, 4)?;
    let lines = canvas.pixels.chunks_exact(canvas.width as usize * 4).skip(area.top as usize);
    for (into, line) in pixels.chunks_exact_mut(width.max(1) as usize * 4).zip(lines) {
        into.copy_from_slice(&line[area.left as usize * 4..][..into.len()]);
    }
    Ok(Raster { width, height, layout: Layout::Rgba, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec::{Fit, Params};

    /// Numbers that look like chance and are the same each time.
    struct Dice(u32);

    impl Dice {
        fn roll(&mut self, sides: u32) -> u32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) % sides
        }

        fn byte(&mut self) -> u8 {
            u8::try_from(self.roll(256)).unwrap()
        }
    }

    fn apart(one: &[u8], other: &[u8]) -> u8 {
        one.iter().zip(other).map(|(one, other)| one.abs_diff(*other)).max().unwrap()
    }

    /// Changes a canvas here and there and looks at what was reached: together
    /// it must be the canvas as a whole.
    fn check(canvas: Size, params: &Params, opaque: bool) {
        let (level, what) = (Level::of(canvas, params), format!("{canvas:?} by {params:?}"));
        let lens = Lens::new(&level, canvas, params.light);
        let (mut dice, mut resizer, mut pool) = (Dice(7), Resizer::new(), Pool::default());
        let alpha = |dice: &mut Dice| if opaque { 255 } else { dice.byte() };
        let mut pixels = Vec::new();
        for _ in 0..canvas.0 * canvas.1 {
            pixels.extend([dice.byte(), dice.byte(), dice.byte(), alpha(&mut dice)]);
        }
        let mut source = Raster { width: canvas.0, height: canvas.1, layout: Layout::Rgba, pixels };
        let whole = Area::whole(level.size);
        let mut look = |source: &Raster, part| {
            let seen = lens.look(source, part, &mut resizer, &mut pool).unwrap();
            assert_eq!((seen.width, seen.height), part.size(), "{what}");
            let pixels = seen.pixels.chunks_exact(seen.layout.channels());
            let alpha = |pixel: &[u8]| if seen.layout.has_alpha() { pixel[3] } else { 255 };
            pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2], alpha(pixel)]).collect::<Vec<u8>>()
        };
        let mut shown = look(&source, whole);
        for _ in 0..12 {
            let (left, top) = (dice.roll(canvas.0), dice.roll(canvas.1));
            let (right, bottom) = ((left + 1 + dice.roll(20)).min(canvas.0), (top + 1 + dice.roll(20)).min(canvas.1));
            for y in top..bottom {
                for x in left..right {
                    let pixel = [dice.byte(), dice.byte(), dice.byte(), alpha(&mut dice)];
                    source.pixels[((y * canvas.0 + x) * 4) as usize..][..4].copy_from_slice(&pixel);
                }
            }
            let part = lens.reached(Area { left, top, right, bottom });
            if !part.is_empty() {
                let seen = look(&source, part);
                let row = part.size().0 as usize * 4;
                for (from, y) in seen.chunks_exact(row).zip(part.top..) {
                    let at = ((y * level.size.0 + part.left) * 4) as usize;
                    shown[at..at + row].copy_from_slice(from);
                }
            }
            let meant = look(&source, whole);
            // Half transparent colours are rounded twice.
            let premultiplied = |pixels: &[u8]| -> Vec<u8> {
                let all = pixels.as_chunks::<4>().0.iter();
                all.flat_map(|p| {
                    [0, 1, 2, 3].map(|at| {
                        if at == 3 { p[3] } else { u8::try_from(u16::from(p[at]) * u16::from(p[3]) / 255).unwrap() }
                    })
                })
                .collect()
            };
            let far = apart(&premultiplied(&shown), &premultiplied(&meant));
            // What is enlarged sharpens the rounding of the first of both directions.
            assert!(far <= if params.enlarge { 2 } else { 1 }, "{what}: {far}");
        }
    }

    #[test]
    fn parts_are_the_pixels_of_the_whole() {
        let cut = Params { fit: Fit::Cover, ..Params::of_box(31, 40) };
        for opaque in [true, false] {
            for light in [Light::Gamma, Light::Linear] {
                for canvas in [(200, 150), (67, 131), (97, 64)] {
                    for params in [
                        Params::of_box(64, 64),
                        Params::of_box(33, 99),
                        cut,
                        Params { enlarge: true, ..Params::of_box(250, 250) },
                    ] {
                        check(canvas, &Params { light, ..params }, opaque);
                    }
                }
            }
        }
    }

    #[test]
    fn a_small_change_reaches_a_small_part() {
        let level = Level::of((1_000, 1_000), &Params::of_box(250, 250));
        let lens = Lens::new(&level, (1_000, 1_000), Light::Gamma);
        let part = lens.reached(Area { left: 500, top: 100, right: 504, bottom: 104 });
        assert_eq!(part, Area { left: 120, top: 16, right: 136, bottom: 32 });
        let cut = Level::of((1_000, 500), &Params { fit: Fit::Cover, ..Params::of_box(100, 100) });
        let lens = Lens::new(&cut, (1_000, 500), Light::Gamma);
        assert!(lens.reached(Area { left: 0, top: 0, right: 9, bottom: 500 }).is_empty());
    }
}
