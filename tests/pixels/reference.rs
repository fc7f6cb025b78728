//! What a picture should look like in another size: Lanczos of three lobes, in
//! floating point, directly from all of the original's pixels. Slow and plain.

use heim_common::spec::Light;
use std::f32::consts::PI;

/// RGB, three bytes a pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

/// The pixels that make one pixel, and how much each of them counts.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// The picture in another size.
pub(crate) fn resized(from: &Picture, width: usize, height: usize, light: Light) -> Picture {
    let to_float: Vec<f32> = (0..=255_u8).map(|value| decoded(f32::from(value) / 255.0, light)).collect();
    let columns = taps(from.width, width);
    // Each row in its new width; only what is left of the original is kept.
    let mut narrow = Vec::with_capacity(from.height * width * 3);
    let mut row = Vec::with_capacity(from.width * 3);
    for bytes in from.rgb.chunks_exact(from.width * 3) {
        row.clear();
        row.extend(bytes.iter().map(|&byte| to_float[usize::from(byte)]));
        for Taps { first, weights } in &columns {
            let mut sum = [0.0; 3];
            for (pixel, weight) in row[first * 3..].chunks_exact(3).zip(weights) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += value * weight;
                }
            }
            narrow.extend(sum);
        }
    }
    let stride = width * 3;
    let mut rgb = Vec::with_capacity(height * stride);
    let mut sums = vec![0.0; stride];
    for Taps { first, weights } in taps(from.height, height) {
        sums.fill(0.0);
        for (line, weight) in narrow[first * stride..].chunks_exact(stride).zip(weights) {
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum += value * weight;
            }
        }
        rgb.extend(sums.iter().map(|&value| byte(encoded(value.clamp(0.0, 1.0), light))));
    }
    Picture { width, height, rgb }
}

fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = float(from) / float(to);
    // Of an enlarged picture, the kernel keeps its own width.
    let stretch = scale.max(1.0);
    (0..to)
        .map(|at| {
            let center = (float(at) + 0.5) * scale;
            let first = whole((center - 3.0 * stretch).floor().max(0.0));
            let last = whole((center + 3.0 * stretch).ceil()).min(from);
            let weight = |pixel: usize| lanczos((float(pixel) + 0.5 - center) / stretch);
            let mut weights: Vec<f32> = (first..last).map(weight).collect();
            let sum: f32 = weights.iter().sum();
            for weight in &mut weights {
                *weight /= sum;
            }
            Taps { first, weights }
        })
        .collect()
}

fn lanczos(x: f32) -> f32 {
    let sinc = |x: f32| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// IEC 61966-2-1.
fn decoded(value: f32, light: Light) -> f32 {
    match light {
        Light::Gamma => value,
        Light::Linear if value <= 0.040_45 => value / 12.92,
        Light::Linear => ((value + 0.055) / 1.055).powf(2.4),
    }
}

fn encoded(value: f32, light: Light) -> f32 {
    match light {
        Light::Gamma => value,
        Light::Linear if value <= 0.003_130_8 => value * 12.92,
        Light::Linear => 1.055 * value.powf(1.0 / 2.4) - 0.055,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 comes in")]
fn byte(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are small numbers")]
fn float(value: usize) -> f32 {
    value as f32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places in a picture come in")]
fn whole(value: f32) -> usize {
    value as usize
}
