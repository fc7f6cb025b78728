//! Which pixels of a row or a column, and how much of each, make one of another.

use crate::{PixelError, TooCostly};
use std::f64::consts::PI;

/// How far Lanczos3 reaches to each side, in pixels of the smaller picture.
const REACH: f64 = 3.0;

/// The weights of each pixel that is made, all of one length.
#[derive(Debug)]
pub(super) struct Taps {
    /// The first pixel of the source that counts, for each.
    pub(super) from: Vec<usize>,
    /// So many weights for each, which together are 1.
    weights: Vec<f32>,
    pub(super) len: usize,
}

impl Taps {
    /// From `source` pixels, of which `size` from `start` on are shown, to `target`.
    pub(super) fn new(source: u32, (start, size): (f64, f64), target: u32) -> Result<Self, PixelError> {
        let step = size / f64::from(target.max(1));
        // A picture that grows is not smoothed.
        let scale = step.max(1.0);
        let reach = REACH * scale;
        let whole = source as usize;
        // Fours are quicker, and those that reach too far weigh nothing.
        let len = whole.min((index((2.0 * reach).ceil()) + 1).next_multiple_of(4)).max(1);
        let count = target as usize;
        let mut taps = Self { from: Vec::new(), weights: Vec::new(), len };
        let too_many = |_| TooCostly::Memory((count * (len + 2) * 4) as u64);
        taps.from.try_reserve_exact(count).map_err(too_many)?;
        taps.weights.try_reserve_exact(count * len).map_err(too_many)?;
        let mut weights = vec![0.0; len];
        for place in 0..target {
            let middle = start + (f64::from(place) + 0.5) * step;
            // The first whose middle is in reach.
            let from = index((middle - reach - 0.5).ceil()).min(whole - len);
            for (at, weight) in weights.iter_mut().enumerate() {
                let distance = (float(from + at) + 0.5 - middle) / scale;
                *weight = lanczos3(distance);
            }
            let sum: f64 = weights.iter().sum();
            taps.from.push(from);
            #[expect(clippy::cast_possible_truncation, reason = "a float of half the precision is enough")]
            taps.weights.extend(weights.iter().map(|weight| (weight / sum) as f32));
        }
        Ok(taps)
    }

    /// The weights of one.
    pub(super) fn of(&self, place: usize) -> &[f32] {
        &self.weights[place * self.len..][..self.len]
    }

    /// Each with its first source pixel, and its weights.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.from.iter().copied().zip(self.weights.chunks_exact(self.len))
    }
}

fn index(place: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is negative becomes 0")]
    let index = place as usize;
    index
}

fn float(index: usize) -> f64 {
    u32::try_from(index).map_or(f64::INFINITY, f64::from)
}

/// C. Lanczos's window on the sinc, three lobes wide.
fn lanczos3(x: f64) -> f64 {
    let x = x.abs();
    if x < 1e-9 {
        1.0
    } else if x < REACH {
        let x = x * PI;
        REACH * x.sin() * (x / REACH).sin() / (x * x)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_make_one_and_stay_inside() {
        for (source, target) in [(2016, 1280), (1280, 640), (100, 7), (3, 1), (1, 1), (1, 5), (7, 30), (65_500, 160)] {
            let taps = Taps::new(source, (0.0, f64::from(source)), target).unwrap();
            assert_eq!(taps.from.len(), target as usize);
            assert!(taps.from.is_sorted());
            for (from, weights) in taps.iter() {
                assert!(from + weights.len() <= source as usize);
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{source} to {target}");
            }
        }
    }

    #[test]
    fn at_its_own_size_a_picture_stays_as_it_is() {
        let taps = Taps::new(10, (0.0, 10.0), 10).unwrap();
        for (place, (from, weights)) in taps.iter().enumerate() {
            for (at, weight) in weights.iter().enumerate() {
                assert!((weight - f32::from(u8::from(from + at == place))).abs() < 1e-6);
            }
        }
    }
}
