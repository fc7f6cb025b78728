//! What can go wrong with the transport.

use heim_common::job::Lane;
use std::error::Error;

/// A failure of the transport. No id is lost by it: the database has them all.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// `queue.url` is not one that can be used.
    #[error("queue.url: memory:, redis://host or redis+unix:///path expected")]
    Url(#[source] Option<Box<dyn Error + Send + Sync>>),
    /// Redis would drop what waits in it.
    #[error(
        "Redis may evict waiting jobs, because its maxmemory-policy is {policy}: \
         set `maxmemory-policy noeviction` in its configuration"
    )]
    Evicts {
        /// The policy that it has.
        policy: String,
    },
    /// A lane would starve.
    #[error("queue.weights: interactive and bulk must be at least 1, and none may be more than {0}")]
    Weights(u16),
    /// The lane of the in-process transport is full: what waits in the
    /// database must wait there a little longer.
    #[error("the lane {} is full", .0.as_str())]
    Full(Lane),
    /// Redis did not answer in time. It may have done what it was asked.
    #[error("Redis did not answer in time to {attempt}")]
    TimedOut {
        /// What was attempted, as a verb and its object.
        attempt: &'static str,
    },
    /// Redis refused, or could not be reached.
    #[error("Redis failed to {attempt}")]
    Redis {
        /// What was attempted, as a verb and its object.
        attempt: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A job or an event could not be put into JSON.
    #[error("encode what is to be sent")]
    Encode(#[source] serde_json::Error),
    /// The loop that runs handlers ended by itself.
    #[error("the worker's loop ended")]
    Worker(#[source] Box<dyn Error + Send + Sync>),
}
