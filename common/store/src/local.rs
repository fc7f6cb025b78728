//! A folder as a store, and what the local store of `object_store` leaves to do:
//! folders that are made, removed and synced, and what a crash left in them.

use crate::{
    StoreError,
    opened::{Backing, Opened},
};
use futures_util::{Stream, stream};
use heim_runtime::disk::Disk;
use object_store::local::LocalFileSystem;
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

/// Large enough that the hops to the blocking threads don't show, small enough
/// that two of them for each upload are no burden.
const PART_BYTES: usize = 1 << 20;
/// How many finds of a walk wait for whoever asked for them.
const FOUND_AHEAD: usize = 64;
/// How often a folder is made again that somebody else removed meanwhile.
const MADE_AGAIN: usize = 5;

/// Opens a folder, and makes it where there is none.
pub(crate) fn open(root: &Path) -> Result<Opened, StoreError> {
    let failed = |error: io::Error| StoreError::Open(error.into());
    fs::create_dir_all(root).map_err(failed)?;
    let root = root.canonicalize().map_err(failed)?;
    // Off by default. It syncs the file before it is renamed into its place,
    // and then the folder.
    let objects = LocalFileSystem::new_with_prefix(&root).map_err(|error| StoreError::Open(error.into()))?;
    let objects = Arc::new(objects.with_fsync(true));
    let identity = identity(&root).map_err(failed)?;
    Ok(Opened { objects, part_bytes: PART_BYTES, backing: Backing::Folder(Folders { root, identity }) })
}

/// Makes the folders of an object before it is written.
///
/// The local store would do it by itself, but on the thread that asks, and
/// would sync each of them before the first byte: several commits of the
/// file system's journal. Here that happens while the object is on its way.
#[derive(Clone)]
pub(crate) struct Folders {
    root: PathBuf,
    /// Which folder that was when it was opened.
    identity: (u64, u64),
}

impl Folders {
    /// Returns when the folders are there; the handle, when they are on disk.
    pub(crate) async fn make(&self, key: &str) -> io::Result<JoinHandle<io::Result<()>>> {
        let (folders, object) = (self.clone(), self.root.join(key));
        let changed = spawn_blocking(move || {
            folders.are_these()?;
            make(&folders.root, &object)
        })
        .await??;
        Ok(spawn_blocking(move || changed.iter().try_for_each(|folder| sync(folder))))
    }

    /// Whether the store is where it was. A disk that is unmounted leaves an
    /// empty folder behind, in which every object seems to be missing, and what
    /// is written there is gone when the disk is back.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) async fn check(&self) -> io::Result<()> {
        let folders = self.clone();
        spawn_blocking(move || folders.are_these()).await?
    }

    /// The disk that it is on.
    pub(crate) async fn disk(&self) -> io::Result<Disk> {
        let folders = self.clone();
        spawn_blocking(move || {
            folders.are_these()?;
            Disk::of(&folders.root)
        })
        .await?
    }

    fn are_these(&self) -> io::Result<()> {
        // Mounted anew it may have another number, and is not empty.
        if identity(&self.root)? == self.identity || fs::read_dir(&self.root)?.next().is_some() {
            return Ok(());
        }
        Err(io::Error::other("the store's folder is another one than at the start, and empty: is its disk mounted?"))
    }

    /// Removes a folder with all that is in it, unfinished uploads too, which
    /// the local store itself neither lists nor deletes. Says how many files
    /// that were.
    pub(crate) async fn remove(&self, folder: &str) -> io::Result<u64> {
        let (root, folder) = (self.root.clone(), self.root.join(folder));
        spawn_blocking(move || {
            let removed = remove(&folder)?;
            prune(&root, &folder);
            Ok(removed)
        })
        .await?
    }

    /// Removes the folders that led to an object, as far as they are empty.
    pub(crate) async fn prune(&self, key: &str) {
        let (root, object) = (self.root.clone(), self.root.join(key));
        // A panic there is none of the caller's business.
        let _ = spawn_blocking(move || prune(&root, &object)).await;
    }

    /// What unfinished writes have left, and the empty folders, which end with
    /// a slash: by their paths in the store, in no order.
    pub(crate) fn leftovers(&self) -> impl Stream<Item = io::Result<String>> + Send + Unpin + use<> {
        let (tell, mut told) = mpsc::channel(FOUND_AHEAD);
        let root = self.root.clone();
        spawn_blocking(move || {
            if let Err(error) = walk(&root, &root, &tell) {
                let _ = tell.blocking_send(Err(error));
            }
        });
        stream::poll_fn(move |cx| told.poll_recv(cx))
    }

    /// Removes one of those. What is gone, or not empty any more, is as well.
    pub(crate) async fn remove_leftover(&self, path: &str) -> io::Result<()> {
        let (root, found, is_folder) = (self.root.clone(), self.root.join(path), path.ends_with('/'));
        spawn_blocking(move || {
            let removed = if is_folder { fs::remove_dir(&found) } else { fs::remove_file(&found) };
            match removed {
                Err(error) if !is_folder && error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => prune(&root, &found),
            }
            Ok(())
        })
        .await?
    }
}

/// Device and inode.
fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(folder).map(|found| (found.dev(), found.ino()))
}

fn sync(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder) {
        // Removed meanwhile because it was empty: the write makes it again.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened?.sync_all(),
    }
}

/// Removes the folders above, as far as they are empty. Whoever is about to
/// write there makes them again.
fn prune(root: &Path, path: &Path) {
    let above = path.ancestors().skip(1).take_while(|folder| *folder != root);
    let _ = above.map(fs::remove_dir).find(Result::is_err);
}

/// Tells of every leftover under a folder. Ends when nobody listens any more.
fn walk(root: &Path, folder: &Path, tell: &mpsc::Sender<io::Result<String>>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut is_empty = true;
    for entry in entries {
        let entry = entry?;
        is_empty = false;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            walk(root, &path, tell)?;
        } else if is_staging(&path) && !found(root, &path, "", tell) {
            return Ok(());
        }
    }
    if is_empty && folder != root {
        found(root, folder, "/", tell);
    }
    Ok(())
}

fn found(root: &Path, path: &Path, ending: &str, tell: &mpsc::Sender<io::Result<String>>) -> bool {
    match path.strip_prefix(root).ok().and_then(Path::to_str) {
        Some(path) => tell.blocking_send(Ok(format!("{path}{ending}"))).is_ok(),
        // No name of this store's.
        None => true,
    }
}

/// Whether a write in progress has this name: `{key}#{number}`.
fn is_staging(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.rsplit_once('#').is_some_and(|(key, number)| {
        !key.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
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
    // One above may be removed, being empty, while the one below is made.
    let is_gone = |made: &io::Result<()>| made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let mut made = fs::create_dir_all(folder);
    for _ in 0..MADE_AGAIN {
        if !is_gone(&made) {
            break;
        }
        made = fs::create_dir_all(folder);
    }
    made?;
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
