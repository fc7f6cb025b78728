//! What a worker says of itself, every few seconds: `POST /store/workers`, with the
//! credentials of hooks. The answer is what the operator wants of it.
//!
//! A worker that never calls it works all the same, and so does one whose coordinator
//! does not know the call.

use crate::{JobId, Millis, worker::WorkerState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// "This is how I am."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// The worker's name, as in its claims.
    pub worker: String,
    /// The version of its program.
    #[serde(default)]
    pub version: String,
    /// The machine that it runs on.
    #[serde(default)]
    pub host: String,
    /// When it started, by its own clock.
    #[serde(default)]
    pub started: Millis,
    /// What it does about the wish that it last heard.
    #[serde(default)]
    pub state: WorkerState,
    /// Jobs that it may work on at a time.
    #[serde(default)]
    pub concurrency: u32,
    /// The jobs that it holds.
    #[serde(default)]
    pub jobs: Vec<JobId>,
    /// How each wall around its pixel children stands, in words.
    #[serde(default)]
    pub walls: BTreeMap<String, String>,
    /// CPU time of the worker and its children since its last report, in percent
    /// of one core.
    #[serde(default)]
    pub cpu_percent: u32,
    /// Memory that its children take, in bytes.
    #[serde(default)]
    pub child_memory_bytes: u64,
}

/// "This is what is wanted of you": 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerOrders {
    /// What.
    #[serde(default)]
    pub wish: WorkerState,
    /// After how long it is to report again, in milliseconds.
    #[serde(default = "report_default")]
    pub report_ms: u64,
}

fn report_default() -> u64 {
    2_000
}

/// What a worker tells of an attempt beside its verdict: for operators, nothing
/// depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What went wrong, with its causes. Nothing of what is in a private picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What each stage took, in milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stages_ms: BTreeMap<String, u64>,
}

impl Account {
    /// Whether it tells nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.error.is_none() && self.stages_ms.is_empty()
    }
}
