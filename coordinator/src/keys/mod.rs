//! The keys of private rooms: a master key wraps each room's keys, a room's
//! current key wraps a secret for each media object and seals messages, and an
//! object's secret is what its files and its placeholder are encrypted with.
//!
//! ```text
//! master ──wraps──▶ room key ──wraps──▶ object secret ──▶ files (heim-store), placeholder
//!                        └──seals──▶ messages, and keys the digest of originals
//! ```
//! Opened keys are in memory only, for a minute or little more.

mod config;
mod keyring;
mod master;
mod room_key;
pub(crate) mod seal;

pub(crate) use config::one_or_many;
pub use config::{InvalidKeys, KeysConfig};
pub(crate) use keyring::{KeyError, Keyring};
pub use master::InvalidMaster;
pub(crate) use master::{Kms, KmsError, LocalMaster};
pub(crate) use room_key::{HEAD_BYTES_MAX, RoomKey, open_color, open_placeholder, seal_color, seal_placeholder};
