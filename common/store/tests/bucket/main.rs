//! What an S3 server and its operator may do to a store, beside keeping it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod credentials;
mod encryption;
mod moving;
mod policy;
mod presigned;
#[path = "../../../../tests/src/s3/mod.rs"]
#[expect(unreachable_pub, dead_code, reason = "made for every crate's tests")]
mod s3;

use heim_common::key::ObjectKey;
use heim_runtime::Secret;
use heim_store::StoreConfig;

/// The section `store` for a server with the keys that it has from the start.
fn config(server: &s3::S3) -> StoreConfig {
    StoreConfig {
        access_key: s3::ACCESS_KEY.into(),
        secret_key: Secret::new(s3::SECRET_KEY.into()),
        ..without_keys(server)
    }
}

fn without_keys(server: &s3::S3) -> StoreConfig {
    StoreConfig {
        url: format!("s3://{}/a/prefix", s3::BUCKET),
        endpoint: format!("http://127.0.0.1:{}", server.port()),
        allow_plain_http: true,
        ..StoreConfig::default()
    }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::from_stored(format!("media/{name}"))
}
