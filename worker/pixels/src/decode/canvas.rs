//! The first frame of an animation put on its canvas. What lies outside of the
//! canvas is cut off; what the frame does not cover is transparent.

/// A rectangle of RGBA pixels and where its upper left corner goes.
pub(super) struct Frame<'a> {
    pub(super) pixels: &'a [u8],
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
}

/// Puts the frame on a canvas of RGBA rows that are this wide.
pub(super) fn put(frame: &Frame<'_>, canvas: &mut [u8], canvas_width: usize) {
    let visible = canvas_width.saturating_sub(frame.left).min(frame.width);
    if visible == 0 {
        return;
    }
    let lines = canvas.chunks_exact_mut(canvas_width * 4).skip(frame.top);
    for (line, row) in lines.zip(frame.pixels.chunks_exact(frame.width * 4)) {
        line[frame.left * 4..][..visible * 4].copy_from_slice(&row[..visible * 4]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_at_the_canvas() {
        let pixels = [9; 4 * 4 * 4];
        for (left, top, covered) in [(0, 0, 9), (1, 1, 4), (2, 0, 3), (3, 0, 0), (0, 3, 0), (999, 999, 0)] {
            let mut canvas = [0; 3 * 3 * 4];
            put(&Frame { pixels: &pixels, left, top, width: 4 }, &mut canvas, 3);
            let sum: usize = canvas.iter().map(|byte| usize::from(*byte)).sum();
            assert_eq!(sum, covered * 4 * 9, "at {left}, {top}");
        }
    }
}
