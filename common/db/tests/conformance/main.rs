//! The promises of heim-db, kept on `SQLite` and PostgreSQL alike: every test
//! runs on both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends by a panic")]

mod dispatch;
mod events;
mod given;
mod jobs;
mod lifecycle;
mod media;
mod messages;
mod outage;
mod place;
#[expect(unreachable_pub, reason = "a module of the harness crate, shared by its file: that crate depends on this one")]
#[path = "../../../../tests/src/postgres.rs"]
mod postgres;
mod registration;
mod rooms;
mod sweep;
mod verdicts;
mod worker_numbers;
