//! One suite for every kind of store. Another kind is a struct with
//! [`Backing`] and a line of `conformance!` more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod suite;

use bytes::Bytes;
use heim_common::ObjectSecret;
use heim_store::{Store, StoreConfig};
use std::{fs, path::Path};

/// A store of its own for one test, and a look at what is really in it.
trait Backing: Sized {
    async fn new() -> Self;
    fn store(&self) -> &Store;
    /// What its objects are encrypted with.
    fn secret(&self) -> Option<&ObjectSecret>;
    fn is_sealed(&self) -> bool {
        self.secret().is_some()
    }
    /// All that is there, unfinished uploads too.
    async fn everything(&self) -> Vec<String>;
}

struct Folder {
    store: Store,
    folder: tempfile::TempDir,
}

/// The same folder, with encrypted objects in it.
struct SealedFolder {
    folder: Folder,
    secret: ObjectSecret,
}

impl Backing for Folder {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig { url: format!("file://{}/store", folder.path().display()) }).unwrap();
        Self { store, folder }
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn secret(&self) -> Option<&ObjectSecret> {
        None
    }

    async fn everything(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(self.folder.path(), &mut files);
        files
    }
}

impl Backing for SealedFolder {
    async fn new() -> Self {
        Self { folder: Folder::new().await, secret: ObjectSecret::new([7; 32]) }
    }

    fn store(&self) -> &Store {
        &self.folder.store
    }

    fn secret(&self) -> Option<&ObjectSecret> {
        Some(&self.secret)
    }

    async fn everything(&self) -> Vec<String> {
        self.folder.everything().await
    }
}

fn walk(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path.display().to_string()) }
    }
}

macro_rules! conformance {
    ($($name:ident: $backing:ty),+; $test:tt) => {
        $(conformance!(@one $name: $backing; $test);)+
    };
    (@one $name:ident: $backing:ty; [$($test:ident),+ $(,)?]) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $test() {
                    crate::suite::$test(<$backing as crate::Backing>::new().await).await;
                }
            )+
        }
    };
}

conformance!(folder: crate::Folder, sealed_folder: crate::SealedFolder; [
    what_is_written_reads_back_at_and_around_the_edges,
    a_second_object_replaces_the_first,
    nothing_is_seen_before_the_end,
    ranges_are_cut_to_what_is_there,
    an_empty_object_has_no_range,
    what_is_not_there,
    an_aborted_write_leaves_nothing,
    a_dropped_write_leaves_nothing,
    a_write_dropped_midway_breaks_the_writer,
    two_writers_of_one_key_never_mix,
    every_object_is_listed,
    keys_stay_inside,
    a_check_leaves_nothing,
    a_folder_goes_with_all_that_is_in_it,
    what_is_no_folder_is_not_deleted,
    a_write_in_a_folder_that_goes_stores_nothing,
]);

/// What only a folder can do wrong.
mod folder_only {
    use super::*;
    use heim_common::key::ObjectKey;

    #[tokio::test]
    async fn errors_carry_no_path_of_the_machine() {
        let folder = Folder::new().await;
        let key = ObjectKey::from_stored("media/a/original".into());
        let mut writer = folder.store.writer(&key, None).await.unwrap();
        // A file where a folder should be fails every call.
        fs::remove_dir_all(folder.folder.path().join("store/media")).unwrap();
        fs::write(folder.folder.path().join("store/media"), "").unwrap();
        let errors = [
            folder.store.put(&key, None, Bytes::from_static(b"x")).await.unwrap_err(),
            folder.store.writer(&key, None).await.unwrap_err(),
            writer.write(Bytes::from(vec![0; 3 << 20])).await.unwrap_err(),
            folder.store.size(&key, false).await.unwrap_err(),
            folder.store.read(&key, None, None).await.err().unwrap(),
            folder.store.delete(&key).await.unwrap_err(),
            folder.store.delete_folder("media/a\0/").await.unwrap_err(),
            Store::open(&StoreConfig { url: "file:///proc/heim/store".into() }).unwrap_err(),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(!text.contains('/') && !text.contains("heim") && !text.contains("tmp"), "{text}");
            assert!(!error.is_not_found() && !error.is_full(), "{error:?}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_what_is_expected() {
        for (url, words) in [
            ("s3://bucket/prefix", "s3:// is not supported in this release; use file:///absolute/folder"),
            ("file://relative", "the path must be absolute"),
            ("/var/lib", "file:///absolute/folder expected"),
            ("", "file:///absolute/folder expected"),
        ] {
            let error = Store::open(&StoreConfig { url: url.into() }).unwrap_err().to_string();
            assert!(error.starts_with("store.url: ") && error.contains(words), "{url}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_was_cut_short_is_an_error_and_not_a_short_object() {
        use futures_util::{StreamExt, TryStreamExt};
        let folder = Folder::new().await;
        let key = ObjectKey::from_stored("media/a/original".into());
        folder.store.put(&key, None, Bytes::from(vec![7; 1 << 20])).await.unwrap();
        let mut body = folder.store.read(&key, None, None).await.unwrap();
        body.next().await.unwrap().unwrap();
        let file = fs::OpenOptions::new().write(true).open(folder.folder.path().join("store/media/a/original"));
        file.unwrap().set_len(300_000).unwrap();
        // What was read ahead of the cut may come; what was cut off is missed.
        assert!(body.try_collect::<Vec<_>>().await.is_err());
    }
}
