//! Windows bitmaps, by the `image` crate's decoder.

use super::{Context, Decoded, Inspected};
use crate::{
    PixelError,
    raster::{Layout, Raster},
};
use heim_common::header::Format;
use image::{ColorType, ImageDecoder, ImageError, codecs::bmp::BmpDecoder};
use std::io::Cursor;

fn open(bytes: &[u8]) -> Result<BmpDecoder<Cursor<&[u8]>>, PixelError> {
    BmpDecoder::new(Cursor::new(bytes)).map_err(unreadable)
}

fn unreadable(error: ImageError) -> PixelError {
    match error {
        ImageError::Unsupported(_) => PixelError::UnsupportedType,
        other => PixelError::damaged(Format::Bmp, other),
    }
}

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspected, PixelError> {
    Ok(Inspected { size: open(bytes)?.dimensions(), frames: 1 })
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let decoder = open(bytes)?;
    let (width, height) = decoder.dimensions();
    let layout = match decoder.color_type() {
        ColorType::Rgb8 => Layout::Rgb,
        ColorType::Rgba8 => Layout::Rgba,
        _ => return Err(PixelError::UnsupportedType),
    };
    // Compressed bitmaps may leave pixels out, so the buffer must be clean.
    let mut pixels = context.pool.blank(width, height, layout.channels())?;
    decoder.read_image(&mut pixels).map_err(unreadable)?;
    Ok(Decoded { raster: Raster { width, height, layout, pixels }, gray: false, icc: None })
}
