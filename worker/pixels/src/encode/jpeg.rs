//! JPEG, by libjpeg-turbo: 4:2:0, as cameras and the web do.

use crate::{
    PixelError,
    raster::{Layout, Raster},
};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

/// The compressor, kept for the next picture, and a place to flatten one in.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    compressor: Option<Compressor>,
    flat: Vec<u8>,
}

fn refused(error: turbojpeg::Error) -> PixelError {
    PixelError::Encode(error.into())
}

impl Encoder {
    /// Appends the picture's bytes. The layout is `Rgb` or `Rgba`.
    pub(crate) fn encode(
        &mut self,
        level: &Raster,
        quality: u8,
        effort: u8,
        into: &mut Vec<u8>,
    ) -> Result<(), PixelError> {
        let Self { compressor, flat } = self;
        // It is only put back after a success.
        let mut compressor_now = compressor.take().map_or_else(|| Compressor::new().map_err(refused), Ok)?;
        compressor_now.set_quality(quality.into()).map_err(refused)?;
        compressor_now.set_subsamp(Subsamp::Sub2x2).map_err(refused)?;
        compressor_now.set_progressive(effort >= 2).map_err(refused)?;
        compressor_now.set_optimize(effort >= 1).map_err(refused)?;
        let pixels = match level.layout {
            Layout::Rgba => {
                on_white(&level.pixels, flat);
                flat.as_slice()
            }
            _ => &level.pixels,
        };
        let (width, height) = (level.width as usize, level.height as usize);
        let image = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
        let encoded = compressor_now.compress_to_owned(image).map_err(refused)?;
        into.extend_from_slice(&encoded);
        *compressor = Some(compressor_now);
        Ok(())
    }
}

/// Puts a picture in front of white.
fn on_white(rgba: &[u8], rgb: &mut Vec<u8>) {
    rgb.clear();
    rgb.extend(rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, alpha]| {
        let over = |value: u8| {
            let mixed = u32::from(value) * u32::from(alpha) + 255 * u32::from(255 - alpha);
            u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
        };
        [over(r), over(g), over(b)]
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_transparent_becomes_white() {
        let mut rgb = Vec::new();
        on_white(&[10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128], &mut rgb);
        assert_eq!(rgb, [10, 20, 30, 255, 255, 255, 127, 127, 127]);
    }

    #[test]
    fn more_effort_makes_fewer_bytes_of_the_same_picture() {
        let pixels = (0..64u32 * 64 * 3).map(|at| u8::try_from((at * at / 97) % 256).unwrap()).collect();
        let level = Raster { width: 64, height: 64, layout: Layout::Rgb, pixels };
        let mut encoder = Encoder::default();
        let mut sizes = [0, 1, 2, 1].map(|effort| {
            let mut bytes = Vec::new();
            encoder.encode(&level, 80, effort, &mut bytes).unwrap();
            (bytes.len(), bytes)
        });
        assert!(sizes[1].0 < sizes[0].0, "{} and {}", sizes[1].0, sizes[0].0);
        // SOF0 is baseline, SOF2 progressive (ITU-T T.81, table B.1).
        let has = |bytes: &[u8], marker: u8| bytes.windows(2).any(|two| two == [0xff, marker]);
        assert!(has(&sizes[0].1, 0xc0) && has(&sizes[1].1, 0xc0) && has(&sizes[2].1, 0xc2));
        // What the compressor did before leaves no trace.
        assert_eq!(std::mem::take(&mut sizes[3].1), sizes[1].1);
    }
}
