//! A level to the bytes of a transcoding: one file a format.

#[cfg_attr(not(feature = "avif"), path = "encode/no_avif.rs")]
mod avif;
mod film;
mod jpeg;
mod png;

use crate::{
    PixelError, TooCostly,
    plan::{Encoding, Target},
    raster::Raster,
    webp_ffi,
};
use heim_common::spec::OutputType;

/// Whether transcodings of this kind can be made by this build.
#[must_use]
pub fn can_write(output: OutputType) -> bool {
    match output {
        OutputType::Webp | OutputType::Jpeg | OutputType::Png => true,
        OutputType::Avif => cfg!(feature = "avif"),
    }
}
pub(crate) use film::Film;

/// Encodes one level after the other into the same buffer.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    holds: Option<((usize, usize), Encoding)>,
    jpeg: jpeg::Encoder,
}

impl Encoder {
    /// Forgets what the last job left.
    pub(crate) fn start(&mut self) {
        self.holds = None;
    }

    /// The bytes of a target. Those of a small picture are often all the same.
    pub(crate) fn encode(&mut self, target: &Target, level: &Raster) -> Result<&[u8], PixelError> {
        let wanted = Some((target.level, target.encoding));
        if self.holds != wanted {
            self.holds = None;
            let Self { bytes, jpeg, .. } = self;
            bytes.clear();
            let Encoding { output, quality, effort } = target.encoding;
            match output {
                OutputType::Webp => {
                    let size = (level.width, level.height);
                    webp_ffi::encode(&level.pixels, size, level.layout, (quality, effort), bytes).map_err(refused)?;
                }
                OutputType::Jpeg => jpeg.encode(level, quality, effort, bytes)?,
                OutputType::Png => png::encode(level, effort, bytes)?,
                OutputType::Avif => avif::encode(level, quality, effort, bytes)?,
            }
            self.holds = wanted;
        }
        Ok(&self.bytes)
    }
}

/// What libwebp said when it encoded nothing.
pub(crate) fn refused(error: webp_ffi::WebpError) -> PixelError {
    if error.is_memory() { TooCostly::OutOfMemory.into() } else { PixelError::Encode(error.into()) }
}
