//! The section `ops`: whether there is a dashboard, and where.

use heim_runtime::Secret;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

/// The section `ops`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpsConfig {
    /// Where the dashboard listens: an address and a port. Empty: there is none.
    pub listen: String,
    /// Whether that may be an address which other machines reach. It speaks plain
    /// HTTP, so only behind what adds TLS.
    pub allow_remote: bool,
    /// What those log in with who may look and change nothing. Empty: nobody does.
    pub view_token: Secret,
    /// How long a login is good for, in seconds.
    pub session_s: u64,
}

impl Default for OpsConfig {
    fn default() -> Self {
        Self { listen: String::new(), allow_remote: false, view_token: Secret::default(), session_s: 8 * 3600 }
    }
}

/// A section that cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum InvalidOps {
    /// A name could mean any address, so it cannot be judged.
    #[error("ops.listen must be an address and a port, as 127.0.0.1:8090")]
    Listen,
    /// Whoever is on the network would see the login.
    #[error("ops.listen is not a loopback address: set ops.allow_remote if it is meant to be reached from elsewhere")]
    Remote,
    /// Nobody could log in.
    #[error("ops.listen needs admin.token, which is what one logs in with")]
    NoToken,
    /// Whoever may only look would do everything.
    #[error("ops.view_token must be another one than admin.token")]
    SameToken,
    /// Nobody would stay in.
    #[error("ops.session_s must be at least 60")]
    Session,
}

impl OpsConfig {
    /// Where it listens; none where there is no dashboard. `admin` is `admin.token`.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn address(&self, admin: &Secret) -> Result<Option<SocketAddr>, InvalidOps> {
        if self.session_s < 60 {
            return Err(InvalidOps::Session);
        }
        if !self.view_token.is_empty() && self.view_token == *admin {
            return Err(InvalidOps::SameToken);
        }
        if self.listen.is_empty() {
            return Ok(None);
        }
        let address: SocketAddr = self.listen.parse().map_err(|_| InvalidOps::Listen)?;
        if !address.ip().is_loopback() && !self.allow_remote {
            return Err(InvalidOps::Remote);
        }
        if admin.is_empty() { Err(InvalidOps::NoToken) } else { Ok(Some(address)) }
    }

    pub(super) fn session(&self) -> Duration {
        Duration::from_secs(self.session_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_unless_it_is_said() {
        let admin = Secret::new("the token of the operator".into());
        let at = |listen: &str, allow_remote| {
            let ops = OpsConfig { listen: listen.into(), allow_remote, ..OpsConfig::default() };
            ops.address(&admin).map(|address| address.is_some()).map_err(|error| error.to_string())
        };
        assert_eq!(at("", false), Ok(false));
        for address in ["127.0.0.1:8090", "127.9.0.1:8090", "[::1]:8090"] {
            assert_eq!(at(address, false), Ok(true), "{address}");
        }
        for address in ["0.0.0.0:8090", "10.0.0.1:8090", "[::]:8090", "[::ffff:10.0.0.1]:8090"] {
            assert!(at(address, false).unwrap_err().contains("ops.allow_remote"), "{address}");
            assert_eq!(at(address, true), Ok(true), "{address}");
        }
        assert!(at("localhost:8090", true).unwrap_err().contains("ops.listen"));
        assert!(matches!(
            OpsConfig { listen: "[::1]:1".into(), ..OpsConfig::default() }.address(&Secret::default()),
            Err(InvalidOps::NoToken)
        ));
        let same = OpsConfig { view_token: admin.clone(), ..OpsConfig::default() };
        assert!(matches!(same.address(&admin), Err(InvalidOps::SameToken)));
    }
}
