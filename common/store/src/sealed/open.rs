//! Encrypted object in, plaintext out, chunk by chunk and without I/O.

use super::{
    file_key::FileKey,
    format::{CHUNK_BYTES, Layout, TAG_BYTES},
};
use crate::StoreError;
use bytes::{Bytes, BytesMut};
use std::ops::Range;

/// Decrypts the chunks that hold a range, in order.
pub(super) struct Opener {
    key: FileKey,
    layout: Layout,
    /// What is wanted of the plaintext.
    range: Range<u64>,
    /// The chunks that are to come.
    chunks: Range<u64>,
    /// What is there of them.
    stored: BytesMut,
}

impl Opener {
    pub(super) fn new(key: FileKey, layout: Layout, range: Range<u64>) -> Self {
        let chunks = Layout::chunks_of(&range);
        Self { key, layout, range, chunks, stored: BytesMut::new() }
    }

    /// Where in the file all is that it needs.
    pub(super) fn needs(&self) -> Range<u64> {
        self.layout.stored_range(&self.chunks)
    }

    /// Where in the file the next chunks are, so many of them at most.
    pub(super) fn needs_next(&self, chunks: u64) -> Range<u64> {
        self.layout.stored_range(&(self.chunks.start..self.chunks.end.min(self.chunks.start + chunks)))
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_done(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Takes bytes of the file, in order and in any pieces, and gives the
    /// plaintext that can be had now. After an error nothing comes any more.
    pub(super) fn open(&mut self, stored: Bytes) -> Vec<Result<Bytes, StoreError>> {
        if self.stored.is_empty() {
            // No copy, where the bytes are nobody else's.
            self.stored = stored.try_into_mut().unwrap_or_else(BytesMut::from);
        } else {
            self.stored.extend_from_slice(&stored);
        }
        let mut opened = Vec::new();
        while !self.is_done() && self.stored.len() >= self.layout.sealed_bytes(self.chunks.start) {
            match self.open_next() {
                // Only an empty object has an empty chunk.
                Ok(chunk) if chunk.is_empty() => {}
                Ok(chunk) => opened.push(Ok(chunk)),
                Err(error) => {
                    self.chunks = 0..0;
                    opened.push(Err(error));
                }
            }
        }
        opened
    }

    fn open_next(&mut self) -> Result<Bytes, StoreError> {
        let index = self.chunks.start;
        let sealed = self.layout.sealed_bytes(index);
        let mut chunk = self.stored.split_to(sealed);
        self.key.open(index, self.layout.is_last(index), &mut chunk)?;
        self.chunks.start += 1;
        chunk.truncate(sealed - TAG_BYTES);
        let before = index * CHUNK_BYTES as u64;
        let place = |at: u64| usize::try_from(at.saturating_sub(before)).map_or(chunk.len(), |at| at.min(chunk.len()));
        let wanted = place(self.range.start)..place(self.range.end);
        Ok(chunk.freeze().slice(wanted))
    }
}
