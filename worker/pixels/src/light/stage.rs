//! One resize that rows flow through.

use super::{Lit, taps::Taps};
use crate::{PixelError, plan::Size, resize::Crop};

/// Pixels of a row that are mixed at a time: what the registers hold.
const BLOCK: usize = 8;

/// Takes the rows of a picture, and gives those of another.
pub(super) struct Stage {
    columns: Taps,
    rows: Taps,
    /// The last rows that came, each in the place of the one that is as many
    /// before it as a row of the target is made of.
    ring: Vec<Vec<Lit>>,
    came: usize,
    gone: usize,
    mixed: Vec<Lit>,
    spare: Vec<Lit>,
}

impl Stage {
    pub(super) fn new(source: Size, target: Size, crop: Option<Crop>) -> Result<Self, PixelError> {
        let shown = crop.unwrap_or(Crop::whole(source));
        let columns = Taps::new(source.0, shown.horizontal(), target.0)?;
        let rows = Taps::new(source.1, shown.vertical(), target.1)?;
        let ring = vec![Vec::new(); rows.len];
        Ok(Self { columns, rows, ring, came: 0, gone: 0, mixed: Vec::new(), spare: Vec::new() })
    }

    /// Copies the next row of the source.
    pub(super) fn copy(&mut self, row: &[Lit]) {
        let place = self.next_place();
        place.clear();
        place.extend_from_slice(row);
    }

    /// Takes the next row of the source, and leaves memory in its place.
    pub(super) fn take(&mut self, row: &mut Vec<Lit>) {
        std::mem::swap(self.next_place(), row);
    }

    fn next_place(&mut self) -> &mut Vec<Lit> {
        let place = self.came % self.ring.len();
        self.came += 1;
        &mut self.ring[place]
    }

    /// The next row of the target, if all that it is made of has come.
    pub(super) fn pop(&mut self) -> Option<Vec<Lit>> {
        let from = *self.rows.from.get(self.gone)?;
        if self.came < from + self.rows.len {
            return None;
        }
        let rows: Vec<&[Lit]> =
            (from..from + self.rows.len).map(|row| self.ring[row % self.ring.len()].as_slice()).collect();
        mix(&rows, self.rows.of(self.gone), &mut self.mixed);
        self.gone += 1;
        let mut row = std::mem::take(&mut self.spare);
        row.clear();
        row.extend(self.columns.iter().map(|(from, weights)| sum(&self.mixed[from..][..weights.len()], weights)));
        Some(row)
    }

    /// Takes a row back, for its memory.
    pub(super) fn give_back(&mut self, row: Vec<Lit>) {
        self.spare = row;
    }
}

/// One row of several. Multiplied and added in the order that is written, and
/// never fused, so that every processor gets the same.
fn mix(rows: &[&[Lit]], weights: &[f32], into: &mut Vec<Lit>) {
    let width = rows.first().map_or(0, |row| row.len());
    into.clear();
    into.resize(width, [0.0; 4]);
    let (blocks, rest) = into.as_chunks_mut::<BLOCK>();
    for (at, block) in blocks.iter_mut().enumerate() {
        let mut sums = [[0.0; 4]; BLOCK];
        for (row, weight) in rows.iter().zip(weights) {
            let pixels: &[Lit; BLOCK] = row[at * BLOCK..].first_chunk().expect("rows of one length");
            for (sum, pixel) in sums.iter_mut().zip(pixels) {
                add(sum, pixel, *weight);
            }
        }
        *block = sums;
    }
    let done = blocks.len() * BLOCK;
    for (at, pixel) in rest.iter_mut().enumerate() {
        for (row, weight) in rows.iter().zip(weights) {
            add(pixel, &row[done + at], *weight);
        }
    }
}

/// One pixel of several.
fn sum(pixels: &[Lit], weights: &[f32]) -> Lit {
    let (fours, rest) = weights.as_chunks::<4>();
    let (pixel_fours, pixel_rest) = pixels.as_chunks::<4>();
    // Two sums, so that neither waits for the other.
    let mut sums = [[0.0; 4]; 2];
    for (pixels, weights) in pixel_fours.iter().zip(fours) {
        let [even, odd] = &mut sums;
        add(even, &pixels[0], weights[0]);
        add(odd, &pixels[1], weights[1]);
        add(even, &pixels[2], weights[2]);
        add(odd, &pixels[3], weights[3]);
    }
    for (pixel, weight) in pixel_rest.iter().zip(rest) {
        add(&mut sums[0], pixel, *weight);
    }
    let [even, odd] = sums;
    std::array::from_fn(|channel| even[channel] + odd[channel])
}

#[inline]
fn add(sum: &mut Lit, pixel: &Lit, weight: f32) {
    for (sum, channel) in sum.iter_mut().zip(pixel) {
        *sum += channel * weight;
    }
}
