//! What can go wrong with the store, in words that may be shown to anybody.

use std::{error::Error, io};

type Cause = Box<dyn Error + Send + Sync>;

/// A failure of the store. `Display` never shows a path of the machine; the
/// source may.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `store.url` is not one that this release can use.
    #[error("store.url: {0}")]
    Url(&'static str),
    /// Another key of the section `store` is not what it must be.
    #[error("{0}")]
    Config(&'static str),
    /// The folder of `store.url` cannot be made or opened, or the client of its
    /// server not be made.
    #[error("store.url: it cannot be opened")]
    Open(#[source] Cause),
    /// The file of keys of an S3 server cannot be used.
    #[error("store.credentials_file: no keys can be taken from it")]
    Credentials(#[source] Cause),
    /// There is no object of this key.
    #[error("no such object in the store")]
    NotFound,
    /// The object is not as it was written, was written with another secret or
    /// under another key, or is no encrypted object at all.
    #[error("the object is not what was stored")]
    Tampered,
    /// The range begins behind the end of the object, or is empty.
    #[error("the range holds no byte of an object of {size} bytes")]
    OutOfRange {
        /// Bytes of the whole object.
        size: u64,
    },
    /// Objects can be read whole, and not in part.
    #[error("the store does not give the part of an object that it is asked for")]
    Part(#[source] Cause),
    /// The key has a form that no object can have.
    #[error("not a key of an object")]
    Key(#[source] Cause),
    /// There is no room left.
    #[error("the store is full")]
    Full(#[source] Cause),
    /// A writer was used again after it failed, or after a call on it was
    /// dropped midway: what it has written is not known any more.
    #[error("the writer failed before")]
    Broken,
    /// Anything else: the store did not do what was attempted.
    #[error("the store failed to {attempt}")]
    Unavailable {
        /// What was attempted, as a verb and its object.
        attempt: &'static str,
        /// Why.
        source: Cause,
    },
}

impl StoreError {
    /// Whether there is no object of this key.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound)
    }

    /// Whether an encrypted object is there and cannot be believed. It will
    /// never go better.
    #[must_use]
    pub fn is_tampered(&self) -> bool {
        matches!(self, Self::Tampered)
    }

    /// Whether there is no room left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether it can be read and not be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let Self::Unavailable { source, .. } = self else { return false };
        is_of(source.as_ref(), &[io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied])
    }

    /// Sorts a failure by its kind, never by its text.
    pub(crate) fn failed(attempt: &'static str, error: impl Into<Cause>) -> Self {
        let cause = error.into();
        match cause.downcast_ref::<object_store::Error>() {
            Some(object_store::Error::NotFound { .. }) => Self::NotFound,
            Some(object_store::Error::InvalidPath { .. }) => Self::Key(cause),
            _ if is_of(cause.as_ref(), &OUT_OF_ROOM) => Self::Full(cause),
            _ => Self::Unavailable { attempt, source: cause },
        }
    }
}

const OUT_OF_ROOM: [io::ErrorKind; 2] = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];

/// Whether there is an error of one of these kinds among its sources.
fn is_of(error: &(dyn Error + 'static), kinds: &[io::ErrorKind]) -> bool {
    let mut link = Some(error);
    while let Some(error) = link {
        if error.downcast_ref::<io::Error>().is_some_and(|error| kinds.contains(&error.kind())) {
            return true;
        }
        link = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands for the private error type between `object_store::Error` and `io::Error`.
    #[derive(Debug, thiserror::Error)]
    #[error("Unable to copy data to file")]
    struct Between(#[source] io::Error);

    fn generic(kind: io::ErrorKind) -> StoreError {
        let source = Box::new(Between(kind.into()));
        StoreError::failed("write an object", object_store::Error::Generic { store: "LocalFileSystem", source })
    }

    #[test]
    fn no_space_and_no_quota_are_full_and_nothing_else_is() {
        assert!(generic(io::ErrorKind::StorageFull).is_full());
        assert!(generic(io::ErrorKind::QuotaExceeded).is_full());
        assert!(StoreError::failed("read", io::Error::from(io::ErrorKind::StorageFull)).is_full());
        assert!(!generic(io::ErrorKind::PermissionDenied).is_full());
        assert!(generic(io::ErrorKind::PermissionDenied).is_read_only());
        assert!(generic(io::ErrorKind::ReadOnlyFilesystem).is_read_only());
        assert!(!generic(io::ErrorKind::StorageFull).is_read_only() && !StoreError::Broken.is_read_only());
    }

    #[test]
    fn display_says_what_was_attempted_and_does_not_repeat_the_source() {
        let error = generic(io::ErrorKind::PermissionDenied);
        assert_eq!(error.to_string(), "the store failed to write an object");
        assert!(error.source().is_some());
    }
}
