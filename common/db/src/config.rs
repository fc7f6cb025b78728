//! The section `database` of the configuration.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Where the database is and how long to wait for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite:path/to/file` or `postgres://user:password@host/name`. A
    /// password in it is shown nowhere.
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// Most connections at a time.
    pub pool_max: u32,
    /// How long a statement, a lock or a free connection is waited for, in
    /// milliseconds.
    pub timeout_ms: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: "sqlite:heim-media.db".to_owned(), pool_max: 16, timeout_ms: 5_000 }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, pool_max, timeout_ms } = self;
        f.debug_struct("DatabaseConfig")
            .field("url", &redacted(url))
            .field("pool_max", pool_max)
            .field("timeout_ms", timeout_ms)
            .finish()
    }
}

fn without_password<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&redacted(url))
}

/// The URL with everything between the user's name and the last `@` of the
/// authority replaced, and with no parameters: they may carry a password too.
fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, parameters) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    let shown = match rest.rsplit_once('@') {
        Some((user, place)) => {
            let (name, password) = user.split_once(':').map_or((user, ""), |(name, _)| (name, ":…"));
            format!("{name}{password}@{place}")
        }
        None => rest.to_owned(),
    };
    format!("{scheme}://{shown}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_shown_nowhere() {
        let url = "postgres://heim:s3c:r3t/x@db.example:5432/heim?password=s3cr3t".to_owned();
        let config = DatabaseConfig { url, ..DatabaseConfig::default() };
        for shown in [format!("{config:?}"), serde_json::to_string(&config).unwrap()] {
            assert!(!shown.contains("s3c") && !shown.contains("r3t"), "{shown}");
            assert!(shown.contains("postgres://heim:…@db.example:5432/heim?…"), "{shown}");
        }
        assert_eq!(redacted("sqlite:a/b.db"), "sqlite:a/b.db");
        assert_eq!(redacted("postgres://localhost/heim"), "postgres://localhost/heim");
    }
}
