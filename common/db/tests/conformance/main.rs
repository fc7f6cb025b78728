//! The promises of heim-db, kept on `SQLite` and PostgreSQL alike: every test
//! runs on both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends by a panic")]

mod closing;
mod days;
mod dispatch;
mod edits;
mod events;
mod fetch;
mod given;
mod history;
mod jobs;
mod keys;
mod lifecycle;
mod media;
mod messages;
mod operators;
mod outage;
mod place;
#[expect(unreachable_pub, reason = "a module of the harness crate, shared by its file: that crate depends on this one")]
#[path = "../../../../tests/src/ports.rs"]
mod ports;
#[expect(
    unreachable_pub,
    dead_code,
    reason = "a module of the harness crate, shared by its file: that crate depends on this one"
)]
#[path = "../../../../tests/src/postgres.rs"]
mod postgres;
mod private;
mod purging;
mod quotas;
mod registration;
mod retention;
mod rewrap;
mod rooms;
mod steering;
mod strays;
mod sweep;
mod upgrade;
mod verdicts;
mod views;
mod worker_numbers;
