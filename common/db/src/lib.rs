//! The database of heim-media: the truth about rooms, messages, media objects
//! and jobs. Domain values go in and come out; rows stay inside, and no other
//! crate names the database's library.
//!
//! `SQLite` and PostgreSQL pass the same tests. Leases are judged by the
//! database's clock. Whatever is announced was committed before: methods return
//! the numbers of the events that they committed, and callers announce them.
//!
//! Where one transaction locks several rows, the room comes first, then media
//! objects in the order of their ids, then messages, then jobs: so no two of
//! them wait for each other. Whoever puts something into a room shares the
//! room's row until the commit, so that a new passcode or the room's deletion
//! comes before all of it or after.
//!
//! The number of the newest event about a media object is part of its view: a
//! view holds what was told up to there and nothing that is told later.

mod attempt;
mod audit;
mod backlog;
mod cause;
mod claim;
mod clock;
mod column;
mod config;
mod content;
mod database;
mod days;
mod departure;
mod dispatch;
mod doubt;
mod entity;
mod error;
mod event;
mod fetch;
mod figures;
mod history;
mod inventory;
mod job_list;
mod job_row;
mod job_trim;
mod lane;
mod lock;
mod lost;
mod media;
mod media_row;
mod message;
mod message_edit;
mod message_send;
mod purge;
mod quota;
mod registration;
mod retention;
mod rewrap;
mod room;
mod room_change;
mod room_key;
mod room_manager;
mod room_sweep;
mod session;
mod session_mend;
mod snapshot;
mod steer;
mod stray;
mod sweep;
mod transaction;
mod upload;
mod usage;
mod worker;
mod worker_number;

pub use attempt::{Finished, GivenUp, Pause, Reaped};
pub use audit::{Act, AuditRow};
pub use backlog::{Backlog, COUNTED_MAX};
pub use cause::Cause;
pub use claim::{Claim, Claimed};
pub use config::DatabaseConfig;
pub use content::{Content, Rest, SealedContent};
pub use database::{Database, Server};
pub use days::{DAYS_MAX, LaneDay};
pub use dispatch::{Choice, Cursors, JobCounts};
pub use error::DbError;
pub use event::EventRow;
pub use fetch::{Fetch, Shown};
pub use figures::{LaneDepth, LaneFigures, Quantiles};
pub use inventory::{Holding, MediaCounts};
pub use job_list::{AttemptRow, JobFilter, JobHistory, JobRow};
pub use lost::{Named, Remedy};
pub use media::{Created, NewMedia, UploadSlot};
pub use message::{EditRow, LOG_MAX, Message, MessageRow};
pub use message_edit::{Deleted, Edited, MessageEdit};
pub use message_send::{NewMessage, Sent};
pub use purge::{Doomed, Purged, Whose, Withdrawn};
pub use quota::{QuotaExceeded, Quotas};
pub use registration::{Described, Registered, Registration};
pub use room::{Room, RoomCreated};
pub use room_key::{NewRoomKey, RoomKeyRow};
pub use session_mend::Mended;
pub use steer::{Discarded, Forgotten, Retried};
pub use stray::{StrayKind, StrayRow};
pub use sweep::Expired;
pub use upload::{UploadOutcome, Uploaded};
pub use usage::{Usage, UsageBy};
pub use worker::WorkerRow;
