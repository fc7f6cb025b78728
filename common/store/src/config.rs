//! The section `store` of the configuration.

use crate::StoreError;
use heim_runtime::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where objects are kept. All but `url` is for `s3://` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `file:///absolute/folder` or `s3://bucket/prefix`. A path is taken as it
    /// is written: nothing in it is percent-encoded.
    pub url: String,
    /// Where the S3 server is. Empty: Amazon's own, of the region.
    pub endpoint: String,
    /// The region that requests are signed for. Empty: `us-east-1`.
    pub region: String,
    /// The access key's id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The token that goes with temporary keys.
    pub session_token: Secret,
    /// Whether the endpoint may be plain http.
    pub allow_plain_http: bool,
    /// How long a connection may take to come about, in milliseconds.
    pub connect_ms: u64,
    /// How long the server may be silent, in milliseconds: also while it takes
    /// a part of 5 MiB.
    pub attempt_ms: u64,
    /// How long after its begin a failed request is still tried again, in
    /// milliseconds. With one more attempt this is the longest that it takes.
    pub retry_ms: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            endpoint: String::new(),
            region: String::new(),
            access_key: String::new(),
            secret_key: Secret::default(),
            session_token: Secret::default(),
            allow_plain_http: false,
            connect_ms: 2_000,
            attempt_ms: 4_000,
            retry_ms: 5_000,
        }
    }
}

impl StoreConfig {
    /// With what nobody said taken from the variables that tools for S3 agree
    /// on, where it is an `s3://` store at all.
    #[must_use]
    pub fn or_aws(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        if !self.url.starts_with("s3://") {
            return self;
        }
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name)).unwrap_or_default();
        if self.endpoint.is_empty() {
            self.endpoint = first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
        }
        if self.region.is_empty() {
            self.region = first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        }
        // Keys of one place and a token of another would never fit together.
        if self.access_key.is_empty() && self.secret_key.is_empty() && self.session_token.is_empty() {
            self.access_key = first(&["AWS_ACCESS_KEY_ID"]);
            self.secret_key = Secret::new(first(&["AWS_SECRET_ACCESS_KEY"]));
            self.session_token = Secret::new(first(&["AWS_SESSION_TOKEN"]));
        }
        self.allow_plain_http |= first(&["AWS_ALLOW_HTTP"]) == "true";
        self
    }

    /// Checks what an `s3://` store needs.
    pub(crate) fn validate_bucket(&self) -> Result<(), StoreError> {
        if self.access_key.is_empty() || self.secret_key.is_empty() {
            return Err(StoreError::Config(
                "store.access_key and store.secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, must be given \
                 for s3://",
            ));
        }
        match self.endpoint.split_once("://") {
            None if self.endpoint.is_empty() => {}
            Some(("https", host)) if !host.is_empty() => {}
            Some(("http", host)) if !host.is_empty() && self.allow_plain_http => {}
            Some(("http", _)) => {
                return Err(StoreError::Config(
                    "store.endpoint: plain http shows every object on the way; say store.allow_plain_http = true where \
                     the network is private",
                ));
            }
            _ => return Err(StoreError::Config("store.endpoint: https://host expected")),
        }
        if [self.connect_ms, self.attempt_ms].contains(&0) {
            return Err(StoreError::Config("store.connect_ms and store.attempt_ms must be at least 1"));
        }
        Ok(())
    }

    pub(crate) fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    pub(crate) fn retry(&self) -> Duration {
        Duration::from_millis(self.retry_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Option<String> {
        let given = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"];
        given.contains(&name).then(|| name.to_lowercase())
    }

    #[test]
    fn what_nobody_said_is_taken_from_the_environment() {
        let config = StoreConfig { url: "s3://bucket".into(), ..StoreConfig::default() }.or_aws(of);
        assert_eq!(
            (config.access_key.as_str(), config.secret_key.expose()),
            ("aws_access_key_id", "aws_secret_access_key")
        );
        assert_eq!((config.region.as_str(), config.endpoint.as_str()), ("aws_default_region", "aws_endpoint_url"));
        assert!(!format!("{config:?}").contains("aws_secret_access_key") && !config.allow_plain_http);
        let said = StoreConfig { access_key: "own".into(), region: "here".into(), ..config.clone() };
        let said = StoreConfig { secret_key: Secret::default(), ..said }.or_aws(of);
        assert_eq!((said.access_key.as_str(), said.secret_key.expose(), said.region.as_str()), ("own", "", "here"));
        let folder = StoreConfig { url: "file:///x".into(), ..StoreConfig::default() };
        assert_eq!(folder.clone().or_aws(of), folder);
    }

    #[test]
    fn plain_http_and_missing_keys_are_refused() {
        let keys =
            StoreConfig { access_key: "a".into(), secret_key: Secret::new("b".into()), ..StoreConfig::default() };
        let with = |endpoint: &str, allow_plain_http| {
            StoreConfig { endpoint: endpoint.into(), allow_plain_http, ..keys.clone() }.validate_bucket()
        };
        for (endpoint, allowed) in [("", false), ("https://s3.example", false), ("http://127.0.0.1:1", true)] {
            with(endpoint, allowed).unwrap();
        }
        for (endpoint, allowed) in
            [("http://127.0.0.1:1", false), ("s3.example", true), ("ftp://x", true), ("https://", false)]
        {
            assert!(matches!(with(endpoint, allowed), Err(StoreError::Config(_))), "{endpoint}");
        }
        assert!(StoreConfig { access_key: String::new(), ..keys.clone() }.validate_bucket().is_err());
        assert!(StoreConfig { secret_key: Secret::default(), ..keys }.validate_bucket().is_err());
    }
}
