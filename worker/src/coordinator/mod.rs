//! The worker's side of its coordinator's HTTP interface: claim, heartbeat,
//! finish, and the hook `transcoded`.
//!
//! It speaks and sorts the answers. Whether a call is made again, and for how
//! long, is for [`Persistence`] and its callers to say.

mod address;
mod client;
mod error;
mod persistence;

pub use address::{InvalidAddress, parse};
pub use client::{Coordinator, Fence};
pub use error::CallError;
pub use persistence::Persistence;
