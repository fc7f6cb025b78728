//! The whole configuration of a process that is a coordinator.

use crate::config::{
    AdminConfig, CoordinatorConfig, HooksConfig, InvalidSettings, JobsConfig, KeysConfig, OpsConfig, RetentionConfig,
    Settings, SigningConfig, TranscodingsConfig,
};
use heim_common::limits::Limits;
use heim_db::DatabaseConfig;
use heim_queue::QueueConfig;
use heim_runtime::{telemetry::LogConfig, traces::TracesConfig};
use heim_store::StoreConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section of another process. One file may serve a whole fleet, so it is
/// no error here; what is in it is that process's to judge.
pub type Elsewhere = BTreeMap<String, serde_json::Value>;

/// Every section, with `W` and `P` for what is read of the sections `worker` and
/// `pixels`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile<W, P = Elsewhere> {
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
    /// What private rooms are encrypted with.
    #[serde(default)]
    pub keys: KeysConfig,
    /// Who may call the API.
    #[serde(default)]
    pub admin: AdminConfig,
    /// Where the dashboard is.
    #[serde(default)]
    pub ops: OpsConfig,
    /// How long things are kept that nobody shows.
    #[serde(default)]
    pub retention: RetentionConfig,
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
    /// Where spans are sent.
    #[serde(default)]
    pub traces: TracesConfig,
    /// The worker's section.
    #[serde(default)]
    pub worker: W,
    /// The section of the worker's pixel children.
    #[serde(default)]
    pub pixels: P,
}

impl<W, P> ConfigFile<W, P> {
    /// What the coordinator itself is given.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn settings(&self) -> Result<Settings, InvalidSettings> {
        let settings = Settings {
            coordinator: self.coordinator.clone(),
            hooks: self.hooks.clone(),
            signing: self.signing.clone(),
            keys: self.keys.clone(),
            admin: self.admin.clone(),
            ops: self.ops.clone(),
            retention: self.retention.clone(),
            limits: self.limits.clone(),
            transcodings: self.transcodings.clone(),
            jobs: self.jobs.clone(),
        };
        settings.validate()?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec;

    #[test]
    fn the_commented_defaults_are_the_defaults() {
        let secrets = "\n[signing]\nsecret = \"sixteen letters!\"\n";
        let text = crate::DEFAULT_CONFIG
            .replace("[signing]\n", secrets)
            .replace("key = \"worker\"\n", "key = \"worker\"\nsecret = \"sixteen letters!\"\n");
        let all: ConfigFile<Elsewhere> = heim_runtime::config::load(&text, None).unwrap();
        all.settings().unwrap();
        assert_eq!(all.limits, Limits::default());
        assert_eq!(all.ops, OpsConfig::default());
        assert_eq!(all.jobs, JobsConfig::default());
        assert_eq!(all.transcodings.image, spec::default_specs());
        assert_eq!(all.log.filter, LogConfig::default().filter);
        let QueueConfig { url: _, prefix, window, weights } = QueueConfig::default();
        assert_eq!((all.queue.prefix, all.queue.window, all.queue.weights), (prefix, window, weights));
        let DatabaseConfig { url: _, pool_max, timeout_ms } = DatabaseConfig::default();
        assert_eq!(all.store, StoreConfig { url: all.store.url.clone(), ..StoreConfig::default() });
        assert_eq!((all.database.pool_max, all.database.timeout_ms), (pool_max, timeout_ms));
    }
}
