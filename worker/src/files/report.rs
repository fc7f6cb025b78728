//! What came of every file, for programs: JSON.

use crate::children::Spent;
use heim_common::{job::Reason, media::Description, spec::TranscodingSpec};
use serde::Serialize;
use std::time::Duration;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Of this program.
    version: &'static str,
    /// Of what makes the pixels.
    engine: u32,
    set: Vec<TranscodingSpec>,
    /// In the order in which they were given.
    inputs: Vec<Entry>,
    pub(super) total: Total,
}

/// One file.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) bytes: Option<u64>,
    /// Where all of its transcodings were made.
    pub(super) description: Option<Description>,
    /// Where they were not.
    pub(super) failure: Option<Failure>,
    pub(super) cost: Cost,
    /// What was made of it; all of these files are whole.
    pub(super) outputs: Vec<Made>,
}

/// Why a file has not all of its transcodings.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    /// In the fleet's words.
    pub(super) reason: Reason,
    /// For people.
    pub(super) detail: String,
}

/// What its pixels took of the child that made them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Cost {
    /// User and system time; not known of a child that died.
    cpu_ms: Option<f64>,
    /// Most bytes of memory at a time, with the child's own.
    memory_max: Option<u64>,
    /// From handing over to the last transcoding.
    wall_ms: f64,
}

/// A transcoding.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) content_type: &'static str,
    pub(super) bytes: u64,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Of all files.
#[derive(Debug, Serialize)]
pub(super) struct Total {
    inputs: usize,
    /// Refused for what they are.
    refused: usize,
    /// For another reason without all of their transcodings.
    failed: usize,
    outputs: usize,
    cpu_ms: f64,
    wall_ms: f64,
}

impl Report {
    pub(super) fn new(set: Vec<TranscodingSpec>, inputs: Vec<Entry>, wall: Duration) -> Self {
        let reasons = || inputs.iter().filter_map(|entry| entry.failure.as_ref()).map(|failure| failure.reason);
        let refused = reasons().filter(|&reason| is_refusal(reason)).count();
        let total = Total {
            inputs: inputs.len(),
            refused,
            failed: reasons().count() - refused,
            outputs: inputs.iter().map(|entry| entry.outputs.len()).sum(),
            cpu_ms: inputs.iter().filter_map(|entry| entry.cost.cpu_ms).sum(),
            wall_ms: millis(wall),
        };
        Self { version: env!("CARGO_PKG_VERSION"), engine: heim_pixels::ENGINE_VERSION, set, inputs, total }
    }

    pub(super) fn json(&self) -> String {
        // Text, numbers and lists: there is nothing in it that JSON has not.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Cost {
    pub(super) fn new(spent: Option<Spent>, wall: Duration) -> Self {
        let cpu_ms = spent.map(|spent| millis(spent.cpu));
        Self { cpu_ms, memory_max: spent.map(|spent| spent.memory_max), wall_ms: millis(wall) }
    }
}

impl Total {
    /// Whether nothing happened that is not as it should be.
    pub(super) fn is_well(&self, refusals_ok: bool) -> bool {
        self.failed == 0 && (refusals_ok || self.refused == 0)
    }
}

/// Whether a reason speaks of the file, and of nothing else.
fn is_refusal(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TooLarge | Reason::UnsupportedType | Reason::Damaged | Reason::TooManyPixels | Reason::TooCostly
    )
}

/// To the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
