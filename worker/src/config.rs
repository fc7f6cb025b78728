//! The sections `worker`, `pixels` and `hooks` of the configuration, and the sections
//! that the binary reads.

use heim_pixels::{DECODED_BYTES_MAX, Decoders, SCANS_MAX};
use heim_queue::QueueConfig;
use heim_runtime::{Secret, telemetry::LogConfig, traces::TracesConfig};
use heim_store::StoreConfig;
use serde::{Deserialize, Serialize};
use std::{num::NonZeroUsize, time::Duration};

/// The commented defaults of every section that `heim-worker` reads.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// All that `heim-worker` reads. Sections of other processes are not looked at,
/// so that one file and one environment can serve them all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Where jobs come from.
    pub queue: QueueConfig,
    /// Where bytes are.
    pub store: StoreConfig,
    /// How it works.
    pub worker: WorkerConfig,
    /// What is around its pixel children.
    #[serde(default)]
    pub pixels: PixelsConfig,
    /// Who it is to the coordinator.
    pub hooks: Credentials,
    /// What it says.
    pub log: LogConfig,
    /// Where spans are sent.
    #[serde(default)]
    pub traces: TracesConfig,
}

/// The section `worker`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Where the coordinator is.
    pub coordinator_url: String,
    /// Whether the coordinator may be another machine without TLS.
    pub allow_plain_http: bool,
    /// Jobs at a time, and pixel children; 0 for one a core.
    pub concurrency: usize,
    /// The name in logs and rows. Each start has one of its own if none is given.
    pub name: Option<String>,
    /// Where it tells how it is: `/healthz`, `/readyz` and `/metrics`. Empty:
    /// nowhere.
    pub listen: String,
    /// How long a stop may take, in milliseconds: running jobs go on until two
    /// seconds before its end, and are handed back in these.
    pub grace_ms: u64,
    /// Files after which a pixel child is replaced by a fresh one.
    pub files_per_child: u32,
    /// Largest original that is worked on, in bytes: each job holds one in memory.
    pub original_bytes_max: u64,
    /// How long a coordinator that answers with faults is asked again before
    /// the job is handed back, in milliseconds.
    pub persistence_ms: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            coordinator_url: "http://127.0.0.1:8080".to_owned(),
            allow_plain_http: false,
            concurrency: 0,
            name: None,
            listen: String::new(),
            grace_ms: 20_000,
            files_per_child: 1000,
            original_bytes_max: 256 << 20,
            persistence_ms: 60_000,
        }
    }
}

impl WorkerConfig {
    /// Jobs at a time.
    #[must_use]
    pub fn slots(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        NonZeroUsize::new(self.concurrency).unwrap_or_else(cores)
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(crate) fn persistence(&self) -> Duration {
        Duration::from_millis(self.persistence_ms)
    }
}

/// The section `pixels`: what a pixel child may decode and use up, and whether it
/// must be walled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PixelsConfig {
    /// What is decoded. Files of other formats are kept as they are.
    pub decoders: Decoders,
    /// Whether a wall that this kernel does not have is an error at the start,
    /// instead of a warning.
    pub require_sandbox: bool,
    /// Address space of a child, in bytes: for an original, its pixels, the
    /// buffers that are kept from file to file, and the program itself.
    pub address_space_bytes: u64,
    /// Most bytes of pixels, or of a decoder's coefficients, in one buffer of a child.
    pub decoded_bytes_max: u64,
    /// Most scans of a JPEG.
    pub scans_max: u32,
    /// CPU time that one file may take, in seconds.
    pub cpu_s: u64,
}

impl Default for PixelsConfig {
    fn default() -> Self {
        Self {
            decoders: Decoders::default(),
            require_sandbox: false,
            address_space_bytes: 1536 << 20,
            decoded_bytes_max: DECODED_BYTES_MAX,
            scans_max: SCANS_MAX,
            cpu_s: 20,
        }
    }
}

/// The section `hooks`: HTTP Basic credentials for the coordinator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Credentials {
    /// The user name.
    pub key: String,
    /// The password.
    pub secret: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_defaults_are_the_defaults() {
        let settings: Settings = heim_runtime::config::load(DEFAULTS, None).unwrap();
        assert_eq!(format!("{:?}", settings.worker), format!("{:?}", WorkerConfig::default()));
        assert_eq!(settings.pixels, PixelsConfig::default());
        assert_eq!(settings.store, StoreConfig { url: settings.store.url.clone(), ..StoreConfig::default() });
        assert!(settings.worker.slots().get() > 0);
    }

    #[test]
    fn a_secret_does_not_show() {
        let hooks = Credentials { key: "worker".to_owned(), secret: Secret::new("hunter2".to_owned()) };
        assert!(!format!("{hooks:?}{}", serde_json::to_string(&hooks).unwrap()).contains("hunter2"));
    }
}
