//! Plaintext in, encrypted object out, chunk by chunk and without I/O.

use super::{
    file_key::FileKey,
    format::{CHUNK_BYTES, SALT_BYTES, TAG_BYTES, header, stored_bytes},
};
use bytes::{Bytes, BytesMut};
use heim_common::ObjectSecret;

/// Encrypts an object as it comes. What can be taken out of it is ciphertext.
pub(crate) struct Sealer {
    key: FileKey,
    /// What is sealed and was not taken yet, then the chunk that is open.
    buffer: BytesMut,
    /// Where the open chunk begins. Before it, there is no plaintext.
    sealed: usize,
    /// The number of the open chunk.
    index: u64,
}

impl Sealer {
    /// The salt must be fresh: nothing else may have been sealed with it.
    pub(crate) fn new(secret: &ObjectSecret, salt: &[u8; SALT_BYTES], object: &str) -> Self {
        let header = header(salt);
        let key = FileKey::derive(secret, salt, object);
        Self { key, buffer: BytesMut::from(&header[..]), sealed: header.len(), index: 0 }
    }

    /// Takes as much of the plaintext as the open chunk has room for, and says
    /// how much that was: something, unless there was nothing.
    pub(crate) fn append(&mut self, plaintext: &[u8]) -> usize {
        // A full chunk stays open until there is more: only then it is known
        // not to be the last.
        if self.open() == CHUNK_BYTES && !plaintext.is_empty() {
            self.close(false);
        }
        let taken = plaintext.len().min(CHUNK_BYTES - self.open());
        self.buffer.extend_from_slice(&plaintext[..taken]);
        taken
    }

    /// Takes out exactly so many bytes of ciphertext, if there are as many.
    pub(crate) fn take(&mut self, bytes: usize) -> Option<Bytes> {
        let left = self.sealed.checked_sub(bytes)?;
        self.sealed = left;
        Some(self.buffer.split_to(bytes).freeze())
    }

    /// Seals the last chunk, and gives all that was not taken yet.
    pub(crate) fn finish(mut self) -> Bytes {
        self.close(true);
        self.buffer.freeze()
    }

    fn open(&self) -> usize {
        self.buffer.len() - self.sealed
    }

    fn close(&mut self, is_last: bool) {
        let tag: [u8; TAG_BYTES] = self.key.seal(self.index, is_last, &mut self.buffer[self.sealed..]);
        self.buffer.extend_from_slice(&tag);
        self.sealed = self.buffer.len();
        self.index += 1;
    }
}

/// Encrypts a whole object.
pub(crate) fn seal(secret: &ObjectSecret, salt: &[u8; SALT_BYTES], object: &str, plaintext: &[u8]) -> Bytes {
    let mut sealer = Sealer::new(secret, salt, object);
    sealer.buffer.reserve(stored_bytes(plaintext.len()) - sealer.buffer.len());
    let mut rest = plaintext;
    while !rest.is_empty() {
        rest = &rest[sealer.append(rest)..];
    }
    sealer.finish()
}

/// The form is for ever: what it gives was computed by another implementation
/// (`cryptography` for Python, over OpenSSL).
#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::{SHA256, digest};
    use std::array;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn sealed(plaintext: &[u8]) -> Bytes {
        let secret = ObjectSecret::new(array::from_fn(|at| u8::try_from(at).unwrap()));
        let salt = array::from_fn(|at| 100 + u8::try_from(at).unwrap());
        seal(&secret, &salt, "media/0c1ofy/0c1ofy7941g5c/thumb-320.v1", plaintext)
    }

    #[test]
    fn an_empty_and_a_short_object_are_as_they_always_were() {
        let header = "4845494d454e43316465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283";
        assert_eq!(sealed(b""), bytes(&format!("{header}e725659a6951e112a306485a98be0f9f")));
        assert_eq!(sealed(b"heim"), bytes(&format!("{header}3ad98746cb78666994fc2644db5fb28a37827a80")));
    }

    #[test]
    fn an_object_of_three_chunks_is_as_it_always_was() {
        let plaintext: Vec<u8> = (0..=250).cycle().take(2 * CHUNK_BYTES + 5).collect();
        let file = sealed(&plaintext);
        let known = "a0729f123a20c1bdf34de1d60cdba1d5ba5fdb3674eeb3966df55b9423035d1f";
        assert_eq!((file.len(), digest(&SHA256, &file).as_ref()), (131_165, &bytes(known)[..]));
    }

    #[test]
    fn what_can_be_taken_out_is_ciphertext() {
        let secret = ObjectSecret::new([7; 32]);
        let mut sealer = Sealer::new(&secret, &[9; SALT_BYTES], "a");
        assert_eq!(sealer.append(&[b'x'; 100]), 100);
        assert_eq!(sealer.append(&vec![b'x'; CHUNK_BYTES]), CHUNK_BYTES - 100);
        assert_eq!(sealer.append(b""), 0);
        // The chunk is full, but may be the last.
        assert!(sealer.take(41).is_none());
        assert_eq!(sealer.append(b"x"), 1);
        let taken = sealer.take(40 + CHUNK_BYTES + TAG_BYTES).unwrap();
        assert!(sealer.take(1).is_none());
        assert!(!taken.windows(8).any(|window| window == b"xxxxxxxx"));
        assert_eq!(sealer.finish().len(), 1 + TAG_BYTES);
    }
}
