//! How the transport is, for operators: what waits in it, and what Redis says of itself.

use crate::Saving;
use heim_common::job::Lane;
use serde::Serialize;
use std::collections::BTreeMap;

/// How the transport is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueFigures {
    /// How many ids wait in each lane; each is there.
    pub waiting: BTreeMap<Lane, usize>,
    /// How many the dispatcher keeps waiting in each.
    pub window: usize,
    /// What Redis says; none where the transport is in process.
    pub redis: Option<RedisFigures>,
}

/// What Redis says of itself. What it does not tell is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedisFigures {
    /// Which program it is, and its version.
    pub version: String,
    /// For how long it has run, in seconds.
    pub uptime_s: Option<u64>,
    /// What it holds takes so many bytes, and so many at the most since it was started.
    pub memory_bytes: Option<u64>,
    /// The most since it was started.
    pub memory_peak_bytes: Option<u64>,
    /// How much it may take; 0 where that is without a limit.
    pub memory_max_bytes: Option<u64>,
    /// What the system says that it takes.
    pub memory_resident_bytes: Option<u64>,
    /// What it does when that is full.
    pub policy: Option<String>,
    /// Connections, ours and others, and how many there may be.
    pub clients: Option<u64>,
    /// The most connections that there may be.
    pub clients_max: Option<u64>,
    /// Coordinators that listen for what happens in rooms.
    pub listeners: Option<u64>,
    /// What it keeps for its next start.
    pub saving: Saving,
}

impl RedisFigures {
    /// By what `INFO` says; of other servers that speak its protocol, too.
    pub(crate) fn told(info: &str, listeners: Option<u64>, saving: Saving) -> Self {
        let lines: BTreeMap<_, _> = info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
        let number = |name: &str| lines.get(name).and_then(|text| text.parse().ok());
        let version = match (lines.get("valkey_version"), lines.get("redis_version")) {
            (Some(version), _) => format!("Valkey {version}"),
            (None, Some(version)) => format!("Redis {version}"),
            (None, None) => "Redis".to_owned(),
        };
        Self {
            version,
            uptime_s: number("uptime_in_seconds"),
            memory_bytes: number("used_memory"),
            memory_peak_bytes: number("used_memory_peak"),
            memory_max_bytes: number("maxmemory"),
            memory_resident_bytes: number("used_memory_rss"),
            policy: lines.get("maxmemory_policy").map(|policy| (*policy).to_owned()),
            clients: number("connected_clients"),
            clients_max: number("maxclients"),
            listeners,
            saving,
        }
    }

    /// Whether it would drop what waits in it when its memory is full.
    #[must_use]
    pub fn evicts(&self) -> bool {
        self.policy.as_deref().is_some_and(crate::over_redis::evicts)
    }

    /// How full its memory is, of a hundred; none where it is not bounded, or not told.
    #[must_use]
    pub fn full_percent(&self) -> Option<u64> {
        let max = self.memory_max_bytes.filter(|max| *max > 0)?;
        Some(self.memory_bytes?.saturating_mul(100) / max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kept;

    #[test]
    fn what_is_told_is_read_and_the_rest_is_missing() {
        let saving = || Saving { kept: Kept::Nothing, failed: None, refuses: false };
        let info = "# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:61\r\n\r\n# Memory\r\nused_memory:950\r\n\
                    used_memory_human:950B\r\nused_memory_peak:2000\r\nused_memory_rss:oops\r\nmaxmemory:1000\r\n\
                    maxmemory_policy:noeviction\r\n# Clients\r\nconnected_clients:7\r\nmaxclients:10000\r\n";
        let figures = RedisFigures::told(info, Some(2), saving());
        assert_eq!((figures.version.as_str(), figures.uptime_s), ("Redis 7.0.15", Some(61)));
        assert_eq!((figures.memory_bytes, figures.memory_peak_bytes), (Some(950), Some(2_000)));
        assert_eq!((figures.memory_max_bytes, figures.memory_resident_bytes), (Some(1_000), None));
        assert_eq!((figures.clients, figures.clients_max, figures.listeners), (Some(7), Some(10_000), Some(2)));
        assert_eq!((figures.evicts(), figures.full_percent()), (false, Some(95)));

        let other = RedisFigures::told("redis_version:7.2.4\nvalkey_version:8.1.0\nmaxmemory:0\n", None, saving());
        assert_eq!((other.version.as_str(), other.clients, other.full_percent()), ("Valkey 8.1.0", None, None));
        let evicts = RedisFigures::told("maxmemory_policy:allkeys-lfu", None, saving());
        assert_eq!((evicts.version.as_str(), evicts.evicts()), ("Redis", true));
    }
}
