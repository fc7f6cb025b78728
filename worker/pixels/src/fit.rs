//! How a picture fits its box: what size comes out, and which part of the
//! picture is shown.

use crate::plan::Size;
use heim_common::spec::{Fit, Params};

/// A part of the upright picture, in shares of its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// One picture that is to be made of the original.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) size: Size,
    /// The size of the whole picture at this scale, which is never more than
    /// the original's.
    pub(crate) whole: Size,
    /// What is shown of it; `None` for everything.
    pub(crate) part: Option<Part>,
}

impl Level {
    /// The whole picture at this size, or at the original's if that is smaller.
    pub(crate) fn whole(size: Size, original: Size) -> Self {
        Self { size, whole: (size.0.min(original.0), size.1.min(original.1)), part: None }
    }

    /// Whether it is the whole picture, and not enlarged: others can be made of it.
    pub(crate) fn is_source(&self) -> bool {
        self.part.is_none() && self.size == self.whole
    }

    /// What these parameters ask for.
    pub(crate) fn of(original: Size, params: &Params) -> Self {
        let boxed = (params.width, params.height);
        match params.fit {
            Fit::Inside if params.enlarge => Self::whole(scaled(original, boxed), original),
            Fit::Inside => Self::whole(inside(original, boxed), original),
            Fit::Cover => cover(original, params),
        }
    }
}

/// The size that fits a box, keeps the ratio, never enlarges, and has sides of
/// at least one pixel.
pub(crate) fn inside(size: Size, (box_width, box_height): Size) -> Size {
    scaled(size, (box_width.min(size.0), box_height.min(size.1)))
}

/// The largest size in a box that keeps the ratio.
fn scaled((width, height): Size, (box_width, box_height): Size) -> Size {
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (bw, bh) = (u64::from(box_width.max(1)), u64::from(box_height.max(1)));
    let side = |side: u64, to: u64, of: u64| ((side * to * 2 + of) / (of * 2)).max(1);
    let (fit_w, fit_h) = if bw * h <= bh * w { (bw, side(h, bw, w)) } else { (side(w, bh, h), bh) };
    // Neither is more than the box's, which were u32.
    (u32::try_from(fit_w).unwrap_or(box_width), u32::try_from(fit_h).unwrap_or(box_height))
}

/// The largest part of the box's ratio, around the focus.
fn cover(original: Size, params: &Params) -> Level {
    let (w, h) = (f64::from(original.0.max(1)), f64::from(original.1.max(1)));
    let (bw, bh) = (f64::from(params.width.max(1)), f64::from(params.height.max(1)));
    let (part_w, part_h) = if w * bh >= h * bw { (h * bw / bh, h) } else { (w, w * bh / bw) };
    let scale = if params.enlarge { bw / part_w } else { (bw / part_w).min(1.0) };
    let focus = params.focus.unwrap_or_default();
    let (width, height) = (part_w / w, part_h / h);
    let from = |focus: f64, share: f64| (focus - share / 2.0).clamp(0.0, 1.0 - share);
    let part = Part { left: from(focus.x.into(), width), top: from(focus.y.into(), height), width, height };
    Level {
        size: (side(part_w * scale, params.width), side(part_h * scale, params.height)),
        whole: (side((w * scale).ceil(), original.0), side((h * scale).ceil(), original.1)),
        part: (width < 1.0 || height < 1.0).then_some(part),
    }
}

/// A side in whole pixels, from 1 to `max`.
fn side(side: f64, max: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 1 and a u32")]
    let whole = side.round().clamp(1.0, f64::from(max.max(1))) as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec::{Focus, Share};

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
    fn what_is_asked_to_grow_grows_and_says_what_it_is_made_of() {
        let mut params = Params::of_box(640, 640);
        assert_eq!(Level::of((120, 80), &params).size, (120, 80));
        params.enlarge = true;
        let level = Level::of((120, 80), &params);
        assert_eq!((level.size, level.whole, level.is_source()), ((640, 427), (120, 80), false));
        params.fit = Fit::Cover;
        let level = Level::of((120, 80), &params);
        assert_eq!((level.size, level.whole), ((640, 640), (120, 80)));
    }

    fn covering(original: Size, (width, height): Size, focus: Option<(f64, f64)>) -> Level {
        let share = |share: f64| Share::try_from(share).unwrap();
        let focus = focus.map(|(x, y)| Focus { x: share(x), y: share(y) });
        Level::of(original, &Params { fit: Fit::Cover, focus, ..Params::of_box(width, height) })
    }

    #[test]
    fn a_cut_picture_fills_its_box_or_has_its_ratio() {
        for (original, boxed, size, whole) in [
            ((4000, 3000), (160, 160), (160, 160), (214, 160)),
            ((3000, 4000), (160, 80), (160, 80), (160, 214)),
            ((300, 200), (160, 320), (100, 200), (300, 200)),
            ((1, 65_500), (160, 160), (1, 1), (1, 65_500)),
            ((65_500, 1500), (160, 160), (160, 160), (6987, 160)),
            ((1, 1), (16_383, 1), (1, 1), (1, 1)),
        ] {
            let level = covering(original, boxed, None);
            assert_eq!((level.size, level.whole), (size, whole), "{original:?} in {boxed:?}");
        }
        assert_eq!(covering((400, 300), (200, 150), None), Level::whole((200, 150), (400, 300)));
    }

    #[test]
    fn the_focus_is_shown_as_far_as_the_edges_let_it() {
        let left = |focus| covering((4000, 2000), (100, 100), Some(focus)).part.unwrap().left;
        for (x, expected) in [(0.0, 0.0), (0.2, 0.0), (0.4, 0.15), (0.5, 0.25), (0.75, 0.5), (1.0, 0.5)] {
            assert!((left((x, 0.1)) - expected).abs() < 1e-9, "{x}");
        }
    }
}
