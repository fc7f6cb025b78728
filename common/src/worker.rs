//! Workers, as operators steer them.

use crate::{job::words, media::UnknownWord};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What a worker does, and what is wanted of it. A word of a later release reads as
/// [`Self::Running`], which harms nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerState {
    /// Takes none until it is resumed; what it holds goes on.
    Paused,
    /// Takes none any more, and ends when what it holds is done.
    Draining,
    /// Has ended.
    Stopped,
    /// Takes jobs.
    #[default]
    #[serde(other)]
    Running,
}

words!(WorkerState:
    "paused" = Paused,
    "draining" = Draining,
    "stopped" = Stopped,
    "running" = Running,
);
