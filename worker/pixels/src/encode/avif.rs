//! AVIF, by libaom: 8 bits, 4:2:0, sRGB.

use crate::{
    PixelError, TooCostly,
    avif_ffi::{self, AvifError},
    raster::Raster,
};

/// Appends the picture's bytes. The layout is `Rgb` or `Rgba`.
pub(crate) fn encode(level: &Raster, quality: u8, effort: u8, into: &mut Vec<u8>) -> Result<(), PixelError> {
    let speed = 10_u8.saturating_sub(effort);
    avif_ffi::encode(&level.pixels, (level.width, level.height), level.layout, (quality, speed), into).map_err(refused)
}

fn refused(error: AvifError) -> PixelError {
    if error.is_memory() { TooCostly::OutOfMemory.into() } else { PixelError::Encode(error.into()) }
}
