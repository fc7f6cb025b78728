//! The harness: the real binaries as processes, the services that they need,
//! and clients that speak to them. Every deployment has a database, a queue, a
//! store and ports of its own. There are no sleeps: a test waits on a state,
//! with a bound.
//!
//! Nothing here knows what is right; the tests do.

#![expect(clippy::missing_panics_doc, reason = "a harness tells by a panic that a test has failed")]

pub mod admitted;
pub mod alone;
pub mod balancer;
pub mod chaos;
pub mod client;
pub mod collector;
pub mod corpus;
pub mod dashboard;
pub mod elsewhere;
pub mod fleet;
pub mod flood;
pub mod io_errors;
pub mod job;
pub mod keyed;
pub mod kills;
pub mod ledger;
pub mod load;
pub mod numbers;
pub mod operator;
pub mod packets;
pub mod pair;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod redis;
pub mod s3;
pub mod sharing;
pub mod slow;
pub mod small_disk;
pub mod spent;
pub mod sql;
pub mod standalone;
pub mod stored;
pub mod strict;
pub mod sweeping;
pub mod truth;
pub mod until;
pub mod usage;
pub mod web;
pub mod webp;
