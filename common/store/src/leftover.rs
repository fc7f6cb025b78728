//! What is in the store and is no object: writes that nobody ended, and folders
//! that nothing is in. Only a crash leaves the first. Whoever removes one has to
//! know that nobody is at it any more: that cannot be seen here.

use crate::{Store, StoreError, bucket::UploadId, opened::Backing};
use futures_util::{Stream, StreamExt, TryStreamExt};

const ATTEMPT: &str = "remove what a write has left";

/// One of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A file or, with a slash at its end, a folder.
    Path(String),
    Upload(UploadId),
}

impl Leftover {
    /// What tells it apart from every other, and from every object's key.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Path(path) => path.clone(),
            Kind::Upload(UploadId { path, id }) => format!("{path}#{id}"),
        }
    }
}

impl Store {
    /// All leftovers, in no order, as they are found; writes that are under way
    /// among them.
    ///
    /// Each item is an error where the store could not be read on.
    pub fn leftovers(&self) -> impl Stream<Item = Result<Leftover, StoreError>> + Send + Unpin + use<> {
        match &self.backing {
            Backing::Folder(folders) => folders
                .leftovers()
                .map_ok(|path| Leftover(Kind::Path(path)))
                .map_err(|error| StoreError::failed("list unfinished writes", error))
                .boxed(),
            Backing::Bucket(bucket) => bucket.unfinished("").map_ok(|upload| Leftover(Kind::Upload(upload))).boxed(),
        }
    }

    /// Removes a leftover. A write that is still at it fails. Where there is
    /// none any more, that is as well.
    ///
    /// # Errors
    /// If it may still be there.
    pub async fn remove_leftover(&self, leftover: &Leftover) -> Result<(), StoreError> {
        match (&self.backing, &leftover.0) {
            (Backing::Folder(folders), Kind::Path(path)) => {
                folders.remove_leftover(path).await.map_err(|error| StoreError::failed(ATTEMPT, error))
            }
            (Backing::Bucket(bucket), Kind::Upload(upload)) => bucket.abort(upload).await,
            // Of another store.
            _ => Ok(()),
        }
    }
}
