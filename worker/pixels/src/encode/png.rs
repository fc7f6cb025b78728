//! PNG, without loss.

use crate::{
    PixelError,
    raster::{Layout, Raster},
};
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

/// Appends the picture's bytes. The layout is `Rgb` or `Rgba`.
pub(crate) fn encode(level: &Raster, effort: u8, into: &mut Vec<u8>) -> Result<(), PixelError> {
    let refused = |error: EncodingError| PixelError::Encode(error.into());
    let mut encoder = Encoder::new(into, level.width, level.height);
    encoder.set_color(if level.layout == Layout::Rgba { ColorType::Rgba } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(match effort {
        0 => Compression::Fastest,
        1 => Compression::Fast,
        2 => Compression::Balanced,
        _ => Compression::High,
    });
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(&level.pixels).map_err(refused)?;
    writer.finish().map_err(refused)
}
