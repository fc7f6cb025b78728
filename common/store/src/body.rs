//! Streaming out.

use crate::{
    StoreError,
    stored::{self, Chunks},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::{GetResult, GetResultPayload};
use std::{
    fmt,
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

/// An object, or a range of it, chunk by chunk. Nothing is read before it is
/// polled, save the first chunks of an encrypted object; two chunks of 256 KiB
/// at most are in memory then.
pub struct Body {
    total: u64,
    range: Range<u64>,
    chunks: Chunks,
}

impl Body {
    /// An object that is stored as it is.
    pub(crate) fn plain(found: GetResult) -> Self {
        let (total, range) = (found.meta.size, found.range);
        let chunks = match found.payload {
            GetResultPayload::File(file, _) => stored::of_file(file, range.clone()),
            GetResultPayload::Stream(chunks) => stored::sent(chunks),
        };
        Self { total, range, chunks }
    }

    /// Plaintext that comes from elsewhere.
    pub(crate) fn new(total: u64, range: Range<u64>, chunks: Chunks) -> Self {
        Self { total, range, chunks }
    }

    /// Bytes of the whole object, whatever range was asked for.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The bytes that will come: what was asked for, cut to what is there.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("total", &self.total).field("range", &self.range).finish_non_exhaustive()
    }
}

impl Stream for Body {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_next_unpin(cx)
    }
}
