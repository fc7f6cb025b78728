//! The worker of heim-media: takes jobs from the queue, claims them from the
//! coordinator, has their pixels made by child processes, stores what they
//! made and registers it.
//!
//! A worker has the queue, the object store and the coordinator's URL. It has
//! no database and no lasting keys, and it never touches a decoder: only its
//! [`children`] do.

mod bench;
pub mod children;
mod config;
pub mod coordinator;
pub mod doctor;
pub mod files;
mod jobs;
mod lease;
mod listener;
mod load;
pub mod measures;
mod name;
mod report;
mod run;

pub use bench::Bench;
pub use children::{PIXEL_CHILD_ARG, pixel_child_main};
pub use config::{Credentials, DEFAULTS, PixelsConfig, Settings, WorkerConfig};
pub use listener::Listener;
pub use run::{WorkerError, run};
