//! The words between the pool and a child: JSON datagrams of a bounded size.
//!
//! ```text
//! child ──ready──────────────────────────▶ pool     once, before the first file
//! pool  ──request + original, output fds─▶ child    one at a time
//! child ──output, output, …, done────────▶ pool     or `failed` at any point
//! ```
//! Both ends are the same binary, so the form may change with any release.

use super::walls::Walls;
use heim_common::{job::Reason, media::Description, spec::TranscodingSpec};
use heim_pixels::Decoders;
use serde::{Deserialize, Serialize};

/// Longest datagram, in bytes: a request with all the specs that there may be.
pub(super) const DATAGRAM_BYTES_MAX: usize = 64 << 10;

/// Most bytes that all outputs of one file may take together.
pub(super) const OUTPUT_BYTES_MAX: u64 = 64 << 20;

/// Longest detail of a failure that is believed to be worth a log line.
pub(super) const DETAIL_CHARS_MAX: usize = 300;

/// One file to be worked on. Its bytes and the place for the outputs come
/// along as two file descriptors, in this order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// What to make, in any order.
    pub(super) specs: Vec<TranscodingSpec>,
    /// What may be decoded.
    pub(super) decoders: Decoders,
    /// Most pixels that the file may declare.
    pub(super) pixels_max: u64,
    /// Most pixels of all frames of an animation that goes on moving.
    pub(super) animation_pixels_max: u64,
    /// Most frames of it.
    pub(super) animation_frames_max: u32,
    /// Most bytes in one buffer of pixels or coefficients.
    pub(super) decoded_bytes_max: u64,
    /// Most scans of a JPEG.
    pub(super) scans_max: u32,
    /// Wall time that it may take.
    pub(super) deadline_ms: u64,
    /// Bytes of the original.
    pub(super) size: u64,
}

/// What a child has to say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Report {
    /// It waits for a request.
    Ready {
        /// What it has raised around itself.
        walls: Walls,
    },
    /// A transcoding is written.
    Output(OutputReport),
    /// All of them are.
    Done {
        /// What the decoder found out.
        description: Description,
    },
    /// The file cannot be done; the child itself is well.
    Failed {
        /// Why.
        reason: Reason,
        /// For the log.
        detail: String,
    },
}

/// Where a transcoding was written, and what it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputReport {
    /// Place of its spec in the request.
    pub(super) index: usize,
    /// Where it begins in the output memfd.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) len: u64,
    /// Pixels.
    pub(super) width: u32,
    /// Pixels.
    pub(super) height: u32,
    /// What the decoder found out; with the first output only.
    pub(super) description: Option<Description>,
}
