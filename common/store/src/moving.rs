//! Objects that are brought from one store to another, as they are stored: of an
//! encrypted one the ciphertext, for which no secret is needed.
//!
//! Both stores may be in use meanwhile. That is safe because a key always stands
//! for the same bytes (of an encrypted object: for a ciphertext of them), so that
//! no copy can be older than what it replaces.

use crate::{Store, StoreError};
use aws_lc_rs::digest::{Context, SHA256};
use futures_util::TryStreamExt;
use heim_common::key::ObjectKey;

/// From where to where.
#[derive(Clone, Debug)]
pub struct Moving {
    /// What is read.
    pub from: Store,
    /// What is written to, and read back.
    pub to: Store,
    /// Whether an object of the right size is believed to be right.
    pub by_size: bool,
}

/// An object of the first store.
#[derive(Clone, Debug)]
pub struct Movable {
    /// Its key, in both.
    pub key: ObjectKey,
    /// Bytes, as they are stored.
    pub size: u64,
    /// SHA-256 of those, where a row says it.
    pub sha256: Option<[u8; 32]>,
}

/// What was done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is in the second store, and was read back.
    Copied,
    /// It was there before, and is right.
    Right,
    /// It was deleted meanwhile, and is in neither.
    Gone,
}

/// Why an object is not in the second store, or not known to be right there.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// The first store has something else than the row says.
    #[error("the object is damaged where it comes from: it has not the SHA-256 of its row")]
    DamagedBefore,
    /// The second store gives back something else than was written.
    #[error("the copy reads back otherwise than it was written, and was removed")]
    DamagedCopy,
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Moving {
    /// Sees to it that the second store has this object, and has it right.
    ///
    /// # Errors
    /// If it has it not, or nobody knows.
    pub async fn move_one(&self, object: &Movable) -> Result<Moved, NotMoved> {
        let moved = match self.is_right(object).await {
            Ok(true) => Ok(Moved::Right),
            Ok(false) => self.copy(object).await,
            Err(error) => Err(error),
        };
        if matches!(moved, Ok(Moved::Right)) {
            return moved;
        }
        // Who deletes an object deletes it in the first store before it does so in
        // the second: this look comes after the copy.
        if self.from.size(&object.key, false).await?.is_none() {
            self.to.delete(&object.key).await?;
            return Ok(Moved::Gone);
        }
        moved
    }

    /// Whether the second store has it already.
    async fn is_right(&self, object: &Movable) -> Result<bool, NotMoved> {
        if self.to.size(&object.key, false).await? != Some(object.size) {
            return Ok(false);
        }
        if self.by_size {
            return Ok(true);
        }
        let wanted = match object.sha256 {
            Some(sha256) => sha256,
            None => sha256_of(&self.from, &object.key).await?,
        };
        Ok(sha256_of(&self.to, &object.key).await? == wanted)
    }

    async fn copy(&self, Movable { key, sha256, .. }: &Movable) -> Result<Moved, NotMoved> {
        let mut body = self.from.read(key, None, None).await?;
        let mut writer = self.to.writer(key, None).await?;
        while let Some(chunk) = body.try_next().await? {
            writer.write(chunk).await?;
        }
        if sha256.is_some_and(|sha256| sha256 != writer.so_far().sha256) {
            writer.abort().await;
            return Err(NotMoved::DamagedBefore);
        }
        let written = writer.finish().await?;
        if sha256_of(&self.to, key).await? == written.sha256 {
            return Ok(Moved::Copied);
        }
        // A reader is better off with none: it looks into the first store then.
        self.to.delete(key).await?;
        Err(NotMoved::DamagedCopy)
    }
}

async fn sha256_of(store: &Store, key: &ObjectKey) -> Result<[u8; 32], StoreError> {
    let (mut hash, mut sha256) = (Context::new(&SHA256), [0; 32]);
    let mut body = store.read(key, None, None).await?;
    while let Some(chunk) = body.try_next().await? {
        hash.update(&chunk);
    }
    sha256.copy_from_slice(hash.finish().as_ref());
    Ok(sha256)
}
