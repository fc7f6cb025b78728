//! In place of the decoder for AVIF, in builds without it.

use super::{Context, Decoded, Inspected};
use crate::PixelError;
use heim_common::header::Orientation;

pub(super) fn inspect(_: &[u8]) -> Result<Inspected, PixelError> {
    Err(PixelError::UnsupportedType)
}

pub(super) fn orientation(_: &[u8]) -> Orientation {
    Orientation::Upright
}

pub(super) fn decode(_: &[u8], _: &mut Context<'_>) -> Result<Decoded, PixelError> {
    Err(PixelError::UnsupportedType)
}
