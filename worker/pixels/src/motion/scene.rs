//! What an animation shows: the frames so far put on one canvas, by the rules
//! of their format.

use crate::{
    PixelError,
    area::Area,
    decode::{After, Draw, Frame},
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
};

/// Changes along a row are told apart in steps of so many pixels, which
/// processors compare at once.
const STEP: usize = 16;

type Pixel = [u8; 4];

/// The canvas, and what the last frame left to be done.
pub(crate) struct Scene {
    canvas: Raster,
    last: Area,
    after: After,
    /// What the last frame covered, if it is to come back.
    covered: Vec<u8>,
}

impl Scene {
    /// A transparent canvas.
    pub(crate) fn new((width, height): Size, pool: &mut Pool) -> Result<Self, PixelError> {
        let pixels = pool.blank(width, height, 4)?;
        let canvas = Raster { width, height, layout: Layout::Rgba, pixels };
        Ok(Self { canvas, last: Area::default(), after: After::default(), covered: Vec::new() })
    }

    pub(crate) fn canvas(&self) -> &Raster {
        &self.canvas
    }

    pub(crate) fn size(&self) -> Size {
        (self.canvas.width, self.canvas.height)
    }

    pub(crate) fn leave(self, pool: &mut Pool) {
        pool.give(self.canvas.pixels);
        pool.give(self.covered);
    }

    /// Shows the next frame, and says where anything may have changed.
    pub(crate) fn show(&mut self, frame: &Frame, pool: &mut Pool) -> Result<Area, PixelError> {
        let cleared = self.clear_away();
        let area = Area::on(self.size(), frame.place, (frame.raster.width, frame.raster.height));
        (self.last, self.after) = (area, frame.after);
        if area.is_empty() {
            return Ok(cleared);
        }
        if frame.after == After::Restore {
            self.remember(area, pool)?;
        }
        let drawn = match frame.draw {
            Draw::Masked => self.draw(frame, area, |under, over| if over[3] == 0 { under } else { over }),
            Draw::Blended => self.draw(frame, area, blended),
            Draw::Instead => self.draw(frame, area, |_, over| over),
        };
        Ok(cleared.with(drawn))
    }

    /// The rows of an area.
    fn rows(&mut self, area: Area) -> impl Iterator<Item = &mut [Pixel]> {
        let width = self.canvas.width as usize;
        let (left, right) = (area.left as usize, area.right as usize);
        let lines = self.canvas.pixels.as_chunks_mut::<4>().0.chunks_exact_mut(width.max(1));
        let height = area.size().1 as usize;
        lines.skip(area.top as usize).take(height).map(move |line| &mut line[left..right])
    }

    /// Does what the last frame left to be done.
    fn clear_away(&mut self) -> Area {
        let area = self.last;
        if area.is_empty() {
            return area;
        }
        match self.after {
            After::Keep => return Area::default(),
            After::Clear => self.rows(area).for_each(|row| row.fill([0; 4])),
            After::Restore => {
                let covered = std::mem::take(&mut self.covered);
                let before = covered.as_chunks::<4>().0.chunks_exact(area.size().0 as usize);
                self.rows(area).zip(before).for_each(|(row, before)| row.copy_from_slice(before));
                self.covered = covered;
            }
        }
        area
    }

    fn remember(&mut self, area: Area, pool: &mut Pool) -> Result<(), PixelError> {
        let (width, height) = area.size();
        pool.give(std::mem::take(&mut self.covered));
        let mut covered = pool.picture(width, height, 4)?;
        let into = covered.as_chunks_mut::<4>().0.chunks_exact_mut(width as usize);
        self.rows(area).zip(into).for_each(|(row, into)| into.copy_from_slice(row));
        self.covered = covered;
        Ok(())
    }

    fn draw(&mut self, frame: &Frame, area: Area, mix: impl Fn(Pixel, Pixel) -> Pixel) -> Area {
        let within = |edge: u32, place: i64| usize::try_from(i64::from(edge) - place).unwrap_or_default();
        let (from_left, from_top) = (within(area.left, frame.place.0), within(area.top, frame.place.1));
        let lines = frame.raster.pixels.as_chunks::<4>().0.chunks_exact(frame.raster.width as usize);
        let mut changed = Area::default();
        for ((row, line), y) in self.rows(area).zip(lines.skip(from_top)).zip(area.top..) {
            let over = &line[from_left..][..row.len()];
            for ((row, over), x) in row.chunks_mut(STEP).zip(over.chunks(STEP)).zip((area.left..).step_by(STEP)) {
                if draw_step(row, over, &mix) {
                    let right = (x + 16).min(area.right);
                    changed = changed.with(Area { left: x, top: y, right, bottom: y + 1 });
                }
            }
        }
        changed
    }
}

/// Without a branch, so that it is done for many pixels at once; says whether
/// any of them has changed.
#[inline]
fn draw_step(row: &mut [Pixel], over: &[Pixel], mix: &impl Fn(Pixel, Pixel) -> Pixel) -> bool {
    let mut difference = 0;
    for (under, over) in row.iter_mut().zip(over) {
        let mixed = mix(*under, *over);
        difference |= u32::from_ne_bytes(mixed) ^ u32::from_ne_bytes(*under);
        *under = mixed;
    }
    difference != 0
}

/// One colour before another, neither multiplied by its opacity: as libwebp's
/// own player rounds it, but for what stands before nothing.
fn blended(under: Pixel, over: Pixel) -> Pixel {
    let alpha = u32::from(over[3]);
    if alpha == 0 {
        return under;
    }
    if alpha == 255 || under[3] == 0 {
        return over;
    }
    let under_alpha = (u32::from(under[3]) * (256 - alpha)) >> 8;
    let mixed_alpha = alpha + under_alpha;
    let scale = (1 << 24) / mixed_alpha;
    let byte = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    let channel = |at: usize| {
        let unscaled = u64::from(u32::from(over[at]) * alpha + u32::from(under[at]) * under_alpha);
        byte(u32::try_from((unscaled * u64::from(scale)) >> 24).unwrap_or(u32::MAX))
    };
    [channel(0), channel(1), channel(2), byte(mixed_alpha)]
}
