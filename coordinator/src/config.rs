//! The sections of the configuration that a coordinator reads.

use crate::keys::one_or_many;
pub use crate::{
    keys::{InvalidKeys, InvalidMaster, KeysConfig},
    ops::{InvalidOps, OpsConfig},
};
use heim_common::{
    header::Header,
    job::{Attempts, Lane},
    limits::{InvalidLimits, Limits},
    retry::Backoff,
    spec::{self, TranscodingSpec},
};
use heim_runtime::{Secret, network::Network};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Shortest secret that is accepted, in bytes.
const SECRET_BYTES_MIN: usize = 16;

/// What a coordinator does, beside where its database, queue and store are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The section `coordinator`.
    pub coordinator: CoordinatorConfig,
    /// The section `hooks`.
    pub hooks: HooksConfig,
    /// The section `signing`.
    pub signing: SigningConfig,
    /// The section `keys`.
    #[serde(default)]
    pub keys: KeysConfig,
    /// The section `admin`.
    #[serde(default)]
    pub admin: AdminConfig,
    /// The section `ops`.
    #[serde(default)]
    pub ops: OpsConfig,
    /// The section `retention`.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// The section `limits`.
    #[serde(default)]
    pub limits: Limits,
    /// The section `transcodings`.
    #[serde(default)]
    pub transcodings: TranscodingsConfig,
    /// The section `jobs`.
    #[serde(default)]
    pub jobs: JobsConfig,
}

/// The section `coordinator`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorConfig {
    /// Where it listens.
    pub listen: String,
    /// How clients reach it, without a slash at the end. Empty: as each of them
    /// says in its `Host` header.
    #[serde(default)]
    pub public_url: String,
    /// How long a stop waits for running requests, in milliseconds.
    #[serde(default = "default_grace_ms")]
    pub grace_ms: u64,
    /// How often every session is pinged, in milliseconds.
    #[serde(default = "default_ping_ms")]
    pub ping_ms: u64,
    /// Balancers, whose clients are counted instead of them.
    #[serde(default, deserialize_with = "heim_runtime::network::one_or_many")]
    pub trusted_proxies: Vec<Network>,
}

fn default_grace_ms() -> u64 {
    20_000
}

fn default_ping_ms() -> u64 {
    20_000
}

/// The section `hooks`: HTTP Basic credentials of workers and other stores.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HooksConfig {
    /// The user name.
    pub key: String,
    /// The password.
    pub secret: Secret,
}

/// The section `signing`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningConfig {
    /// Signs handles and cookies. The same for all coordinators.
    pub secret: Secret,
    /// Secrets whose signatures are believed, too: the one before, or the one to come. A
    /// list, or one text with spaces or commas between them.
    #[serde(default, deserialize_with = "one_or_many")]
    pub accepted: Vec<Secret>,
}

/// The section `admin`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// The bearer token of the API, and what one logs in with at the dashboard. Empty:
    /// there is neither.
    pub token: Secret,
}

/// The section `retention`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// How long a deleted message can be brought back, in seconds; then it and
    /// what only it showed are removed.
    pub deleted_s: u64,
    /// How long an upload may be without a message, in seconds.
    pub unattached_s: u64,
    /// How often what is to go is looked for, in milliseconds.
    pub sweep_ms: u64,
    /// How often store and rows are compared, in seconds.
    pub orphans_s: u64,
    /// For how long an object that no row names, or a row whose object is
    /// missing, is left as it is, in seconds.
    pub orphans_kept_s: u64,
    /// For how long a write that nobody ended is left as it is, in seconds.
    pub unfinished_kept_s: u64,
    /// How long it is kept what operators have done, in seconds.
    pub audit_kept_s: u64,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            deleted_s: 7 * 24 * 3600,
            unattached_s: 24 * 3600,
            sweep_ms: 10_000,
            orphans_s: 3600,
            orphans_kept_s: 7 * 24 * 3600,
            unfinished_kept_s: 24 * 3600,
            audit_kept_s: 365 * 24 * 3600,
        }
    }
}

/// The section `transcodings`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TranscodingsConfig {
    /// What is made of every picture.
    pub image: Vec<TranscodingSpec>,
}

impl Default for TranscodingsConfig {
    fn default() -> Self {
        Self { image: spec::default_specs() }
    }
}

/// The section `jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// How long a claim or a heartbeat holds a job, in milliseconds.
    pub lease_ms: u64,
    /// Failures after which a job is given up.
    pub failures_max: u32,
    /// Deaths of a pixel child after which a file is poison.
    pub deaths_max: u32,
    /// How long a job is put off because the store or a coordinator is away, in
    /// seconds; then it is given up.
    pub away_max_s: u64,
    /// Longest first wait before another attempt, in milliseconds.
    pub backoff_ms: u64,
    /// Longest wait before another attempt, in milliseconds.
    pub backoff_max_ms: u64,
    /// How often leases that ran out are looked for, in milliseconds.
    pub sweep_ms: u64,
    /// After how long a job that nobody claimed is dispatched again, in
    /// milliseconds.
    pub redispatch_ms: u64,
    /// Originals of more bytes wait in the lane `bulk`.
    pub bulk_bytes: u64,
    /// Originals that declare more pixels wait in the lane `bulk`.
    pub bulk_pixels: u64,
    /// How long the rows of jobs are kept that have ended, in seconds.
    pub kept_s: u64,
    /// How long the rows of attempts are kept that have ended, in seconds; at least until
    /// the day in which they ended is counted.
    pub attempts_kept_s: u64,
    /// After how long a worker that says nothing any more is forgotten, in seconds.
    pub workers_kept_s: u64,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            lease_ms: 3_000,
            failures_max: 5,
            deaths_max: 3,
            away_max_s: 86_400,
            backoff_ms: 1_000,
            backoff_max_ms: 60_000,
            sweep_ms: 1_000,
            redispatch_ms: 3_000,
            bulk_bytes: 12 << 20,
            bulk_pixels: 36_000_000,
            kept_s: 7 * 24 * 3600,
            attempts_kept_s: 7 * 24 * 3600,
            workers_kept_s: 3600,
        }
    }
}

impl JobsConfig {
    /// How long a claim or a heartbeat holds a job.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// When a failing job is given up.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        Attempts {
            failures_max: self.failures_max,
            deaths_max: self.deaths_max,
            away_max: Duration::from_secs(self.away_max_s),
        }
    }

    /// Where the job on an original waits: by what its header declares, since
    /// nothing is decoded here. Animations are large, however small they look.
    pub(crate) fn lane(&self, bytes: u64, header: &Header) -> Lane {
        let pixels = header.size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
        let is_large = bytes > self.bulk_bytes || pixels > self.bulk_pixels;
        if is_large || header.animated { Lane::Bulk } else { Lane::Interactive }
    }

    /// How long a job rests after so many failures.
    pub(crate) fn rest(&self) -> impl Fn(u32) -> Duration + Send + Sync + use<> {
        let (base, cap) = (Duration::from_millis(self.backoff_ms), Duration::from_millis(self.backoff_max_ms));
        move |failures| Backoff { base, cap }.wait(failures, rand::random())
    }
}

/// Settings that contradict each other or themselves.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// Somebody would guess it.
    #[error("{0} must have at least {SECRET_BYTES_MIN} characters")]
    WeakSecret(&'static str),
    /// It would not fit into HTTP Basic credentials.
    #[error("hooks.key must be given and contain no `:`")]
    HookKey,
    /// URLs are made by putting a path behind it.
    #[error("coordinator.public_url must begin with http:// or https:// and not end with /")]
    PublicUrl,
    /// A lease must outlive at least two heartbeats, which come every fifth of it.
    #[error("jobs.lease_ms must be at least 300")]
    Lease,
    /// Nothing would ever be dispatched, or tried.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// An upload that is under way would be taken for what a crash has left.
    #[error("{0} must be longer than an upload may take, limits.body_timeout_ms")]
    Kept(&'static str),
    /// A limit serves nobody.
    #[error(transparent)]
    Limits(#[from] InvalidLimits),
    /// The master keys cannot be used.
    #[error(transparent)]
    Keys(#[from] InvalidKeys),
    /// The dashboard cannot be where it is to be.
    #[error(transparent)]
    Ops(#[from] InvalidOps),
    /// The list cannot be carried out.
    #[error("transcodings.image: {0}")]
    Specs(#[from] spec::InvalidSpecs),
}

impl Settings {
    /// Checks what types alone cannot say.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        let weak = |secret: &Secret| secret.expose().len() < SECRET_BYTES_MIN;
        let url = &self.coordinator.public_url;
        let has_scheme = url.starts_with("http://") || url.starts_with("https://");
        if weak(&self.hooks.secret) {
            return Err(InvalidSettings::WeakSecret("hooks.secret"));
        }
        if weak(&self.signing.secret) {
            return Err(InvalidSettings::WeakSecret("signing.secret"));
        }
        if self.signing.accepted.iter().any(weak) {
            return Err(InvalidSettings::WeakSecret("signing.accepted"));
        }
        if self.hooks.key.is_empty() || self.hooks.key.contains(':') {
            return Err(InvalidSettings::HookKey);
        }
        if !url.is_empty() && (!has_scheme || url.ends_with('/')) {
            return Err(InvalidSettings::PublicUrl);
        }
        if !self.admin.token.is_empty() && weak(&self.admin.token) {
            return Err(InvalidSettings::WeakSecret("admin.token"));
        }
        if !self.ops.view_token.is_empty() && weak(&self.ops.view_token) {
            return Err(InvalidSettings::WeakSecret("ops.view_token"));
        }
        self.ops.address(&self.admin.token)?;
        match self.keys.keyring() {
            // Told when it starts to serve: public rooms need no keys.
            Ok(_) | Err(InvalidKeys::File(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if self.jobs.lease_ms < 300 {
            return Err(InvalidSettings::Lease);
        }
        let counts = [
            ("jobs.failures_max", u64::from(self.jobs.failures_max)),
            ("jobs.deaths_max", u64::from(self.jobs.deaths_max)),
            ("jobs.sweep_ms", self.jobs.sweep_ms),
            ("coordinator.ping_ms", self.coordinator.ping_ms),
            ("retention.sweep_ms", self.retention.sweep_ms),
            ("retention.orphans_s", self.retention.orphans_s),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(InvalidSettings::Zero(key));
        }
        let kept = [
            ("retention.orphans_kept_s", self.retention.orphans_kept_s),
            ("retention.unfinished_kept_s", self.retention.unfinished_kept_s),
        ];
        let is_short =
            |seconds: u64| Duration::from_secs(seconds) <= Duration::from_millis(self.limits.body_timeout_ms);
        if let Some((key, _)) = kept.into_iter().find(|(_, kept)| is_short(*kept)) {
            return Err(InvalidSettings::Kept(key));
        }
        self.limits.validate()?;
        Ok(spec::validate(&self.transcodings.image)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let secret = || Secret::new("sixteen letters!".into());
        Settings {
            coordinator: CoordinatorConfig {
                listen: "127.0.0.1:0".into(),
                public_url: String::new(),
                grace_ms: 1,
                ping_ms: 1,
                trusted_proxies: Vec::new(),
            },
            hooks: HooksConfig { key: "worker".into(), secret: secret() },
            signing: SigningConfig { secret: secret(), accepted: Vec::new() },
            limits: Limits::default(),
            transcodings: TranscodingsConfig::default(),
            jobs: JobsConfig::default(),
            keys: KeysConfig::default(),
            admin: AdminConfig::default(),
            ops: OpsConfig::default(),
            retention: RetentionConfig::default(),
        }
    }

    #[test]
    fn contradictions_are_named() {
        let error = |change: fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.validate().unwrap_err().to_string()
        };
        assert!(settings().validate().is_ok());
        assert!(error(|s| s.signing.secret = Secret::new("short".into())).contains("signing.secret"));
        assert!(error(|s| s.signing.accepted = vec![Secret::default()]).contains("signing.accepted"));
        assert!(error(|s| s.hooks.key = "a:b".into()).contains("hooks.key"));
        assert!(error(|s| s.coordinator.public_url = "media.example".into()).contains("public_url"));
        assert!(error(|s| s.coordinator.public_url = "http://media.example/".into()).contains("public_url"));
        assert!(error(|s| s.jobs.lease_ms = 299).contains("lease_ms"));
        assert!(error(|s| s.coordinator.ping_ms = 0).contains("ping_ms"));
        assert!(error(|s| s.ops.listen = "127.0.0.1:8090".into()).contains("admin.token"));
        assert!(error(|s| s.ops.view_token = Secret::new("short".into())).contains("ops.view_token"));
        assert!(error(|s| s.limits.header_timeout_ms = 0).contains("limits.header_timeout_ms"));
        assert!(error(|s| s.transcodings.image[0].params.width = 0).contains("thumb-160"));
    }
}
