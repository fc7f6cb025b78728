//! The section `store` of the configuration.

mod aws;
mod choices;

pub(crate) use choices::is_writable;
pub use choices::{CredentialSource, ServerSideEncryption};

use crate::StoreError;
use heim_runtime::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where objects are kept. All but the URLs is for `s3://` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `file:///absolute/folder` or `s3://bucket/prefix`. A path is taken as it
    /// is written: nothing in it is percent-encoded.
    pub url: String,
    /// Where else objects are, while they are moved from one store to another:
    /// what is not in `url` is read from there. Empty: nowhere.
    pub fallback_url: String,
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
    /// A file of keys, in the form that tools for S3 agree on, in place of the
    /// three above. Its keys may change while the process runs.
    pub credentials_file: String,
    /// Which profile of that file. Empty: `default`.
    pub credentials_profile: String,
    /// Where keys come from that are not given.
    pub credentials: CredentialSource,
    /// Who is asked for them: of a container, the URL, or its path alone; of an
    /// instance, the metadata service. Empty: where Amazon has it.
    pub credentials_url: String,
    /// The file of the token that is shown when they are asked for.
    pub credentials_token_file: String,
    /// The role that a web identity takes on.
    pub role_arn: String,
    /// How the server encrypts what it writes to its disks.
    pub server_side_encryption: ServerSideEncryption,
    /// The key that it uses for that, of its key management: id, ARN or alias.
    pub kms_key_id: String,
    /// Whether downloads of public rooms are sent to the server itself, with a
    /// signed URL.
    pub presigned_redirects: bool,
    /// How long such a URL holds, in seconds.
    pub presigned_s: u64,
    /// Where clients reach the server, where that is another place than
    /// `endpoint`.
    pub public_endpoint: String,
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
            fallback_url: String::new(),
            endpoint: String::new(),
            region: String::new(),
            access_key: String::new(),
            secret_key: Secret::default(),
            session_token: Secret::default(),
            credentials_file: String::new(),
            credentials_profile: String::new(),
            credentials: CredentialSource::Given,
            credentials_url: String::new(),
            credentials_token_file: String::new(),
            role_arn: String::new(),
            server_side_encryption: ServerSideEncryption::None,
            kms_key_id: String::new(),
            presigned_redirects: false,
            presigned_s: 300,
            public_endpoint: String::new(),
            allow_plain_http: false,
            connect_ms: 2_000,
            attempt_ms: 4_000,
            retry_ms: 5_000,
        }
    }
}

impl StoreConfig {
    /// Checks what an `s3://` store needs.
    pub(crate) fn validate_bucket(&self) -> Result<(), StoreError> {
        self.validate_credentials()?;
        self.validate_encryption()?;
        self.validate_presigned()?;
        for endpoint in [&self.endpoint, &self.public_endpoint] {
            match endpoint.split_once("://") {
                None if endpoint.is_empty() => {}
                Some(("https", host)) if !host.is_empty() => {}
                Some(("http", host)) if !host.is_empty() && self.allow_plain_http => {}
                Some(("http", _)) => {
                    return Err(StoreError::Config(
                        "store.endpoint: plain http shows every object on the way; say store.allow_plain_http = true \
                         where the network is private",
                    ));
                }
                _ => return Err(StoreError::Config("store.endpoint, store.public_endpoint: https://host expected")),
            }
        }
        if [self.connect_ms, self.attempt_ms].contains(&0) {
            return Err(StoreError::Config("store.connect_ms and store.attempt_ms must be at least 1"));
        }
        Ok(())
    }

    /// The region that requests are signed for.
    pub(crate) fn region(&self) -> &str {
        if self.region.is_empty() { "us-east-1" } else { &self.region }
    }

    /// Whether an S3 server has to do with it.
    pub(crate) fn is_bucket(&self) -> bool {
        [&self.url, &self.fallback_url].into_iter().any(|url| url.starts_with("s3://"))
    }

    pub(crate) fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    pub(crate) fn presigned(&self) -> Duration {
        Duration::from_secs(self.presigned_s)
    }

    pub(crate) fn retry(&self) -> Duration {
        Duration::from_millis(self.retry_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_refused_unless_it_is_allowed() {
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
    }
}
