//! Encrypted objects, seen by somebody who holds the disk: nothing can be read
//! from it, and nothing that was changed on it is ever given out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_rest;
mod disk;
mod moved;
mod tampering;
