//! What every process of heim-media must agree on, and what can be tested
//! without a runtime: ids, limits, error codes, retry arithmetic, object keys,
//! the vocabulary of media and jobs, and the wire types.
//!
//! This crate does no I/O, reads no clock and draws no random numbers. What
//! only one process needs belongs to that process.

mod animation;
pub mod header;
pub mod id;
pub mod job;
pub mod key;
pub mod limits;
pub mod media;
pub mod problem;
pub mod retry;
pub mod room;
pub mod room_event;
pub mod secret;
pub mod session;
pub mod spec;
pub mod time;
pub mod trace;
pub mod wire;
pub mod worker;

pub use id::{EditId, JobId, MediaId, MessageId, RoomKeyId, Snowflake};
pub use job::JobRef;
pub use room::RoomName;
pub use secret::ObjectSecret;
pub use session::{SessionId, UserId};
pub use time::Millis;
pub use trace::Trace;
