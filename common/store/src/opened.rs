//! Opens the store that `store.url` names. Another kind is another arm of
//! [`open`] and of [`Backing`].

use crate::{
    StoreConfig, StoreError,
    bucket::{self, Bucket},
    local::{self, Folders},
};
use object_store::ObjectStore;
use std::{path::Path, sync::Arc};

/// The store, and how it wants to be written to.
pub(crate) struct Opened {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) part_bytes: usize,
    pub(crate) backing: Backing,
}

/// What is behind it, for what only that kind can do.
#[derive(Clone)]
pub(crate) enum Backing {
    Folder(Folders),
    Bucket(Bucket),
}

/// Whether this is a folder that is not there.
pub(crate) fn is_missing_folder(url: &str) -> bool {
    url.strip_prefix("file://")
        .is_some_and(|path| path.starts_with('/') && matches!(Path::new(path).try_exists(), Ok(false)))
}

/// Opens what `url` names, with what the configuration says otherwise.
pub(crate) fn open(config: &StoreConfig, url: &str) -> Result<Opened, StoreError> {
    match url.split_once("://") {
        Some(("file", path)) if path.starts_with('/') => local::open(Path::new(path)),
        Some(("file", _)) => Err(StoreError::Url("the path must be absolute: file:///var/lib/heim-media/store")),
        Some(("s3", place)) => bucket::open(config, place),
        _ => Err(StoreError::Url("file:///absolute/folder or s3://bucket/prefix expected")),
    }
}
