//! Which keys a server accepts, for tests that take them back.

use s3s::{
    S3Result,
    auth::{S3Auth, SecretKey},
    s3_error,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Arc<Mutex<BTreeMap<String, String>>>);

impl Keys {
    pub(super) fn accept(&self, id: &str, secret: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), secret.to_owned());
    }

    pub(super) fn revoke(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(access_key).cloned();
        secret.map(SecretKey::from).ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}
