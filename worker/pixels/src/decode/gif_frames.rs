//! The frames of a GIF.

use super::{
    frames::{After, Draw, Frame},
    gif::{damaged, open},
};
use crate::{
    Limits, PixelError,
    pool::Pool,
    raster::{Layout, Raster},
};
use gif::{Decoder, DisposalMethod, Repeat};

/// Up to this delay, in hundredths of a second, browsers take it that the
/// author meant "soon", and wait for a tenth of a second.
const SOON: u16 = 1;
const SOON_MS: u32 = 100;

/// Where the file is read.
pub(crate) struct Frames<'a>(Decoder<&'a [u8]>);

impl<'a> Frames<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, PixelError> {
        open(bytes, limits).map(Self)
    }

    /// Netscape's extension counts repetitions; without it there is none.
    pub(super) fn loops(&self) -> u16 {
        match self.0.repeat() {
            Repeat::Infinite => 0,
            Repeat::Finite(again) => again.saturating_add(1),
        }
    }

    pub(super) fn next(&mut self, limits: &Limits, pool: &mut Pool) -> Result<Option<Frame>, PixelError> {
        let Self(decoder) = self;
        let Some(info) = decoder.next_frame_info().map_err(damaged)? else { return Ok(None) };
        let (width, height) = (info.width.into(), info.height.into());
        let place = (info.left.into(), info.top.into());
        let after = match info.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => After::Keep,
            DisposalMethod::Background => After::Clear,
            DisposalMethod::Previous => After::Restore,
        };
        let ms = if info.delay <= SOON { SOON_MS } else { u32::from(info.delay) * 10 };
        limits.admit(width, height)?;
        // A colour that is in no palette is left out by the decoder.
        let mut pixels = pool.blank(width, height, 4)?;
        if !pixels.is_empty() {
            decoder.read_into_buffer(&mut pixels).map_err(damaged)?;
        }
        let raster = Raster { width, height, layout: Layout::Rgba, pixels };
        Ok(Some(Frame { raster, place, draw: Draw::Masked, after, ms }))
    }
}
