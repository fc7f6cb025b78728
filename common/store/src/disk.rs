//! The disk that a store's folder is on.

use crate::{Store, StoreError, opened::Backing};
use heim_runtime::disk::Disk;

impl Store {
    /// The disk of a store that is a folder. A bucket has none that it tells of.
    ///
    /// # Errors
    /// If the folder is not there.
    pub async fn disk(&self) -> Result<Option<Disk>, StoreError> {
        match &self.backing {
            Backing::Folder(folders) => {
                let disk = folders.disk().await;
                disk.map(Some).map_err(|error| StoreError::failed("look at its disk", error))
            }
            Backing::Bucket(_) => Ok(None),
        }
    }
}
