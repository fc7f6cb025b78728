//! One target of an animation: what it shows so far, and the file that is made
//! of what changes.
//!
//! A picture is compared with what was sent, in blocks, and a block is sent when
//! it differs by more than its quality can show. So what is not sent is never
//! further off than that, however slowly it changes.

use super::lens::{BLOCK, Lens};
use crate::{
    PixelError,
    area::Area,
    encode::{Film, refused},
    fit::Level,
    limits::FILM_BYTES_MAX,
    plan::{Encoding, Size},
    pool::Pool,
    raster::{Layout, Raster},
    webp_ffi,
};

type Pixel = [u8; 4];

/// One animation in the making.
pub(super) struct Track {
    pub(super) lens: Lens,
    size: Size,
    encoding: Encoding,
    film: Film,
    /// What was sent, all of it put together.
    sent: Vec<u8>,
    /// Most by which a channel may differ without being sent.
    slack: u8,
    /// Of the blocks of a part, row by row, which are to be sent.
    changed: Vec<bool>,
    piece: Vec<u8>,
    file: Vec<u8>,
}

/// As libwebp's own encoder of animations has it: 1 at the quality of 100, 4 at
/// that of 80, 10 at that of 50.
fn slack(quality: u8) -> u8 {
    let share = (f64::from(quality.min(100)) / 100.0).sqrt();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 31")]
    let slack = (31.0 * (1.0 - share) + share) as u8;
    slack
}

fn is_close(one: Pixel, other: Pixel, slack: u8) -> bool {
    let far = one[0].abs_diff(other[0]).max(one[1].abs_diff(other[1])).max(one[2].abs_diff(other[2]));
    (one[3] == 0 && other[3] == 0) || (far <= slack && one[3].abs_diff(other[3]) <= 1)
}

impl Track {
    pub(super) fn new(
        level: &Level,
        lens: Lens,
        encoding: Encoding,
        loops: u16,
        pool: &mut Pool,
    ) -> Result<Self, PixelError> {
        let size = level.size;
        Ok(Self {
            lens,
            size,
            encoding,
            film: Film::new(size, loops),
            sent: pool.blank(size.0, size.1, 4)?,
            slack: slack(encoding.quality),
            changed: Vec::new(),
            piece: Vec::new(),
            file: Vec::new(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.film.pieces() == 0
    }

    /// Whether its file has become so large that there will be a still.
    pub(super) fn is_too_large(&self) -> bool {
        self.film.len() > FILM_BYTES_MAX
    }

    /// The file, if it moves.
    pub(super) fn finish(self, pool: &mut Pool) -> Result<Option<Vec<u8>>, PixelError> {
        let moves = self.film.pieces() > 1 && !self.is_too_large();
        pool.give(self.sent);
        if moves { self.film.finish().map(Some) } else { Ok(None) }
    }

    /// Nothing has changed for a while.
    pub(super) fn hold(&mut self, ms: u32) {
        self.film.hold(ms);
    }

    /// Goes on to what is seen now: `Rgb` or `Rgba` pixels of a part that begins
    /// with a block. The first part is the whole.
    pub(super) fn show(&mut self, seen: Raster, part: Area, ms: u32, pool: &mut Pool) -> Result<(), PixelError> {
        let seen = with_alpha(seen, pool)?;
        let pixels = seen.pixels.as_chunks::<4>().0;
        let all = self.is_empty();
        let area = if all { part } else { self.compare(pixels, part) };
        if area.is_empty() {
            self.hold(ms);
        } else {
            let over = !all && self.is_patchy(pixels, part, area);
            self.send(pixels, part, area, over);
            let Encoding { quality, effort, .. } = self.encoding;
            webp_ffi::encode(&self.piece, area.size(), Layout::Rgba, (quality, effort), &mut self.file)
                .map_err(refused)?;
            self.film.push(area, &self.file, over, ms)?;
        }
        pool.give(seen.pixels);
        Ok(())
    }

    /// Blocks of a part from left to right.
    fn blocks_across(part: Area) -> usize {
        part.size().0.div_ceil(BLOCK) as usize
    }

    /// Finds the blocks that have changed, and what covers them all.
    fn compare(&mut self, pixels: &[Pixel], part: Area) -> Area {
        let across = Self::blocks_across(part);
        self.changed.clear();
        self.changed.resize(across * part.size().1.div_ceil(BLOCK) as usize, false);
        let (width, slack) = (part.size().0 as usize, self.slack);
        let lines = self.sent.as_chunks::<4>().0.chunks_exact(self.size.0 as usize).skip(part.top as usize);
        for ((row, line), y) in pixels.chunks_exact(width).zip(lines).zip(0..) {
            let line = &line[part.left as usize..][..width];
            let blocks = &mut self.changed[y / BLOCK as usize * across..][..across];
            let both = row.chunks(BLOCK as usize).zip(line.chunks(BLOCK as usize));
            for (changed, (row, line)) in blocks.iter_mut().zip(both) {
                *changed |= !row.iter().zip(line).all(|(one, other)| is_close(*one, *other, slack));
            }
        }
        let mut area = Area::default();
        for (at, _) in self.changed.iter().enumerate().filter(|(_, changed)| **changed) {
            let of = |at: usize, from: u32| from + u32::try_from(at).unwrap_or_default() * BLOCK;
            let (left, top) = (of(at % across, part.left), of(at / across, part.top));
            let (right, bottom) = ((left + BLOCK).min(part.right), (top + BLOCK).min(part.bottom));
            area = area.with(Area { left, top, right, bottom });
        }
        area
    }

    /// Whether the pixel at this place of a part is in a block that has changed.
    fn has_changed(&self, part: Area, x: u32, y: u32) -> bool {
        let (column, row) = ((x - part.left) / BLOCK, (y - part.top) / BLOCK);
        self.changed[row as usize * Self::blocks_across(part) + column as usize]
    }

    /// Whether an area has blocks that can be left out, and all that are sent
    /// are opaque, so that they cover what they change.
    fn is_patchy(&self, pixels: &[Pixel], part: Area, area: Area) -> bool {
        let mut left_out = false;
        for y in area.top..area.bottom {
            for x in (area.left..area.right).step_by(BLOCK as usize) {
                if self.has_changed(part, x, y) {
                    let row = row_of(pixels, part, y, x, (x + BLOCK).min(area.right));
                    if row.iter().any(|pixel| pixel[3] != 255) {
                        return false;
                    }
                } else {
                    left_out = true;
                }
            }
        }
        left_out
    }

    /// Makes the piece that is to be encoded, and notes what it sends.
    fn send(&mut self, pixels: &[Pixel], part: Area, area: Area, over: bool) {
        let (width, height) = area.size();
        self.piece.clear();
        self.piece.resize(width as usize * height as usize * 4, 0);
        for y in area.top..area.bottom {
            for x in (area.left..area.right).step_by(BLOCK as usize) {
                if over && !self.has_changed(part, x, y) {
                    continue;
                }
                let row = row_of(pixels, part, y, x, (x + BLOCK).min(area.right)).as_flattened();
                let at = (y - area.top) as usize * width as usize + (x - area.left) as usize;
                self.piece[at * 4..][..row.len()].copy_from_slice(row);
                let at = y as usize * self.size.0 as usize + x as usize;
                self.sent[at * 4..][..row.len()].copy_from_slice(row);
            }
        }
    }
}

/// Some pixels of a row of a part, by their places in the whole.
fn row_of(pixels: &[Pixel], part: Area, y: u32, left: u32, right: u32) -> &[Pixel] {
    let start = (y - part.top) as usize * part.size().0 as usize;
    &pixels[start + (left - part.left) as usize..start + (right - part.left) as usize]
}

fn with_alpha(seen: Raster, pool: &mut Pool) -> Result<Raster, PixelError> {
    if seen.layout == Layout::Rgba {
        return Ok(seen);
    }
    let mut pixels = pool.picture(seen.width, seen.height, 4)?;
    for (into, from) in pixels.as_chunks_mut::<4>().0.iter_mut().zip(seen.pixels.as_chunks::<3>().0) {
        *into = [from[0], from[1], from[2], 255];
    }
    pool.give(seen.pixels);
    Ok(Raster { layout: Layout::Rgba, pixels, ..seen })
}
