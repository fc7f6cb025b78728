//! What requests to an S3 server are signed with, and where it comes from.

mod file;
mod profile;

pub(super) use file::KeyFile;

use crate::{StoreConfig, StoreError, config::CredentialSource};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use std::sync::Arc;

/// Reads the file of keys, where the configuration names one.
pub(super) fn file(config: &StoreConfig) -> Result<Option<Arc<KeyFile>>, StoreError> {
    if config.credentials_file.is_empty() {
        return Ok(None);
    }
    KeyFile::open(&config.credentials_file, &config.credentials_profile).map(|file| Some(Arc::new(file)))
}

/// Says to the library where keys come from. It asks machines by itself, and
/// again before what they gave runs out.
pub(super) fn given(builder: AmazonS3Builder, config: &StoreConfig, file: Option<&Arc<KeyFile>>) -> AmazonS3Builder {
    let said = |builder: AmazonS3Builder, key, value: &str| match value {
        "" => builder,
        value => builder.with_config(key, value),
    };
    let (url, token_file) = (config.credentials_url.as_str(), config.credentials_token_file.as_str());
    match config.credentials {
        CredentialSource::Given => {
            if let Some(file) = file {
                return builder.with_credentials(file.clone());
            }
            let builder = builder.with_access_key_id(&config.access_key);
            let builder = builder.with_secret_access_key(config.secret_key.expose());
            said(builder, AmazonS3ConfigKey::Token, config.session_token.expose())
        }
        CredentialSource::WebIdentity => builder
            .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, token_file)
            .with_config(AmazonS3ConfigKey::RoleArn, &config.role_arn)
            .with_config(AmazonS3ConfigKey::RoleSessionName, "heim-media"),
        CredentialSource::Container if url.starts_with('/') => {
            builder.with_config(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, url)
        }
        CredentialSource::Container => builder
            .with_config(AmazonS3ConfigKey::ContainerCredentialsFullUri, url)
            .with_config(AmazonS3ConfigKey::ContainerAuthorizationTokenFile, token_file),
        CredentialSource::Instance => said(builder, AmazonS3ConfigKey::MetadataEndpoint, url),
    }
}
