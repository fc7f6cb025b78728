//! The whole configuration of a process that is a coordinator.

use crate::config::{
    CoordinatorConfig, HooksConfig, InvalidSettings, JobsConfig, Settings, SigningConfig, TranscodingsConfig,
};
use heim_common::limits::Limits;
use heim_db::DatabaseConfig;
use heim_queue::QueueConfig;
use heim_runtime::telemetry::LogConfig;
use heim_store::StoreConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section of another process. One file may serve a whole fleet, so it is
/// no error here; what is in it is that process's to judge.
pub type Elsewhere = BTreeMap<String, serde_json::Value>;

/// Every section, with `W` for what is read of the section `worker`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile<W> {
    /// Where this coordinator listens, and how it is reached.
    pub coordinator: CoordinatorConfig,
    /// Where the truth is.
    pub database: DatabaseConfig,
    /// Where job ids travel.
    pub queue: QueueConfig,
    /// Where the bytes are.
    pub store: StoreConfig,
    /// Credentials of workers and other stores.
    pub hooks: HooksConfig,
    /// What handles and cookies are signed with.
    pub signing: SigningConfig,
    /// What clients may not exceed.
    #[serde(default)]
    pub limits: Limits,
    /// What is made of an original.
    #[serde(default)]
    pub transcodings: TranscodingsConfig,
    /// Leases, attempts, dispatch.
    #[serde(default)]
    pub jobs: JobsConfig,
    /// What is logged, and how.
    #[serde(default)]
    pub log: LogConfig,
    /// The worker's section.
    #[serde(default)]
    pub worker: W,
}

impl<W> ConfigFile<W> {
    /// What the coordinator itself is given.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn settings(&self) -> Result<Settings, InvalidSettings> {
        let settings = Settings {
            coordinator: self.coordinator.clone(),
            hooks: self.hooks.clone(),
            signing: self.signing.clone(),
            limits: self.limits.clone(),
            transcodings: self.transcodings.clone(),
            jobs: self.jobs.clone(),
        };
        settings.validate()?;
        Ok(settings)
    }
}
