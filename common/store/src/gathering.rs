//! What a writer has taken and not yet put on its way.

use crate::sealed::Sealer;
use bytes::{Bytes, BytesMut};

/// The bytes between the client and the store: as they are, or encrypted. In
/// the second case no plaintext can be taken out of it.
pub(crate) enum Gathering {
    Plain(BytesMut),
    Sealed(Box<Sealer>),
}

impl Gathering {
    /// Takes as many of the bytes as it has room for, and says how many.
    pub(crate) fn append(&mut self, bytes: &[u8], part_bytes: usize) -> usize {
        match self {
            Self::Plain(part) => {
                let taken = bytes.len().min(part_bytes.saturating_sub(part.len()));
                part.extend_from_slice(&bytes[..taken]);
                taken
            }
            Self::Sealed(sealer) => sealer.append(bytes),
        }
    }

    /// A part that is ready to be written, as soon as there is a whole one.
    pub(crate) fn whole(&mut self, part_bytes: usize) -> Option<Bytes> {
        match self {
            Self::Plain(part) => (part.len() == part_bytes).then(|| part.split().freeze()),
            Self::Sealed(sealer) => sealer.take(part_bytes),
        }
    }

    /// All that is left, at the end.
    pub(crate) fn rest(&mut self) -> Bytes {
        match std::mem::replace(self, Self::Plain(BytesMut::new())) {
            Self::Plain(part) => part.freeze(),
            Self::Sealed(sealer) => sealer.finish(),
        }
    }
}
