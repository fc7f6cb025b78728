//! Streaming out.

use crate::StoreError;
use bytes::Bytes;
use futures_util::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{GetResult, GetResultPayload};
use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::task::spawn_blocking;

const ATTEMPT: &str = "read an object";
/// `object_store` itself reads files by 8 KiB, each with a hop to another
/// thread: thirty times the hops.
const CHUNK_BYTES: u64 = 256 << 10;

/// An object, or a range of it, chunk by chunk. Nothing is read before it is
/// polled, and one chunk at a time is in memory.
pub struct Body {
    total: u64,
    range: Range<u64>,
    chunks: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl Body {
    pub(crate) fn new(found: GetResult) -> Self {
        let (total, range) = (found.meta.size, found.range);
        let chunks = match found.payload {
            GetResultPayload::File(file, _) => file_chunks(file, range.clone()).boxed(),
            GetResultPayload::Stream(chunks) => chunks.map_err(|error| StoreError::failed(ATTEMPT, error)).boxed(),
        };
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

fn file_chunks(file: File, range: Range<u64>) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::try_unfold((file, range), async |(file, range)| {
        if range.is_empty() {
            return Ok(None);
        }
        let read = spawn_blocking(move || read_chunk(file, range)).await;
        read.map_err(io::Error::from).flatten().map(Some).map_err(|error| StoreError::failed(ATTEMPT, error))
    })
}

/// Reads the first chunk of the range. A file that became shorter is an error:
/// its reader was promised more.
fn read_chunk(mut file: File, range: Range<u64>) -> io::Result<(Bytes, (File, Range<u64>))> {
    let bytes = CHUNK_BYTES.min(range.end - range.start);
    let mut chunk = Vec::new();
    file.seek(SeekFrom::Start(range.start))?;
    if (&file).take(bytes).read_to_end(&mut chunk)? as u64 != bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((chunk.into(), (file, range.start + bytes..range.end)))
}
