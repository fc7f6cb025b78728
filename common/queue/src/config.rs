//! The section `queue` of the configuration.

use crate::LaneWeights;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// How jobs and room events travel. A password in the URL shows neither in
/// `Debug` nor when this is written out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// `memory:`, for one process; or `redis://[user:password@]host[:port][/database]`
    /// or `redis+unix:///path/of/socket`.
    #[serde(serialize_with = "redacted")]
    pub url: String,
    /// What every name in Redis begins with, so that deployments can share one.
    pub prefix: String,
    /// How many ids of each lane the dispatcher keeps waiting here; the backlog
    /// waits in the database.
    pub window: usize,
    /// The shares of the lanes.
    pub weights: LaneWeights,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { url: "memory:".to_owned(), prefix: "heim".to_owned(), window: 256, weights: LaneWeights::default() }
    }
}

impl fmt::Debug for QueueConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, prefix, window, weights } = self;
        let url = without_password(url);
        f.debug_struct("QueueConfig")
            .field("url", &url)
            .field("prefix", prefix)
            .field("window", window)
            .field("weights", weights)
            .finish()
    }
}

fn redacted<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_password(url))
}

fn without_password(url: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let address = match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            let user = address[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}{user}:***{}", &address[..scheme + 3], &address[at..])
        }
        _ => address.to_owned(),
    };
    if query.is_empty() { address } else { format!("{address}?***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_shows() {
        for (url, shown) in [
            ("memory:", "memory:"),
            ("redis://localhost:6379/2", "redis://localhost:6379/2"),
            ("redis://:hunter2@localhost", "redis://:***@localhost"),
            ("redis://heim:hunter2@localhost/1", "redis://heim:***@localhost/1"),
            ("redis://heim:hunter2:@:@localhost", "redis://heim:***@localhost"),
            ("redis+unix:///run/redis.sock?db=1&pass=hunter2", "redis+unix:///run/redis.sock?***"),
        ] {
            let config = QueueConfig { url: url.to_owned(), ..QueueConfig::default() };
            assert_eq!(serde_json::to_value(&config).unwrap()["url"], shown);
            assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        }
    }

    #[test]
    fn keys_have_defaults_and_unknown_ones_are_refused() {
        let config: QueueConfig = serde_json::from_str("{}").unwrap();
        assert_eq!((config.url.as_str(), config.prefix.as_str(), config.window), ("memory:", "heim", 256));
        assert!(serde_json::from_str::<QueueConfig>(r#"{"windows":1}"#).is_err());
    }
}
