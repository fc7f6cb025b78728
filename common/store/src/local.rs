//! Opens the store that `store.url` names. Today that is a folder; another
//! kind is another arm of [`open`] and nothing else.

use crate::{StoreConfig, StoreError};
use object_store::{ObjectStore, local::LocalFileSystem};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::{JoinHandle, spawn_blocking};

/// The store, and how it wants to be written to.
pub(crate) struct Opened {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) part_bytes: usize,
    pub(crate) folders: Option<Folders>,
}

/// Large enough that the hops to the blocking threads don't show, small enough
/// that two of them for each upload are no burden.
const PART_BYTES: usize = 1 << 20;

pub(crate) fn open(config: &StoreConfig) -> Result<Opened, StoreError> {
    match config.url.split_once("://") {
        Some(("file", path)) if path.starts_with('/') => folder(Path::new(path)),
        Some(("file", _)) => Err(StoreError::Url("the path must be absolute: file:///var/lib/heim-media/store")),
        Some(("s3", _)) => Err(StoreError::Url("s3:// is not supported in this release; use file:///absolute/folder")),
        _ => Err(StoreError::Url("file:///absolute/folder expected")),
    }
}

fn folder(root: &Path) -> Result<Opened, StoreError> {
    let failed = |error: io::Error| StoreError::Open(error.into());
    fs::create_dir_all(root).map_err(failed)?;
    let root = root.canonicalize().map_err(failed)?;
    // Off by default. It syncs the file before it is renamed into its place,
    // and then the folder.
    let objects = LocalFileSystem::new_with_prefix(&root).map_err(|error| StoreError::Open(error.into()))?;
    let objects = Arc::new(objects.with_fsync(true));
    Ok(Opened { objects, part_bytes: PART_BYTES, folders: Some(Folders { root }) })
}

/// Makes the folders of an object before it is written.
///
/// The local store would do it by itself, but on the thread that asks, and
/// would sync each of them before the first byte: several commits of the
/// file system's journal. Here that happens while the object is on its way.
#[derive(Clone)]
pub(crate) struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Returns when the folders are there; the handle, when they are on disk.
    pub(crate) async fn make(&self, key: &str) -> io::Result<JoinHandle<io::Result<()>>> {
        let (root, object) = (self.root.clone(), self.root.join(key));
        let changed = spawn_blocking(move || make(&root, &object)).await??;
        Ok(spawn_blocking(move || changed.iter().try_for_each(|folder| fs::File::open(folder)?.sync_all())))
    }

    /// Removes a folder with all that is in it, unfinished uploads too, which
    /// the local store itself neither lists nor deletes. Says how many files
    /// that were.
    pub(crate) async fn remove(&self, folder: &str) -> io::Result<u64> {
        let (root, folder) = (self.root.clone(), self.root.join(folder));
        spawn_blocking(move || {
            let removed = remove(&folder)?;
            // Those above go too when they are empty. Whoever is about to write
            // there makes them again.
            let above = folder.ancestors().skip(1).take_while(|folder| *folder != root);
            let _ = above.map(fs::remove_dir).find(Result::is_err);
            Ok(removed)
        })
        .await?
    }
}

/// Removes what is in a folder, and then the folder. Links are removed and not
/// followed. What is gone by itself is as well.
fn remove(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove(&entry.path())?;
            continue;
        }
        match fs::remove_file(entry.path()) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    match fs::remove_dir(folder) {
        // A write that has begun meanwhile comes after this.
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => Err(error),
        _ => Ok(removed),
    }
}

/// Returns the folders that have a new entry. The last one, which will hold the
/// object, is synced when that is there.
fn make(root: &Path, object: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(folder) = object.parent() else { return Ok(Vec::new()) };
    let new: Vec<&Path> = folder.ancestors().take_while(|folder| *folder != root && !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    Ok(new.iter().filter_map(|folder| folder.parent()).map(Path::to_path_buf).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_with_a_new_entry_is_to_be_synced_and_no_other() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let object = root.join("media/0c1ofy/0c1ofy7941g5c/original");
        assert_eq!(make(root, &object).unwrap(), [root.join("media/0c1ofy"), root.join("media"), root.to_owned()]);
        assert!(make(root, &object).unwrap().is_empty());
        let object = root.join("media/0c1ofy/0c1ofy7941g5d/original");
        assert_eq!(make(root, &object).unwrap(), [root.join("media/0c1ofy")]);
        assert!(make(root, &root.join("original")).unwrap().is_empty());
    }
}
