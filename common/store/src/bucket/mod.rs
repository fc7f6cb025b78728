//! A bucket of an S3 server, and what `object_store` has no word for: uploads
//! in parts that nobody ended.

mod client;
mod unfinished;

use crate::{
    StoreConfig, StoreError,
    opened::{Backing, Opened},
};
use client::Sorting;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum},
    client::{HttpClient, HttpConnector},
    path::Path,
    prefix::PrefixStore,
};
use std::{sync::Arc, time::Duration};

pub(crate) use unfinished::UploadId;

/// The smallest part that S3 takes, save the last of an upload.
const PART_BYTES: usize = 5 << 20;
/// How often a request is tried again at most; the time is bounded as well.
const RETRIES_MAX: usize = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// A bucket, or what is in it under a prefix.
#[derive(Clone)]
pub(crate) struct Bucket {
    s3: Arc<AmazonS3>,
    client: HttpClient,
    /// Empty, or with no slash at an end.
    prefix: Path,
}

/// Opens `bucket` or `bucket/prefix`. Nothing is asked of the server yet.
pub(crate) fn open(config: &StoreConfig, place: &str) -> Result<Opened, StoreError> {
    config.validate_bucket()?;
    let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
    let trimmed = prefix.strip_suffix('/').unwrap_or(prefix);
    let prefix = Path::parse(trimmed).ok().filter(|path| path.as_ref() == trimmed);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    let (Some(prefix), false, true) = (prefix, name.is_empty(), name.bytes().all(plain)) else {
        return Err(StoreError::Url("s3://bucket or s3://bucket/prefix expected"));
    };
    let failed = |error: object_store::Error| StoreError::Open(error.into());
    let options = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(config.connect())
        .with_config(ClientConfigKey::ReadTimeout, format!("{}ms", config.attempt_ms))
        .with_allow_http(config.allow_plain_http);
    let backoff = BackoffConfig { init_backoff: FIRST_BACKOFF, max_backoff: LONGEST_BACKOFF, base: 2.0 };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_region(if config.region.is_empty() { "us-east-1" } else { &config.region })
        .with_access_key_id(&config.access_key)
        .with_secret_access_key(config.secret_key.expose())
        .with_allow_http(config.allow_plain_http)
        .with_retry(RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: config.retry() })
        // The server refuses what was changed on the way to it.
        .with_checksum_algorithm(Checksum::SHA256)
        .with_client_options(options.clone())
        .with_http_connector(Sorting);
    if !config.endpoint.is_empty() {
        builder = builder.with_endpoint(&config.endpoint);
    }
    if !config.session_token.is_empty() {
        builder = builder.with_token(config.session_token.expose());
    }
    let s3 = Arc::new(builder.build().map_err(failed)?);
    let objects: Arc<dyn ObjectStore> = match prefix.as_ref() {
        "" => s3.clone(),
        _ => Arc::new(PrefixStore::new(s3.clone(), prefix.clone())),
    };
    let client = Sorting.connect(&options).map_err(failed)?;
    let bucket = Bucket { s3, client, prefix };
    Ok(Opened { objects, part_bytes: PART_BYTES, backing: Backing::Bucket(bucket) })
}
