//! Rectangles of whole pixels.

use crate::plan::Size;
use heim_common::header::Orientation;

/// From a left upper pixel up to, and without, a right lower one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) right: u32,
    pub(crate) bottom: u32,
}

/// Where a picture's left upper corner is, perhaps outside of the canvas.
pub(crate) type Place = (i64, i64);

impl Area {
    /// All of a canvas.
    pub(crate) fn whole((right, bottom): Size) -> Self {
        Self { left: 0, top: 0, right, bottom }
    }

    /// What a picture of this size at this place covers of a canvas.
    pub(crate) fn on(canvas: Size, place: Place, size: Size) -> Self {
        let within = |at: i64, side: u32| u32::try_from(at.clamp(0, side.into())).unwrap_or(side);
        Self {
            left: within(place.0, canvas.0),
            top: within(place.1, canvas.1),
            right: within(place.0.saturating_add(size.0.into()), canvas.0),
            bottom: within(place.1.saturating_add(size.1.into()), canvas.1),
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    /// Width and height; 0 for what is empty.
    pub(crate) fn size(self) -> Size {
        if self.is_empty() { (0, 0) } else { (self.right - self.left, self.bottom - self.top) }
    }

    /// The smallest that covers both.
    pub(crate) fn with(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self {
                left: self.left.min(other.left),
                top: self.top.min(other.top),
                right: self.right.max(other.right),
                bottom: self.bottom.max(other.bottom),
            },
        }
    }
}

/// The place of a picture of this size when its canvas, of this size before, is
/// turned upright along with it.
pub(crate) fn turned(orientation: Orientation, canvas: Size, (left, top): Place, size: Size) -> Place {
    let from_right = i64::from(canvas.0) - left - i64::from(size.0);
    let from_bottom = i64::from(canvas.1) - top - i64::from(size.1);
    match orientation {
        Orientation::Upright => (left, top),
        Orientation::FlipHorizontal => (from_right, top),
        Orientation::Rotate180 => (from_right, from_bottom),
        Orientation::FlipVertical => (left, from_bottom),
        Orientation::Transpose => (top, left),
        Orientation::Rotate90 => (from_bottom, left),
        Orientation::Transverse => (from_bottom, from_right),
        Orientation::Rotate270 => (top, from_right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{orient, pool::Pool, raster::Raster};

    #[test]
    fn what_leaves_the_canvas_is_cut_off() {
        for (place, size, covered) in [
            ((0, 0), (4, 4), (4, 3)),
            ((-1, 1), (3, 1), (2, 1)),
            ((4, 0), (9, 9), (0, 0)),
            ((1, -9), (2, 9), (0, 0)),
            ((0, 0), (0, 3), (0, 0)),
            ((i64::MAX, i64::MIN), (u32::MAX, u32::MAX), (0, 0)),
        ] {
            assert_eq!(Area::on((4, 3), place, size).size(), covered, "{place:?} {size:?}");
        }
    }

    #[test]
    fn nothing_adds_nothing() {
        let one = Area { left: 1, top: 2, right: 3, bottom: 4 };
        let other = Area { left: 2, top: 0, right: 9, bottom: 1 };
        assert_eq!((one.with(Area::default()), Area::default().with(one)), (one, one));
        assert_eq!(one.with(other), Area { left: 1, top: 0, right: 9, bottom: 4 });
    }

    #[test]
    fn a_piece_turns_as_its_canvas_does() {
        let canvas = || Raster::of_gray((5, 3), (0..15).collect(), false, &mut Pool::default()).unwrap();
        let piece = || Raster::of_gray((2, 1), vec![8, 9], false, &mut Pool::default()).unwrap();
        for orientation in [
            Orientation::Upright,
            Orientation::FlipHorizontal,
            Orientation::Rotate180,
            Orientation::FlipVertical,
            Orientation::Transpose,
            Orientation::Rotate90,
            Orientation::Transverse,
            Orientation::Rotate270,
        ] {
            let whole = orient::upright(canvas(), orientation, &mut Pool::default()).unwrap();
            let small = orient::upright(piece(), orientation, &mut Pool::default()).unwrap();
            let place = turned(orientation, (5, 3), (3, 1), (2, 1));
            let area = Area::on((whole.width, whole.height), place, (small.width, small.height));
            let at = |x: u32, y: u32| whole.pixels[((y * whole.width + x) * 3) as usize];
            let shown: Vec<u8> = (area.top..area.bottom)
                .flat_map(|y| (area.left..area.right).map(move |x| (x, y)))
                .map(|(x, y)| at(x, y))
                .collect();
            let expected: Vec<u8> = small.pixels.iter().step_by(3).copied().collect();
            assert_eq!(shown, expected, "{orientation:?}");
        }
    }
}
