//! The frames of an animated WebP (RFC 9649, 2.7.1.1). The background colour
//! is a hint that no viewer takes: what nothing covers is transparent.

use super::{
    frames::{After, Draw, Frame},
    riff::{Chunk, Chunks},
    webp::{damaged, u24, unread},
};
use crate::{
    Limits, PixelError,
    pool::Pool,
    raster::{Layout, Raster},
    webp_ffi,
};

/// The lowest bit of a frame's flags: its area becomes transparent after it.
const CLEAR: u8 = 1;
/// The next one: its pixels replace what is there.
const INSTEAD: u8 = 2;

/// Where the file is read.
pub(crate) struct Frames<'a> {
    chunks: Chunks<'a>,
    loops: u16,
}

impl<'a> Frames<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PixelError> {
        let chunks = || Chunks::of(bytes).map_err(damaged);
        let animation = chunks()?.flatten().find(|chunk| chunk.name == *b"ANIM");
        let loops = animation.and_then(|chunk| chunk.payload.get(4..)?.first_chunk().copied());
        Ok(Self { chunks: chunks()?, loops: u16::from_le_bytes(loops.unwrap_or([1, 0])) })
    }

    pub(super) fn loops(&self) -> u16 {
        self.loops
    }

    pub(super) fn next(&mut self, limits: &Limits, pool: &mut Pool) -> Result<Option<Frame>, PixelError> {
        for chunk in self.chunks.by_ref() {
            let Chunk { name, payload } = chunk.map_err(damaged)?;
            if name == *b"ANMF" {
                return frame(payload, limits, pool).map(Some);
            }
        }
        Ok(None)
    }
}

fn frame(payload: &[u8], limits: &Limits, pool: &mut Pool) -> Result<Frame, PixelError> {
    let header = u24(payload, 0).zip(u24(payload, 3)).zip(u24(payload, 12)).zip(payload.get(15));
    let (Some((((left, top), ms), flags)), Some(picture)) = (header, payload.get(16..)) else {
        return Err(damaged("a frame without a header"));
    };
    let (width, height) = webp_ffi::features(picture).map_err(damaged)?.size;
    limits.admit(width, height)?;
    let mut pixels = pool.picture(width, height, 4)?;
    webp_ffi::decode(picture, (width, height), Layout::Rgba, &mut pixels).map_err(unread)?;
    Ok(Frame {
        raster: Raster { width, height, layout: Layout::Rgba, pixels },
        place: (i64::from(left) * 2, i64::from(top) * 2),
        draw: if flags & INSTEAD == 0 { Draw::Blended } else { Draw::Instead },
        after: if flags & CLEAR == 0 { After::Keep } else { After::Clear },
        ms,
    })
}
