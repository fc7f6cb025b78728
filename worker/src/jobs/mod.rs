//! What a worker does with a job, one file a kind.

mod account;
mod fetch;
pub(crate) mod transcode;
mod trouble;
