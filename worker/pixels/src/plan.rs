//! All sizes, computed from the original's before any pixel moves. Never from
//! a level of the cascade: rounding twice gives 160 x 106 for 160 x 107.

use crate::{
    fit::{Level, inside},
    raster::Raster,
};
use heim_common::{
    header::Orientation,
    spec::{Light, OutputType, TranscodingSpec},
};
use std::cmp::Reverse;

/// Longest side of the picture that the placeholder is computed from.
pub(crate) const PLACEHOLDER_SIDE: u32 = 50;
/// Up to this longest side of the largest target, a decoder's own scaling must
/// leave twice the target's size: worth 1 to 2 points of ssimulacra2 for a
/// small picture; above, it costs time and shows nothing.
const SMALL_SIDE: u32 = 400;

/// Width and height in pixels.
pub(crate) type Size = (u32, u32);

/// How an output's bytes are made of its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) output: OutputType,
    pub(crate) quality: u8,
    pub(crate) effort: u8,
}

/// One transcoding that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which of the specs.
    pub(crate) index: usize,
    /// Which of the plan's cascades, and which of its levels.
    pub(crate) level: (usize, usize),
    pub(crate) encoding: Encoding,
    /// Whether what moves goes on moving.
    pub(crate) animated: bool,
}

/// Levels that are made in the same light, each of one that came before it.
#[derive(Debug, PartialEq)]
pub(crate) struct Cascade {
    pub(crate) light: Light,
    /// The first is the whole picture, and no smaller than what any other is
    /// made of. Never empty; what the others are made of falls.
    pub(crate) levels: Vec<Level>,
}

/// What is to be made of a picture.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    /// The original's size, upright.
    pub(crate) original: Size,
    /// How decoded pixels are to be turned.
    pub(crate) orientation: Orientation,
    /// One for each light that is asked for; never empty.
    pub(crate) cascades: Vec<Cascade>,
    /// In the order in which they are given out: smallest first.
    pub(crate) targets: Vec<Target>,
}

impl Plan {
    /// `stored` is the size as stored, before it is turned upright.
    pub(crate) fn new(stored: Size, orientation: Orientation, specs: &[TranscodingSpec]) -> Self {
        let original = upright(stored, orientation);
        let mut cascades: Vec<Cascade> = Vec::new();
        for light in [Light::Gamma, Light::Linear] {
            let wanted = specs.iter().filter(|spec| spec.params.light == light);
            let levels: Vec<Level> = wanted.map(|spec| Level::of(original, &spec.params)).collect();
            if !levels.is_empty() {
                cascades.push(Cascade::new(light, original, levels));
            }
        }
        if cascades.is_empty() {
            let small = Level::whole(inside(original, (PLACEHOLDER_SIDE, PLACEHOLDER_SIDE)), original);
            cascades.push(Cascade::new(Light::default(), original, vec![small]));
        }
        let mut targets: Vec<Target> = (specs.iter().enumerate())
            .map(|(index, spec)| {
                let level = Level::of(original, &spec.params);
                let at = cascades.iter().position(|cascade| cascade.light == spec.params.light).unwrap_or_default();
                let of_cascade = cascades[at].levels.iter().position(|other| *other == level).unwrap_or_default();
                let effort = spec.params.effort.unwrap_or(spec.content_type.effort_default());
                let encoding = Encoding { output: spec.content_type, quality: spec.params.quality, effort };
                Target { index, level: (at, of_cascade), encoding, animated: spec.params.animated }
            })
            .collect();
        let pixels = |&(at, level): &(usize, usize)| {
            let (width, height) = cascades[at].levels[level].size;
            u64::from(width) * u64::from(height)
        };
        targets.sort_by_key(|target| pixels(&target.level));
        Self { original, orientation, cascades, targets }
    }

    /// The level of a target.
    pub(crate) fn level(&self, target: &Target) -> &Level {
        &self.cascades[target.level.0].levels[target.level.1]
    }

    /// In which light a target is made.
    pub(crate) fn light(&self, target: &Target) -> Light {
        self.cascades[target.level.0].light
    }

    /// Those levels that show the whole picture, largest first, out of all that
    /// were made of the first cascade.
    pub(crate) fn whole<'a>(&self, made: &'a [Vec<Raster>]) -> Vec<&'a Raster> {
        let of_first = self.cascades[0].levels.iter().zip(&made[0]);
        of_first.filter(|(level, _)| level.is_source()).map(|(_, raster)| raster).collect()
    }

    /// A size of the upright picture, as the decoder sees it: not yet turned.
    pub(crate) fn lying(&self, size: Size) -> Size {
        upright(size, self.orientation)
    }

    /// The least size that a decoder's own scaling may leave.
    pub(crate) fn decoded_min(&self) -> Size {
        let sizes = self.cascades.iter().map(|cascade| cascade.levels[0].size);
        let (width, height) = self.lying(sizes.reduce(covering).unwrap_or((1, 1)));
        let factor = if width.max(height) <= SMALL_SIDE { 2 } else { 1 };
        (width * factor, height * factor)
    }
}

impl Cascade {
    fn new(light: Light, original: Size, mut levels: Vec<Level>) -> Self {
        let largest = levels.iter().map(|level| level.whole).reduce(covering).unwrap_or(original);
        levels.push(Level::whole(largest, original));
        // Of equal ones, those come first that others can be made of.
        levels.sort_by_key(|level| (Reverse(level.whole), !level.is_source(), Reverse(level.size)));
        levels.dedup();
        Self { light, levels }
    }
}

fn covering(one: Size, other: Size) -> Size {
    (one.0.max(other.0), one.1.max(other.1))
}

fn upright((width, height): Size, orientation: Orientation) -> Size {
    if orientation.swaps_sides() { (height, width) } else { (width, height) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec::{Fit, Params, default_specs};

    fn sizes(plan: &Plan) -> Vec<Size> {
        plan.cascades[0].levels.iter().map(|level| level.size).collect()
    }

    #[test]
    fn targets_are_given_out_smallest_first_and_equal_sizes_share_a_level() {
        let mut specs = default_specs();
        specs.reverse();
        let plan = Plan::new((400, 300), Orientation::Upright, &specs);
        assert_eq!(sizes(&plan), [(400, 300), (320, 240), (160, 120)]);
        let order: Vec<(usize, usize)> = plan.targets.iter().map(|target| (target.index, target.level.1)).collect();
        assert_eq!(order, [(3, 2), (2, 1), (0, 0), (1, 0)]);
    }

    #[test]
    fn a_picture_that_lies_on_its_side_is_planned_upright_and_decoded_lying() {
        let plan = Plan::new((4032, 3024), Orientation::Rotate90, &default_specs());
        assert_eq!((plan.original, sizes(&plan)[0], plan.decoded_min()), ((3024, 4032), (960, 1280), (1280, 960)));
    }

    #[test]
    fn a_small_largest_target_is_decoded_at_twice_its_size() {
        assert_eq!(Plan::new((4000, 3000), Orientation::Upright, &default_specs()[..2]).decoded_min(), (640, 480));
        assert_eq!(Plan::new((4000, 3000), Orientation::Upright, &default_specs()).decoded_min(), (1280, 960));
        assert_eq!(sizes(&Plan::new((4000, 3000), Orientation::Upright, &[])), [(50, 38)]);
    }

    #[test]
    fn what_is_cut_is_made_of_a_whole_picture_that_is_large_enough() {
        let mut specs = default_specs();
        specs[0].params = Params { fit: Fit::Cover, light: Light::Linear, ..Params::of_box(160, 160) };
        specs[1].params = Params { fit: Fit::Cover, light: Light::Linear, ..Params::of_box(1280, 1280) };
        let plan = Plan::new((4000, 3000), Orientation::Upright, &specs);
        let levels = &plan.cascades[0].levels;
        assert_eq!(levels[0], Level::whole((1707, 1280), (4000, 3000)));
        assert_eq!(sizes(&plan), [(1707, 1280), (1280, 1280), (1280, 960), (640, 480), (160, 160)]);
        let order: Vec<usize> = plan.targets.iter().map(|target| target.index).collect();
        assert_eq!(order, [0, 2, 3, 1]);
    }

    #[test]
    fn each_light_has_a_cascade_of_its_own() {
        let mut specs = default_specs();
        specs[0].params.light = Light::Gamma;
        let plan = Plan::new((4000, 3000), Orientation::Upright, &specs);
        let firsts = plan.cascades.iter().map(|cascade| (cascade.light, cascade.levels[0].size));
        assert_eq!(firsts.collect::<Vec<_>>(), [(Light::Gamma, (160, 120)), (Light::Linear, (1280, 960))]);
        assert_eq!(plan.targets[0].level, (0, 0));
    }
}
