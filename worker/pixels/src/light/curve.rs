//! Stored values to light and back: sRGB's curve (IEC 61966-2-1, 4.2 and 5.2),
//! which Display P3 has too. Of other profiles it is a good guess, and one that
//! is taken back in the end.

use super::Lit;
use crate::raster::Layout;
use std::sync::LazyLock;

/// Steps of light: the curve is steepest in the dark, where one stored value is
/// five of them.
const STEPS: u16 = 1 << 14;

/// Both directions as tables.
pub(super) struct Curve {
    light: [f32; 256],
    stored: Box<[u8; STEPS as usize]>,
}

static CURVE: LazyLock<Curve> = LazyLock::new(|| {
    let light = std::array::from_fn(|value| {
        let value = f64::from(u8::try_from(value).unwrap_or(u8::MAX)) / 255.0;
        let light = if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
        #[expect(clippy::cast_possible_truncation, reason = "a float of half the precision is enough")]
        let light = light as f32;
        light
    });
    let stored = |step: u16| {
        let light = f64::from(step) / f64::from(STEPS - 1);
        let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
        let value = (value * 255.0).round() as u8;
        value
    };
    let stored: Vec<u8> = (0..STEPS).map(stored).collect();
    Curve { light, stored: stored.try_into().expect("one for each step") }
});

impl Curve {
    pub(super) fn get() -> &'static Self {
        &CURVE
    }

    /// The light of a row of stored pixels.
    pub(super) fn widen(&self, stored: &[u8], layout: Layout, into: &mut Vec<Lit>) {
        let light = |value: u8| self.light[usize::from(value)];
        into.clear();
        match layout {
            Layout::Rgb => {
                into.extend(stored.as_chunks().0.iter().map(|&[r, g, b]| [light(r), light(g), light(b), 1.0]));
            }
            Layout::Rgba => into.extend(stored.as_chunks().0.iter().map(|&[r, g, b, alpha]| {
                let alpha = f32::from(alpha) / 255.0;
                [light(r) * alpha, light(g) * alpha, light(b) * alpha, alpha]
            })),
            Layout::RgbPad | Layout::Cmyk => {
                into.extend(stored.as_chunks().0.iter().map(|&[r, g, b, _]| [light(r), light(g), light(b), 1.0]));
            }
        }
    }

    /// What a row of light is stored as: `Rgb` or `Rgba`.
    pub(super) fn narrow(&self, row: &[Lit], layout: Layout, into: &mut [u8]) {
        if layout.has_alpha() {
            for (into, &[r, g, b, alpha]) in into.as_chunks_mut().0.iter_mut().zip(row) {
                let whole = if alpha > 0.0 { 1.0 / alpha } else { 0.0 };
                *into = [self.stored(r * whole), self.stored(g * whole), self.stored(b * whole), share(alpha)];
            }
        } else {
            for (into, &[r, g, b, _]) in into.as_chunks_mut().0.iter_mut().zip(row) {
                *into = [self.stored(r), self.stored(g), self.stored(b)];
            }
        }
    }

    fn stored(&self, light: f32) -> u8 {
        // At this size the distance of two floats is 1, so that the sum is rounded
        // to a step, which is then in the lowest bits. A cast takes three times as
        // long, since it minds what is out of range once more.
        const WHOLE: f32 = 8_388_608.0;
        let step = (light * f32::from(STEPS - 1)).clamp(0.0, f32::from(STEPS - 1)) + WHOLE;
        self.stored[step.to_bits() as usize % usize::from(STEPS)]
    }
}

fn share(alpha: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it ends at the range's end")]
    let share = (alpha * 255.0 + 0.5) as u8;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_value_survives_the_way_to_light_and_back() {
        let curve = Curve::get();
        let all: Vec<u8> = (0..=u8::MAX).flat_map(|value| [value, 255 - value, value, 255]).collect();
        let (mut lit, mut back) = (Vec::new(), vec![0; all.len()]);
        curve.widen(&all, Layout::Rgba, &mut lit);
        curve.narrow(&lit, Layout::Rgba, &mut back);
        assert_eq!(back, all);
        assert_eq!((curve.light[0], curve.light[255]), (0.0, 1.0));
        assert_eq!((curve.stored(-1.0), curve.stored(2.0), curve.stored(f32::NAN)), (0, 255, 0));
    }
}
