//! The pixel pipeline of heim-media: the bytes of an original in, the bytes of
//! its transcodings out. Pure functions, but for the clock that they watch
//! their deadline with: no file, no socket, no log.
//!
//! One call of [`Transcoder::run`] makes every transcoding of a picture from a
//! single decode:
//!
//! ```text
//! sniff ▶ inspect ▶ plan ▶ decode ▶ reduce ▶ colour ▶ orient ▶ cascade ▶ placeholder ▶ encode …
//!                                  (once, to the largest target)     (smallest first) ▲ │
//!                                                                                     └─┘ ▶ animate
//! ```
//!
//! What moves goes on moving where a spec asks for it (`Params::animated`), in a
//! second pass that begins when all stills are out: each frame is put on one
//! canvas, and only what it has changed is resized, compared and encoded. Beyond
//! the limits of frames and pixels, or where the time becomes short, a still of
//! the first frame takes its place; a damaged frame ends the animation before
//! it. The `frames` of the description are those of the original in any case.
//!
//! Each step is a file of its own. Everything that comes in is hostile: sizes
//! are checked before memory is taken for them, every loop has a bound, and the
//! deadline is looked at between steps. Decoders written in C live behind
//! `jpeg_ffi`, `webp_ffi` and `avif_ffi`; a process that must not die of them
//! runs this crate in a child. Each decoder can be switched off ([`Decoders`]).
//!
//! AVIF is read and written with the feature `avif` alone: libavif, dav1d and
//! libaom take minutes to compile. Without it an AVIF is of an unsupported type,
//! and [`can_write`] says no to transcodings of that kind. HEIC, TIFF and JPEG XL
//! are not decoded.

mod area;
#[cfg(feature = "avif")]
mod avif_ffi;
mod color;
mod decode;
mod decoders;
mod dominant;
mod encode;
mod error;
mod fit;
mod jpeg_ffi;
mod light;
mod limits;
mod motion;
mod orient;
mod placeholder;
mod plan;
mod pool;
mod raster;
mod resize;
mod scan;
mod stopwatch;
mod transcoder;
mod webp_ffi;

#[cfg(test)]
mod tests;

pub use decoders::{Decoders, NoDecoder};
pub use encode::can_write;
pub use error::{PixelError, SinkClosed, TooCostly};
pub use limits::{DECODED_BYTES_MAX, Limits, SCANS_MAX};
pub use stopwatch::Step;
pub use transcoder::{Output, Transcoder};

/// The version of what this crate makes. It goes up when the same original and
/// the same spec give other bytes, and replaces transcodings of lower versions.
pub const ENGINE_VERSION: u32 = 2;
