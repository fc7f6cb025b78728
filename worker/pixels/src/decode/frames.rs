//! The frames of an animation one after the other, as they are stored: what to
//! make of them is not known here.

use super::{gif_frames, webp_frames};
use crate::{Limits, PixelError, area::Place, pool::Pool, raster::Raster};
use heim_common::header::Format;

/// How a frame is put on what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// Its pixels are opaque or not there at all.
    Masked,
    /// Its opacity mixes it with what is there.
    Blended,
    /// It replaces what is there, transparent pixels as well.
    Instead,
}

/// What becomes of a frame's area before the next one is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum After {
    /// It stays.
    #[default]
    Keep,
    /// It becomes transparent.
    Clear,
    /// It becomes what it was before the frame.
    Restore,
}

/// One frame.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Of the layout `Rgba`; a side may be 0.
    pub(crate) raster: Raster,
    pub(crate) place: Place,
    pub(crate) draw: Draw,
    pub(crate) after: After,
    /// How long it is shown, in milliseconds.
    pub(crate) ms: u32,
}

/// The frames of a file.
pub(crate) enum Frames<'a> {
    Gif(Box<gif_frames::Frames<'a>>),
    Webp(webp_frames::Frames<'a>),
}

impl<'a> Frames<'a> {
    /// Begins before the first one. `None` for formats that do not move.
    pub(crate) fn open(format: Format, bytes: &'a [u8], limits: &Limits) -> Result<Option<Self>, PixelError> {
        Ok(match format {
            Format::Gif => Some(Self::Gif(Box::new(gif_frames::Frames::open(bytes, limits)?))),
            Format::Webp => Some(Self::Webp(webp_frames::Frames::open(bytes)?)),
            _ => None,
        })
    }

    /// How often all of them are shown; 0 for without end.
    pub(crate) fn loops(&self) -> u16 {
        match self {
            Self::Gif(frames) => frames.loops(),
            Self::Webp(frames) => frames.loops(),
        }
    }

    /// The next one, if there is one.
    pub(crate) fn next(&mut self, limits: &Limits, pool: &mut Pool) -> Result<Option<Frame>, PixelError> {
        match self {
            Self::Gif(frames) => frames.next(limits, pool),
            Self::Webp(frames) => frames.next(limits, pool),
        }
    }
}
