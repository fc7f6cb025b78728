//! In place of the encoder for AVIF, in builds without it.

use crate::{PixelError, raster::Raster};
use heim_common::spec::OutputType;

pub(crate) fn encode(_: &Raster, _: u8, _: u8, _: &mut Vec<u8>) -> Result<(), PixelError> {
    Err(PixelError::UnsupportedOutput(OutputType::Avif))
}
