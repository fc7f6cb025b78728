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
//!                                                                                     └─┘
//! ```
//!
//! Each step is a file of its own. Everything that comes in is hostile: sizes
//! are checked before memory is taken for them, every loop has a bound, and the
//! deadline is looked at between steps. Decoders written in C live behind
//! `turbojpeg` and `webp_ffi`; a process that must not die of them runs this
//! crate in a child.

mod color;
mod decode;
mod dominant;
mod encode;
mod error;
mod fit;
mod light;
mod limits;
mod orient;
mod placeholder;
mod plan;
mod pool;
mod raster;
mod resize;
mod stopwatch;
mod transcoder;
mod webp_ffi;

#[cfg(test)]
mod tests;

pub use error::{PixelError, SinkClosed, TooCostly};
pub use limits::Limits;
pub use stopwatch::Step;
pub use transcoder::{Output, Transcoder};

/// The version of what this crate makes. It goes up when the same original and
/// the same spec give other bytes, and replaces transcodings of lower versions.
pub const ENGINE_VERSION: u32 = 1;
