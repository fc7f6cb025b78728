//! A picture as rows of pixels, eight bits a channel, without gaps.

/// What the channels of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Brightness.
    Gray,
    /// Brightness and a byte that means nothing.
    GrayPad,
    /// Brightness and opacity.
    GrayAlpha,
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
            Self::Gray => 1,
            Self::GrayPad | Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::RgbPad | Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// Whether the last channel is opacity.
    pub(crate) fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
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
    /// Gives up an opacity that is complete everywhere: many PNGs carry one,
    /// and without it resizing and encoding are cheaper.
    pub(crate) fn drop_full_alpha(&mut self) {
        let opaque = |channels: usize| self.pixels.chunks_exact(channels).all(|pixel| pixel[channels - 1] == 255);
        match self.layout {
            Layout::Rgba if opaque(4) => self.layout = Layout::RgbPad,
            Layout::GrayAlpha if opaque(2) => self.layout = Layout::GrayPad,
            _ => {}
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
        assert_eq!(layout_of(Layout::GrayAlpha, &[1, 255, 2, 255]), Layout::GrayPad);
        assert_eq!(layout_of(Layout::GrayAlpha, &[1, 0, 2, 255]), Layout::GrayAlpha);
        assert_eq!(layout_of(Layout::Cmyk, &[255; 8]), Layout::Cmyk);
    }
}
