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

/// The same, of which is only said what would be done.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What is read.
    pub from: Store,
    /// What would be written to; `None` where there is no such folder yet.
    pub to: Option<Store>,
    /// Whether an object of the right size is believed to be right, and nothing is read.
    pub by_size: bool,
}

/// What was done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is in the second store, and was read back.
    Copied,
    /// The same, in place of something that was not right.
    Replaced,
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
        let moved = match due(&self.from, &self.to, self.by_size, object).await {
            Ok(Moved::Right) => return Ok(Moved::Right),
            Ok(due) => self.copy(object).await.map(|()| due),
            Err(error) => Err(error),
        };
        // Who deletes an object deletes it in the first store before it does so in
        // the second: this look comes after the copy.
        if self.from.size(&object.key, false).await?.is_none() {
            self.to.delete(&object.key).await?;
            return Ok(Moved::Gone);
        }
        moved
    }

    async fn copy(&self, Movable { key, sha256, .. }: &Movable) -> Result<(), NotMoved> {
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
            return Ok(());
        }
        // A reader is better off with none: it looks into the first store then.
        self.to.delete(key).await?;
        Err(NotMoved::DamagedCopy)
    }
}

impl Trial {
    /// Says what [`Moving::move_one`] would do, and reads what that would read of what
    /// is there already.
    ///
    /// # Errors
    /// If it would fail, as far as that can be seen.
    pub async fn try_one(&self, object: &Movable) -> Result<Moved, NotMoved> {
        let tried = self.due(object).await;
        if !matches!(tried, Ok(Moved::Right)) && self.from.size(&object.key, false).await?.is_none() {
            return Ok(Moved::Gone);
        }
        tried
    }

    async fn due(&self, object: &Movable) -> Result<Moved, NotMoved> {
        let due = match &self.to {
            Some(to) => due(&self.from, to, self.by_size, object).await?,
            None => Moved::Copied,
        };
        match object.sha256 {
            Some(sha256) if due != Moved::Right && !self.by_size => {
                let is_whole = sha256_of(&self.from, &object.key).await? == sha256;
                if is_whole { Ok(due) } else { Err(NotMoved::DamagedBefore) }
            }
            _ => Ok(due),
        }
    }
}

/// What is to be done about an object: nothing if the second store has it right.
async fn due(from: &Store, to: &Store, by_size: bool, object: &Movable) -> Result<Moved, NotMoved> {
    match to.size(&object.key, false).await? {
        None => return Ok(Moved::Copied),
        Some(size) if size != object.size => return Ok(Moved::Replaced),
        Some(_) if by_size => return Ok(Moved::Right),
        Some(_) => {}
    }
    let wanted = match object.sha256 {
        Some(sha256) => sha256,
        None => sha256_of(from, &object.key).await?,
    };
    let is_right = sha256_of(to, &object.key).await? == wanted;
    Ok(if is_right { Moved::Right } else { Moved::Replaced })
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
