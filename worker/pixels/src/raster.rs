//! A picture as rows of pixels, eight bits a channel, without gaps.

use crate::{PixelError, pool::Pool};

/// What the channels of a pixel are. Gray is not among them: gray pictures are
/// rare, and each more layout is compiled into every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and a byte that means nothing.
    RgbPad,
    /// Red, green, blue and opacity, not premultiplied.
    Rgba,
    /// Inks; 255 is all of an ink, whatever the file's convention was.
    Cmyk,
}

impl Layout {
    /// Bytes of a pixel.
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::RgbPad | Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// Whether the last channel is opacity.
    pub(crate) fn has_alpha(self) -> bool {
        self == Self::Rgba
    }
}

/// A picture in memory.
#[derive(Debug)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    /// Always `width * height * layout.channels()` bytes.
    pub(crate) pixels: Vec<u8>,
}

impl Raster {
    /// A picture of gray pixels, each followed by its opacity if `alpha`.
    pub(crate) fn of_gray(
        (width, height): (u32, u32),
        gray: Vec<u8>,
        alpha: bool,
        pool: &mut Pool,
    ) -> Result<Self, PixelError> {
        let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
        let mut pixels = pool.picture(width, height, layout.channels())?;
        if alpha {
            for (into, from) in pixels.as_chunks_mut().0.iter_mut().zip(gray.as_chunks().0) {
                let [gray, alpha] = *from;
                *into = [gray, gray, gray, alpha];
            }
        } else {
            for (into, gray) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(&gray) {
                into.fill(*gray);
            }
        }
        pool.give(gray);
        Ok(Self { width, height, layout, pixels })
    }

    /// Gives up an opacity that is complete everywhere: many PNGs carry one,
    /// and without it resizing and encoding are cheaper.
    pub(crate) fn drop_full_alpha(&mut self) {
        if self.layout == Layout::Rgba && self.pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255) {
            self.layout = Layout::RgbPad;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_opacity_that_is_complete_is_given_up() {
        let layout_of = |layout, pixels: &[u8]| {
            let mut raster = Raster { width: 2, height: 1, layout, pixels: pixels.to_vec() };
            raster.drop_full_alpha();
            raster.layout
        };
        assert_eq!(layout_of(Layout::Rgba, &[1, 2, 3, 255, 4, 5, 6, 255]), Layout::RgbPad);
        assert_eq!(layout_of(Layout::Rgba, &[1, 2, 3, 255, 4, 5, 6, 254]), Layout::Rgba);
        assert_eq!(layout_of(Layout::Cmyk, &[255; 8]), Layout::Cmyk);
    }

    #[test]
    fn gray_is_widened() {
        let mut pool = Pool::default();
        let opaque = Raster::of_gray((2, 1), vec![1, 2], false, &mut pool).unwrap();
        assert_eq!((opaque.layout, opaque.pixels.as_slice()), (Layout::Rgb, [1, 1, 1, 2, 2, 2].as_slice()));
        let half = Raster::of_gray((2, 1), vec![1, 2, 3, 4], true, &mut pool).unwrap();
        assert_eq!((half.layout, half.pixels.as_slice()), (Layout::Rgba, [1, 1, 1, 2, 3, 3, 3, 4].as_slice()));
    }
}
