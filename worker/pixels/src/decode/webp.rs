//! WebP, lossy and lossless. libwebp decodes it, scaled by itself where the
//! file is larger than is needed; of an animation, the first frame.

use super::{
    Context, Decoded, Inspected,
    canvas::{self, Frame},
    riff::{Chunk, Chunks},
};
use crate::{
    PixelError, TooCostly,
    plan::Size,
    raster::{Layout, Raster},
    webp_ffi,
};
use heim_common::header::Format;
use std::error::Error;

/// libwebp scales by averaging areas, which blurs. Twice the size that is
/// wanted leaves the blur to the resize that follows, which removes it.
const SCALED_FACTOR: u32 = 2;

pub(super) fn damaged(error: impl Into<Box<dyn Error + Send + Sync>>) -> PixelError {
    PixelError::damaged(Format::Webp, error)
}

pub(super) fn unread(error: webp_ffi::WebpError) -> PixelError {
    if error.is_memory() { TooCostly::OutOfMemory.into() } else { damaged(error) }
}

/// What the container says.
struct Container<'a> {
    /// The canvas of an extended file.
    canvas: Option<Size>,
    icc: Option<&'a [u8]>,
    frames: u32,
    first: Option<Animated<'a>>,
}

/// The first frame of an animation.
struct Animated<'a> {
    left: u32,
    top: u32,
    /// Its picture chunks, which libwebp reads like a file.
    picture: &'a [u8],
}

pub(super) fn u24(bytes: &[u8], at: usize) -> Option<u32> {
    let &[a, b, c] = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

fn read(bytes: &[u8]) -> Result<Container<'_>, PixelError> {
    let mut container = Container { canvas: None, icc: None, frames: 0, first: None };
    for chunk in Chunks::of(bytes).map_err(damaged)? {
        let Chunk { name, payload } = chunk.map_err(damaged)?;
        match &name {
            b"VP8X" => {
                let sides = u24(payload, 4).zip(u24(payload, 7));
                container.canvas = sides.map(|(width, height)| (width + 1, height + 1));
            }
            b"ICCP" => container.icc = Some(payload),
            b"ANMF" => {
                let frame = u24(payload, 0).zip(u24(payload, 3)).zip(payload.get(16..));
                let ((left, top), picture) = frame.ok_or_else(|| damaged("a frame without a header"))?;
                container.first.get_or_insert(Animated { left: left * 2, top: top * 2, picture });
                container.frames += 1;
            }
            _ => {}
        }
    }
    Ok(container)
}

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspected, PixelError> {
    let container = read(bytes)?;
    let size = match (&container.first, container.canvas) {
        (Some(_), Some(canvas)) => canvas,
        _ => webp_ffi::features(bytes).map_err(damaged)?.size,
    };
    Ok(Inspected { size, frames: container.frames.max(1) })
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let container = read(bytes)?;
    let raster = match (&container.first, container.canvas) {
        (Some(first), Some(canvas)) => animated(first, canvas, context)?,
        _ => still(bytes, context)?,
    };
    Ok(Decoded { raster, gray: false, icc: container.icc.map(<[u8]>::to_vec) })
}

fn still(bytes: &[u8], context: &mut Context<'_>) -> Result<Raster, PixelError> {
    let features = webp_ffi::features(bytes).map_err(damaged)?;
    let (min_width, min_height) = context.size_min;
    let wanted = (min_width.saturating_mul(SCALED_FACTOR), min_height.saturating_mul(SCALED_FACTOR));
    let scales = wanted.0 < features.size.0 && wanted.1 < features.size.1;
    let (width, height) = if scales { wanted } else { features.size };
    let layout = if features.alpha { Layout::Rgba } else { Layout::Rgb };
    let mut pixels = context.pool.picture(width, height, layout.channels())?;
    webp_ffi::decode(bytes, (width, height), layout, &mut pixels).map_err(unread)?;
    Ok(Raster { width, height, layout, pixels })
}

fn animated(first: &Animated<'_>, canvas: Size, context: &mut Context<'_>) -> Result<Raster, PixelError> {
    let size = webp_ffi::features(first.picture).map_err(damaged)?.size;
    context.limits.admit(size.0, size.1)?;
    let mut pixels = context.pool.picture(size.0, size.1, 4)?;
    webp_ffi::decode(first.picture, size, Layout::Rgba, &mut pixels).map_err(unread)?;
    if (first.left, first.top, size) != (0, 0, canvas) {
        let mut whole = context.pool.blank(canvas.0, canvas.1, 4)?;
        let frame =
            Frame { pixels: &pixels, left: first.left as usize, top: first.top as usize, width: size.0 as usize };
        canvas::put(&frame, &mut whole, canvas.0 as usize);
        context.pool.give(std::mem::replace(&mut pixels, whole));
    }
    Ok(Raster { width: canvas.0, height: canvas.1, layout: Layout::Rgba, pixels })
}
