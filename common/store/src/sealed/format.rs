//! The arithmetic of the form: sizes, offsets, header and nonces. No keys.

use std::ops::Range;

/// What an encrypted object begins with: its last digit is the form's version.
const MAGIC: [u8; 8] = *b"HEIMENC1";
pub(super) const SALT_BYTES: usize = 32;
pub(super) const HEADER_BYTES: usize = MAGIC.len() + SALT_BYTES;
/// Plaintext of a chunk. Small, because a range that wants one byte of it has
/// to open all of it; large, because each costs a tag and a call.
pub(super) const CHUNK_BYTES: usize = 64 << 10;
pub(super) const TAG_BYTES: usize = 16;
pub(super) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

pub(super) fn header(salt: &[u8; SALT_BYTES]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    header[MAGIC.len()..].copy_from_slice(salt);
    header
}

/// The salt of a header; `None` where it is none of this version.
pub(super) fn salt(header: &[u8]) -> Option<[u8; SALT_BYTES]> {
    header.strip_prefix(&MAGIC)?.try_into().ok()
}

pub(super) fn nonce(index: u64, is_last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(is_last);
    nonce
}

/// The chunks of an object, as far as its size tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    size: u64,
    chunks: u64,
}

impl Layout {
    /// The layout of a file of so many bytes; `None` where no encrypted object
    /// is of that size.
    pub(super) fn of_stored(stored: u64) -> Option<Self> {
        let (sealed, tag) = (SEALED_CHUNK_BYTES as u64, TAG_BYTES as u64);
        let chunked = stored.checked_sub(HEADER_BYTES as u64)?;
        let chunks = chunked.div_ceil(sealed);
        let end = chunked.checked_sub(chunks.checked_sub(1)? * sealed)?;
        // Only the one chunk of an empty object is empty.
        (end > tag || (end == tag && chunks == 1)).then(|| Self { size: chunked - chunks * tag, chunks })
    }

    /// Bytes of the plaintext.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn is_last(&self, index: u64) -> bool {
        index + 1 == self.chunks
    }

    /// Bytes of a chunk with its tag.
    pub(super) fn sealed_bytes(&self, index: u64) -> usize {
        if self.is_last(index) {
            let before = index * CHUNK_BYTES as u64;
            usize::try_from(self.size - before).expect("a chunk has 64 KiB at most") + TAG_BYTES
        } else {
            SEALED_CHUNK_BYTES
        }
    }

    /// The chunks that hold this range of the plaintext: at least one.
    pub(super) fn chunks_of(range: &Range<u64>) -> Range<u64> {
        let chunk = CHUNK_BYTES as u64;
        let first = range.start / chunk;
        first..range.end.div_ceil(chunk).max(first + 1)
    }

    /// Where these chunks are in the file.
    pub(super) fn stored_range(&self, chunks: &Range<u64>) -> Range<u64> {
        let at = |index: u64| HEADER_BYTES as u64 + index * SEALED_CHUNK_BYTES as u64;
        at(chunks.start)..at(chunks.end).min(HEADER_BYTES as u64 + self.size + self.chunks * TAG_BYTES as u64)
    }
}

/// Bytes of the file of a plaintext of so many bytes.
pub(super) fn stored_bytes(size: usize) -> usize {
    HEADER_BYTES + size + size.div_ceil(CHUNK_BYTES).max(1) * TAG_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_one_layout_and_other_sizes_have_none() {
        let mut next = 0;
        for size in 0..3 * CHUNK_BYTES + 2 {
            let stored = stored_bytes(size);
            for none in next..stored {
                assert_eq!(Layout::of_stored(none as u64), None, "{none}");
            }
            let layout = Layout::of_stored(stored as u64).unwrap();
            assert_eq!((layout.size(), layout.chunks), (size as u64, size.div_ceil(CHUNK_BYTES).max(1) as u64));
            assert_eq!(layout.stored_range(&(0..layout.chunks)), HEADER_BYTES as u64..stored as u64);
            next = stored + 1;
        }
        assert!(Layout::of_stored(u64::MAX).is_some_and(|layout| layout.size() < u64::MAX));
    }

    #[test]
    fn a_range_takes_the_chunks_that_it_touches() {
        let layout = Layout::of_stored(stored_bytes(2 * CHUNK_BYTES + 5) as u64).unwrap();
        let chunk = CHUNK_BYTES as u64;
        for (range, chunks) in [
            (0..1, 0..1),
            (chunk - 1..chunk, 0..1),
            (chunk - 1..chunk + 1, 0..2),
            (chunk..2 * chunk, 1..2),
            (2 * chunk + 4..2 * chunk + 5, 2..3),
            (0..2 * chunk + 5, 0..3),
        ] {
            assert_eq!(Layout::chunks_of(&range), chunks, "{range:?}");
        }
        assert_eq!(layout.stored_range(&(1..2)), 65_592..131_144);
        assert_eq!(layout.stored_range(&(2..3)), 131_144..131_165);
        let empty = Layout::of_stored(56).unwrap();
        assert_eq!((Layout::chunks_of(&(0..0)), empty.stored_range(&(0..1))), (0..1, 40..56));
    }

    #[test]
    fn nonces_hold_the_place_and_the_end() {
        assert_eq!(nonce(0, false), [0; 12]);
        assert_eq!(nonce(0x0102, true), [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1]);
        assert_eq!(salt(&header(&[7; SALT_BYTES])), Some([7; SALT_BYTES]));
        assert_eq!(salt(b"HEIMENC2................................"), None);
        assert_eq!(salt(b"HEIMENC1"), None);
    }
}
