//! The database of heim-media: the truth about rooms, messages, media objects
//! and jobs. Domain values go in and come out; rows stay inside, and no other
//! crate names the database's library.
//!
//! `SQLite` and PostgreSQL pass the same tests. Leases are judged by the
//! database's clock. Whatever is announced was committed before: methods return
//! the numbers of the events that they committed, and callers announce them.
//!
//! Where one transaction locks several rows, media objects come first, in the
//! order of their ids, then jobs: so no two of them wait for each other.

mod attempt;
mod cause;
mod claim;
mod clock;
mod column;
mod config;
mod database;
mod dispatch;
mod entity;
mod error;
mod event;
mod job_row;
mod lock;
mod media;
mod media_row;
mod message;
mod message_send;
mod registration;
mod room;
mod session;
mod snapshot;
mod sweep;
mod transaction;
mod upload;
mod worker_number;

pub use attempt::{Finished, GivenUp, Reaped, Rest};
pub use cause::Cause;
pub use claim::Claim;
pub use config::DatabaseConfig;
pub use database::Database;
pub use dispatch::JobCounts;
pub use error::DbError;
pub use event::EventRow;
pub use media::{Created, NewMedia, UploadSlot};
pub use message::{LOG_MAX, Message, MessageRow};
pub use message_send::{NewMessage, Sent};
pub use registration::{Registered, Registration};
pub use sweep::Expired;
pub use upload::{UploadOutcome, Uploaded};
