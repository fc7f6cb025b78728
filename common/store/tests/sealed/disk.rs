//! A store, and the disk under it in the hands of the test.

use bytes::Bytes;
use futures_util::StreamExt;
use heim_common::{ObjectSecret, key::ObjectKey};
use heim_store::{Store, StoreConfig, StoreError};
use std::{fs, ops::Range, path::PathBuf};

/// Plaintext of a chunk.
pub(crate) const CHUNK: usize = 65_536;
/// Header of a file, and tag of a chunk.
pub(crate) const HEADER: usize = 40;
pub(crate) const TAG: usize = 16;

pub(crate) fn secret() -> ObjectSecret {
    ObjectSecret::new([7; 32])
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::from_stored(format!("media/0c1ofy/0c1ofy7941g5c/{name}"))
}

pub(crate) fn sample(bytes: usize, seed: u8) -> Bytes {
    // Two cycles of coprime lengths: no two chunks are alike.
    (0..=255u8).cycle().zip((0..=250u8).cycle()).map(|(a, b)| a ^ b ^ seed).take(bytes).collect::<Vec<u8>>().into()
}

pub(crate) struct Disk {
    pub(crate) store: Store,
    folder: tempfile::TempDir,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&StoreConfig { url: format!("file://{}", folder.path().display()), ..StoreConfig::default() })
                .unwrap();
        Self { store, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(key(name).as_str())
    }

    /// Stores an encrypted object, and says what its file holds then.
    pub(crate) async fn put(&self, name: &str, plaintext: &Bytes) -> Vec<u8> {
        self.store.put(&key(name), Some(&secret()), plaintext.clone()).await.unwrap();
        fs::read(self.path(name)).unwrap()
    }

    /// Puts a file where an object is.
    pub(crate) fn plant(&self, name: &str, file: &[u8]) {
        fs::write(self.path(name), file).unwrap();
    }

    /// All that comes of an object, and the error that it ended with.
    pub(crate) async fn read(
        &self,
        name: &str,
        secret: &ObjectSecret,
        range: Option<Range<u64>>,
    ) -> (Vec<u8>, Option<StoreError>) {
        let mut bytes = Vec::new();
        let mut body = match self.store.read(&key(name), Some(secret), range).await {
            Ok(body) => body,
            Err(error) => return (bytes, Some(error)),
        };
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => {
                    assert!(body.next().await.is_none(), "something came after {error}");
                    return (bytes, Some(error));
                }
            }
        }
        (bytes, None)
    }

    /// A file that is not what was stored: it reads as the plaintext up to some
    /// place at most, and then as tampered.
    pub(crate) async fn refuses(&self, file: &[u8], plaintext: &[u8], what: &str) {
        self.plant("original", file);
        let (bytes, error) = self.read("original", &secret(), None).await;
        assert!(plaintext.starts_with(&bytes), "{what}: wrong plaintext");
        assert!(error.as_ref().is_some_and(StoreError::is_tampered), "{what}: {error:?}");
    }
}
