//! PNG of every kind: palette, gray, 16 bit, interlaced, with opacity. Of an
//! animated one, the picture that decoders without animation show.

use super::{Context, Decoded, Inspected, png_plain};
use crate::{
    PixelError,
    raster::{Layout, Raster},
};
use heim_common::header::Format;
use png::{BitDepth, ColorType, Decoder, DecodingError, Info, Limits, Transformations};
use std::io::Cursor;

/// What one file's chunks may take besides the pixels.
const CHUNK_BYTES_MAX: usize = 32 << 20;

fn open(bytes: &[u8]) -> Decoder<Cursor<&[u8]>> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: CHUNK_BYTES_MAX });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder
}

fn damaged(error: DecodingError) -> PixelError {
    PixelError::damaged(Format::Png, error)
}

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspected, PixelError> {
    let mut decoder = open(bytes);
    let size = decoder.read_header_info().map_err(damaged)?.size();
    Ok(Inspected { size, frames: 1 })
}

/// Whether the pixels are as [`png_plain`] reads them.
fn is_plain(info: &Info<'_>) -> bool {
    matches!(info.color_type, ColorType::Rgb | ColorType::Rgba)
        && info.bit_depth == BitDepth::Eight
        && !info.interlaced
        && info.trns.is_none()
        && info.animation_control.is_none()
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let mut reader = open(bytes).read_info().map_err(damaged)?;
    let (width, height) = reader.info().size();
    // The crate would panic (PNG, 11.2.2).
    if reader.info().palette.as_ref().is_some_and(|palette| palette.len() % 3 != 0 || palette.len() > 256 * 3) {
        return Err(PixelError::damaged(Format::Png, "a palette that is not of up to 256 colours"));
    }
    let color = reader.output_color_type().0;
    let mut pixels = context.pool.picture(width, height, color.samples())?;
    if reader.output_buffer_size() != Some(pixels.len()) {
        return Err(PixelError::damaged(Format::Png, "rows of another length than declared"));
    }
    if is_plain(reader.info()) {
        let decode = if color == ColorType::Rgb { png_plain::decode::<3> } else { png_plain::decode::<4> };
        decode(bytes, width as usize, &mut pixels).map_err(|error| PixelError::damaged(Format::Png, error))?;
    } else {
        let filled = reader.next_frame(&mut pixels).map_err(damaged)?;
        if (filled.width, filled.height) != (width, height) {
            // The rest of the buffer would show another picture.
            return Err(PixelError::damaged(Format::Png, "a first frame that does not fill the picture"));
        }
        // To the end of the file, or a cut after the last row would go unnoticed.
        reader.finish().map_err(damaged)?;
    }
    let icc = reader.info().icc_profile.as_deref().map(<[u8]>::to_vec);
    let gray = matches!(color, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let raster = match color {
        ColorType::Grayscale => Raster::of_gray((width, height), pixels, false, context.pool)?,
        ColorType::GrayscaleAlpha => Raster::of_gray((width, height), pixels, true, context.pool)?,
        ColorType::Rgb | ColorType::Indexed => Raster { width, height, layout: Layout::Rgb, pixels },
        ColorType::Rgba => Raster { width, height, layout: Layout::Rgba, pixels },
    };
    Ok(Decoded { raster, gray, icc })
}
