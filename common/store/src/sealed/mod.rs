//! Encryption at rest: the form of an encrypted object, and how it is written
//! and read. It knows no rooms and keeps no keys; whoever reads or writes a
//! media object brings its [`ObjectSecret`](heim_common::ObjectSecret).
//!
//! # The form
//! ```text
//! offset  bytes
//!      0      8  "HEIMENC1": what it is, and the version of this form
//!      8     32  salt, random, drawn anew for every write
//!     40  65552  chunk 0: 65536 bytes of ciphertext, 16 bytes of tag
//!  65592  65552  chunk 1
//!      …         …
//!                last chunk: 1 to 65536 bytes of ciphertext, 16 bytes of tag;
//!                in an empty object the only chunk, with no ciphertext
//! ```
//! * The file's key is HKDF-SHA256 (RFC 5869) of the object's secret, with the
//!   salt of the header and the info `heim-media file v1`.
//! * Each chunk is sealed with AES-256-GCM (NIST SP 800-38D) under that key.
//! * The nonce is the chunk's number in 64 bits, big-endian, three zero bytes,
//!   and 1 in the last chunk, 0 in all others. This is the STREAM construction
//!   (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and
//!   its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), whose prefix can be
//!   constant here, since no two files have the same key.
//! * The associated data is the object's key in the store, as text.
//!
//! # Why no nonce comes twice
//! Under one key, a chunk's number and its last flag would have to come twice.
//! A [`Sealer`] numbers its chunks from 0, each once, and ends with the last
//! one. Another file, be it another object, another transcoding of it, or a
//! second run of the same write, has another 256-bit salt and so another key.
//! The salt is drawn inside of this crate and cannot be handed in from outside.
//! One key seals at most as many blocks as one file has, far below the bounds
//! of SP 800-38D.
//!
//! # What is found out
//! Every chunk's place and whether it is the last are in its nonce, its file is
//! in its key, its object in the associated data. So a changed byte, a chunk
//! that was moved, doubled or left out, one of another file, a file moved to
//! another key, a cut and an extension all fail to open. How many chunks there
//! are is taken from the file's size: where that lies, the chunk that now
//! stands last was not sealed as the last.
//!
//! A range opens the chunks that it touches and no other, so what it gives out
//! is true, but the total size that it tells is the file's word alone, until
//! the last chunk is opened. Who has the size in a row should compare.

mod file_key;
mod format;
mod open;
mod read;
mod seal;

pub(crate) use read::read;
pub(crate) use seal::{Sealer, seal};

/// Bytes of the plaintext in a file of so many bytes; `None` where no encrypted
/// object is of that size.
pub(crate) fn plaintext_bytes(stored: u64) -> Option<u64> {
    format::Layout::of_stored(stored).map(|layout| layout.size())
}
