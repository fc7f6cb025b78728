//! Why no transcoding was made, named by what was attempted.

use crate::stopwatch::Step;
use heim_common::{header::Format, job::Reason, spec::OutputType};
use std::error::Error;

/// The receiver of outputs wants no more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sink is closed")]
pub struct SinkClosed;

/// Which bound a file ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooCostly {
    /// The deadline passed.
    #[error("the deadline passed before the end of the step `{0}`")]
    Deadline(Step),
    /// Decoding it would take more memory than any picture may.
    #[error("{0} bytes of memory are needed")]
    Memory(u64),
    /// What a library needs on its way could not be had.
    #[error("a library was refused the memory that it needs")]
    OutOfMemory,
    /// A JPEG of more scans than any camera writes.
    #[error("more than {0} scans")]
    Scans(u32),
    /// An animation of more frames, pixels or bytes than may go on moving.
    #[error("an animation beyond its budget")]
    Animation,
}

/// What went wrong with a picture.
#[derive(Debug, thiserror::Error)]
pub enum PixelError {
    /// The content is of no type, or of no variant of a type, that is decoded here.
    #[error("no decoder reads this content")]
    UnsupportedType,
    /// A transcoding is asked for that this build cannot make.
    #[error("this build writes no {}", .0.content_type())]
    UnsupportedOutput(OutputType),
    /// More pixels are declared than the limits allow.
    #[error("{width} x {height} pixels are more than the {max} that are allowed")]
    TooManyPixels {
        /// Declared width.
        width: u32,
        /// Declared height.
        height: u32,
        /// The limit.
        max: u64,
    },
    /// More time or memory than allowed.
    #[error("the picture goes beyond a bound")]
    TooCostly(#[source] TooCostly),
    /// The content is damaged or cut short.
    #[error("{} could not be decoded", format.content_type())]
    Decode {
        /// By its magic bytes.
        format: Format,
        /// What the decoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The resizer refused what it was given.
    #[error("the resizer refused the picture")]
    Resize(#[source] Box<dyn Error + Send + Sync>),
    /// The encoder refused what it was given.
    #[error("the encoder refused the picture")]
    Encode(#[source] Box<dyn Error + Send + Sync>),
    /// The sink refused an output.
    #[error("a transcoding could not be handed over")]
    Sink(#[source] SinkClosed),
}

impl PixelError {
    /// The reason by which a job tells people and programs.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::UnsupportedType => Reason::UnsupportedType,
            Self::UnsupportedOutput(_) => Reason::UnsupportedOutput,
            Self::TooManyPixels { .. } => Reason::TooManyPixels,
            Self::TooCostly(_) => Reason::TooCostly,
            Self::Decode { .. } => Reason::Damaged,
            Self::Resize(_) | Self::Encode(_) | Self::Sink(_) => Reason::Internal,
        }
    }

    /// A content that its decoder could not read.
    pub(crate) fn damaged(format: Format, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Decode { format, source: source.into() }
    }
}

impl From<TooCostly> for PixelError {
    fn from(bound: TooCostly) -> Self {
        Self::TooCostly(bound)
    }
}
