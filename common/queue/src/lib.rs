//! The transport: brings job ids from coordinators to workers, and room events
//! from coordinator to coordinator. The only crate that names `apalis` and
//! `redis`.
//!
//! Nothing in here is the truth. The database holds every job and every event;
//! what the transport loses (a crash, an emptied Redis) a sweep dispatches
//! again or a listener heals, so it costs time and never work. Hence there are
//! no acknowledgements, no in-flight lists and no retries here: a job is
//! claimed in the database.
//!
//! Two transports, chosen by `queue.url`: in process (`memory:`) and Redis.

mod config;
mod error;
mod examine;
mod figures;
mod gate;
mod in_process;
mod over_redis;
mod queue;
mod subscription;
mod wheel;
mod worker;

pub use config::QueueConfig;
pub use error::QueueError;
pub use examine::examine;
pub use figures::{QueueFigures, RedisFigures};
pub use gate::Gate;
pub use over_redis::{Kept, Saving};
pub use queue::Queue;
pub use subscription::{Heard, Subscription};
pub use wheel::LaneWeights;
pub use worker::{work, work_while_open};
