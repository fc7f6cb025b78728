//! A bucket of an S3 server, and what `object_store` has no word for: uploads
//! in parts that nobody ended.

mod client;
mod keys;
mod presigned;
mod unfinished;

use crate::{
    StoreConfig, StoreError,
    opened::{Backing, Opened},
};
use client::{Signing, Sorting};
use keys::KeyFile;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum},
    client::{HttpClient, HttpConnector},
    path::Path,
    prefix::PrefixStore,
};
use presigned::Links;
use std::{sync::Arc, time::Duration};

pub use presigned::{Presented, Presigned};
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
    /// The file of its keys, if they are in one.
    keys: Option<Arc<KeyFile>>,
    /// There if clients are to be sent to it.
    links: Option<Links>,
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
    let file = keys::file(config)?;
    let signing = file.clone().map(|keys| Signing { keys, region: config.region().to_owned() });
    let (sorting, options) = (Sorting { signing }, options(config));
    let builder = builder(config, name)?.with_client_options(options.clone()).with_http_connector(sorting.clone());
    let s3 = Arc::new(keys::given(builder.clone(), config, file.as_ref()).build().map_err(failed)?);
    let links = config.presigned_redirects.then(|| links(config, builder, &s3)).transpose()?;
    let objects: Arc<dyn ObjectStore> = match prefix.as_ref() {
        "" => s3.clone(),
        _ => Arc::new(PrefixStore::new(s3.clone(), prefix.clone())),
    };
    let client = sorting.connect(&options).map_err(failed)?;
    let bucket = Bucket { s3, client, keys: file, links, prefix };
    Ok(Opened { objects, part_bytes: PART_BYTES, backing: Backing::Bucket(bucket) })
}

fn failed(error: object_store::Error) -> StoreError {
    StoreError::Open(error.into())
}

fn options(config: &StoreConfig) -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(config.connect())
        .with_config(ClientConfigKey::ReadTimeout, format!("{}ms", config.attempt_ms))
        .with_allow_http(config.allow_plain_http)
}

/// All that is said of a bucket, but how it is reached and signed for.
fn builder(config: &StoreConfig, name: &str) -> Result<AmazonS3Builder, StoreError> {
    let backoff = BackoffConfig { init_backoff: FIRST_BACKOFF, max_backoff: LONGEST_BACKOFF, base: 2.0 };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_region(config.region())
        .with_retry(RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: config.retry() })
        // The server refuses what was changed on the way to it.
        .with_checksum_algorithm(Checksum::SHA256);
    if !config.endpoint.is_empty() {
        builder = builder.with_endpoint(&config.endpoint);
    }
    // The library has no public names for these two.
    let key = |name: &str| name.parse::<AmazonS3ConfigKey>().map_err(failed);
    if let Some(how) = config.server_side_encryption.header() {
        builder = builder.with_config(key("aws_server_side_encryption")?, how);
    }
    if !config.kms_key_id.is_empty() {
        builder = builder.with_config(key("aws_sse_kms_key_id")?, &config.kms_key_id);
    }
    Ok(builder)
}

/// Who signs URLs for clients. The host is signed with the rest, so it has to be
/// the one that they reach.
fn links(config: &StoreConfig, mut builder: AmazonS3Builder, s3: &Arc<AmazonS3>) -> Result<Links, StoreError> {
    let mut endpoint = config.endpoint.clone();
    let mut signer = s3.clone();
    if !config.public_endpoint.is_empty() {
        endpoint.clone_from(&config.public_endpoint);
        builder = builder.with_endpoint(&endpoint).with_credentials(s3.credentials().clone());
        signer = Arc::new(builder.build().map_err(failed)?);
    }
    if endpoint.is_empty() {
        endpoint = format!("https://s3.{}.amazonaws.com", config.region());
    }
    Ok(Links { signer, holds: config.presigned(), origin: presigned::origin(&endpoint) })
}
