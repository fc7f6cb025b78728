//! The key of one file, and the two things that are done with it.

use super::format::{SALT_BYTES, TAG_BYTES, nonce};
use crate::StoreError;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use heim_common::ObjectSecret;
use zeroize::Zeroizing;

/// Binds the key to its use: nothing else is derived with these words.
const INFO: &[u8] = b"heim-media file v1";

/// The key of one file. The library wipes its copy when it is dropped.
pub(super) struct FileKey {
    key: LessSafeKey,
    /// The object's key in the store, which every chunk is bound to.
    object: String,
}

impl FileKey {
    pub(super) fn derive(secret: &ObjectSecret, salt: &[u8; SALT_BYTES], object: &str) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        let extracted = Salt::new(HKDF_SHA256, salt).extract(secret.expose());
        let expanded = extracted.expand(&[INFO], HKDF_SHA256).and_then(|key| key.fill(&mut *bytes));
        expanded.expect("32 bytes are one block of HKDF-SHA256, which gives up to 255");
        let key = UnboundKey::new(&AES_256_GCM, &*bytes).expect("a key of AES-256 has 32 bytes");
        Self { key: LessSafeKey::new(key), object: object.to_owned() }
    }

    /// Encrypts a chunk in its place. Never to be called twice for one number.
    pub(super) fn seal(&self, index: u64, is_last: bool, chunk: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(nonce(index, is_last));
        let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::from(&self.object), chunk);
        let tag = sealed.expect("64 KiB are far less than AES-GCM takes with one nonce");
        tag.as_ref().try_into().expect("a tag of AES-GCM has 16 bytes")
    }

    /// Decrypts a chunk in its place, where its tag follows it.
    ///
    /// # Errors
    /// [`StoreError::Tampered`], and the bytes are of no use then.
    pub(super) fn open(&self, index: u64, is_last: bool, sealed: &mut [u8]) -> Result<(), StoreError> {
        let nonce = Nonce::assume_unique_for_key(nonce(index, is_last));
        let opened = self.key.open_in_place(nonce, Aad::from(&self.object), sealed);
        opened.map(drop).map_err(|_| StoreError::Tampered)
    }
}
