//! The failure modes, one test each by its number: `f1_…`, `f2_…`. What each is
//! about, what must happen, and which have no test yet is in
//! `docs/failure-modes.md`.

mod altered;
mod bad_disk;
mod database;
mod deletions;
mod deploy;
mod flipped;
mod hook_refuser;
mod hooks;
mod killed_anywhere;
mod limits;
mod names;
mod orphans;
mod readiness;
mod redis;
mod slow_crowd;
mod slow_readers;
mod sockets;
mod store;
mod store_keys;
mod uploads;
mod worker;
