//! All sizes, computed from the original's before any pixel moves. Never from
//! a level of the cascade: rounding twice gives 160 x 106 for 160 x 107.

use heim_common::{
    header::Orientation,
    spec::{Fit, Params, TranscodingSpec},
};

/// Longest side of the picture that the placeholder is computed from.
pub(crate) const PLACEHOLDER_SIDE: u32 = 100;
/// Up to this longest side of the largest target, a decoder's own scaling must
/// leave twice the target's size: worth 1 to 2 points of ssimulacra2 for a
/// small picture; above, it costs time and shows nothing.
const SMALL_SIDE: u32 = 400;

/// Width and height in pixels.
pub(crate) type Size = (u32, u32);

/// One transcoding that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which of the specs.
    pub(crate) index: usize,
    /// Which of the plan's levels.
    pub(crate) level: usize,
    pub(crate) quality: u8,
}

/// What is to be made of a picture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The original's size, upright.
    pub(crate) original: Size,
    /// How decoded pixels are to be turned.
    pub(crate) orientation: Orientation,
    /// The different sizes of all targets, upright, largest first; never empty.
    pub(crate) levels: Vec<Size>,
    /// In the order in which they are given out: smallest first.
    pub(crate) targets: Vec<Target>,
}

impl Plan {
    /// `stored` is the size as stored, before it is turned upright.
    pub(crate) fn new(stored: Size, orientation: Orientation, specs: &[TranscodingSpec]) -> Self {
        let original = upright(stored, orientation);
        let sizes: Vec<Size> = specs.iter().map(|spec| target_size(original, &spec.params)).collect();
        let mut levels = sizes.clone();
        if levels.is_empty() {
            levels.push(inside(original, (PLACEHOLDER_SIDE, PLACEHOLDER_SIDE)));
        }
        // They all have the original's ratio, so they are ordered by both sides.
        levels.sort_unstable_by(|a, b| b.cmp(a));
        levels.dedup();
        let mut targets: Vec<Target> = (specs.iter().zip(&sizes).enumerate())
            .map(|(index, (spec, size))| Target {
                index,
                level: levels.iter().position(|level| level == size).unwrap_or_default(),
                quality: spec.params.quality,
            })
            .collect();
        targets.sort_by_key(|target| std::cmp::Reverse(target.level));
        Self { original, orientation, levels, targets }
    }

    /// The largest level, as the decoder sees it: not yet turned.
    pub(crate) fn reduced(&self) -> Size {
        upright(self.levels[0], self.orientation)
    }

    /// The least size that a decoder's own scaling may leave.
    pub(crate) fn decoded_min(&self) -> Size {
        let (width, height) = self.reduced();
        let factor = if width.max(height) <= SMALL_SIDE { 2 } else { 1 };
        (width * factor, height * factor)
    }
}

fn upright((width, height): Size, orientation: Orientation) -> Size {
    if orientation.swaps_sides() { (height, width) } else { (width, height) }
}

fn target_size(original: Size, params: &Params) -> Size {
    match params.fit {
        Fit::Inside => inside(original, (params.width, params.height)),
    }
}

/// The size that fits a box, keeps the ratio, never enlarges, and has sides of
/// at least one pixel.
pub(crate) fn inside((width, height): Size, (box_width, box_height): Size) -> Size {
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (bw, bh) = (u64::from(box_width).clamp(1, w), u64::from(box_height).clamp(1, h));
    let scaled = |side: u64, to: u64, of: u64| ((side * to * 2 + of) / (of * 2)).max(1);
    let (fit_w, fit_h) = if bw * h <= bh * w { (bw, scaled(h, bw, w)) } else { (scaled(w, bh, h), bh) };
    // Both are at most the original's sides, which were u32.
    (u32::try_from(fit_w).unwrap_or(width), u32::try_from(fit_h).unwrap_or(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec::default_specs;

    #[test]
    fn sizes_fit_inside_and_never_enlarge() {
        for (original, boxed, expected) in [
            ((4032, 3024), (1280, 1280), (1280, 960)),
            ((3024, 4032), (160, 160), (120, 160)),
            ((6000, 4000), (160, 160), (160, 107)),
            ((120, 80), (640, 640), (120, 80)),
            ((1, 65_500), (160, 160), (1, 160)),
            ((65_500, 1), (160, 160), (160, 1)),
            ((1, 1), (16_383, 16_383), (1, 1)),
            ((1000, 1000), (300, 20), (20, 20)),
            ((u32::MAX, u32::MAX), (16_383, 16_383), (16_383, 16_383)),
        ] {
            assert_eq!(inside(original, boxed), expected, "{original:?} in {boxed:?}");
        }
    }

    #[test]
    fn targets_are_given_out_smallest_first_and_equal_sizes_share_a_level() {
        let mut specs = default_specs();
        specs.reverse();
        let plan = Plan::new((400, 300), Orientation::Upright, &specs);
        assert_eq!(plan.levels, [(400, 300), (320, 240), (160, 120)]);
        let order: Vec<(usize, usize)> = plan.targets.iter().map(|target| (target.index, target.level)).collect();
        assert_eq!(order, [(3, 2), (2, 1), (0, 0), (1, 0)]);
    }

    #[test]
    fn a_picture_that_lies_on_its_side_is_planned_upright_and_decoded_lying() {
        let plan = Plan::new((4032, 3024), Orientation::Rotate90, &default_specs());
        assert_eq!((plan.original, plan.levels[0], plan.reduced()), ((3024, 4032), (960, 1280), (1280, 960)));
    }

    #[test]
    fn a_small_largest_target_is_decoded_at_twice_its_size() {
        assert_eq!(Plan::new((4000, 3000), Orientation::Upright, &default_specs()[..2]).decoded_min(), (640, 480));
        assert_eq!(Plan::new((4000, 3000), Orientation::Upright, &default_specs()).decoded_min(), (1280, 960));
        assert_eq!(Plan::new((4000, 3000), Orientation::Upright, &[]).levels, [(100, 75)]);
    }
}
