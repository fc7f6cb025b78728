//! The bytes of an object as they are in the store, chunk by chunk.

use crate::StoreError;
use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};
use tokio::task::{JoinHandle, spawn_blocking};

pub(crate) const ATTEMPT: &str = "read an object";

/// How much of a file is read at a time. Two of these are in memory for each
/// reader.
const HOP_BYTES: u64 = 256 << 10;

/// Parts of an object, each the bytes that follow the one before, or an error.
pub(crate) type Chunks = BoxStream<'static, Result<Bytes, StoreError>>;

/// What another machine sends.
pub(crate) fn sent(chunks: BoxStream<'static, object_store::Result<Bytes>>) -> Chunks {
    chunks.map_err(|error| StoreError::failed(ATTEMPT, error)).boxed()
}

/// A range of a file. `object_store` itself reads files by 8 KiB, each with a
/// hop to another thread: thirty times the hops.
pub(crate) fn of_file(file: File, range: Range<u64>) -> Chunks {
    if range.is_empty() {
        return stream::empty().boxed();
    }
    ahead((file, range), |(mut file, range)| {
        let end = range.end.min(range.start + HOP_BYTES);
        match read_file(&mut file, range.start..end) {
            Ok(chunk) => (vec![Ok(chunk.into())], (end < range.end).then_some((file, end..range.end))),
            Err(error) => (vec![Err(error)], None),
        }
    })
}

/// Gives out what `hop` reads, until it says that there is nothing to come.
/// Hops are made on threads that may wait for the disk, and one is made ahead,
/// while what the one before it has read is on its way to the client.
pub(crate) fn ahead<S: Send + 'static>(state: S, hop: impl Fn(S) -> Hop<S> + Copy + Send + 'static) -> Chunks {
    let begin = move |state| spawn_blocking(move || hop(state));
    let hops = stream::try_unfold(Next::Idle(state), move |next| async move {
        let running = match next {
            Next::Idle(state) => begin(state),
            Next::Running(running) => running,
            Next::None => return Ok(None),
        };
        let (chunks, state) = running.await.map_err(|error| StoreError::failed(ATTEMPT, error))?;
        Ok(Some((stream::iter(chunks), state.map_or(Next::None, |state| Next::Running(begin(state))))))
    });
    hops.try_flatten().boxed()
}

/// What a hop gives: bytes, or the error that is the end, and how to go on.
pub(crate) type Hop<S> = (Vec<Result<Bytes, StoreError>>, Option<S>);

/// The hop that comes next. The first is not made before somebody asks.
enum Next<S> {
    Idle(S),
    Running(JoinHandle<Hop<S>>),
    None,
}

/// Reads all of the range. A file that became shorter is an error: its reader
/// was promised more.
pub(crate) fn read_file(file: &mut File, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
    let mut read = || {
        let bytes = range.end - range.start;
        let mut chunk = Vec::with_capacity(usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?);
        file.seek(SeekFrom::Start(range.start))?;
        if file.take(bytes).read_to_end(&mut chunk)? as u64 == bytes {
            Ok(chunk)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    };
    read().map_err(|error: io::Error| StoreError::failed(ATTEMPT, error))
}

/// Runs what waits for the disk on a thread that may wait.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(|error| StoreError::failed(ATTEMPT, error)).flatten()
}
