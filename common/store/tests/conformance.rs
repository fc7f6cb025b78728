//! One suite for every kind of store. Another kind is a struct with
//! [`Backing`] and a line of `conformance!` more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/src/s3/mod.rs"]
#[expect(unreachable_pub, dead_code, reason = "made for every crate's tests")]
mod s3;
mod suite;

use bytes::Bytes;
use heim_common::ObjectSecret;
use heim_runtime::Secret;
use heim_store::{Store, StoreConfig};
use std::{fs, path::Path};

/// A store of its own for one test, and a look at what is really in it.
trait Backing: Sized {
    async fn new() -> Self;
    fn store(&self) -> &Store;
    /// The part size of a writer, around which the edges are.
    fn part(&self) -> usize;
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
        let store = Store::open(&StoreConfig {
            url: format!("file://{}/store", folder.path().display()),
            ..StoreConfig::default()
        })
        .unwrap();
        Self { store, folder }
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn part(&self) -> usize {
        1 << 20
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

    fn part(&self) -> usize {
        self.folder.part()
    }

    fn secret(&self) -> Option<&ObjectSecret> {
        Some(&self.secret)
    }

    async fn everything(&self) -> Vec<String> {
        self.folder.everything().await
    }
}

/// A bucket, under a prefix, with plain or encrypted objects.
struct Bucket<const SEALED: bool> {
    store: Store,
    server: s3::S3,
    secret: ObjectSecret,
}

fn in_bucket(server: &s3::S3, prefix: &str) -> StoreConfig {
    StoreConfig {
        url: format!("s3://{}/{prefix}", s3::BUCKET),
        endpoint: format!("http://127.0.0.1:{}", server.port()),
        access_key: s3::ACCESS_KEY.into(),
        secret_key: Secret::new(s3::SECRET_KEY.into()),
        allow_plain_http: true,
        ..StoreConfig::default()
    }
}

impl<const SEALED: bool> Backing for Bucket<SEALED> {
    async fn new() -> Self {
        let server = s3::S3::start();
        let store = Store::open(&in_bucket(&server, "a/prefix")).unwrap();
        Self { store, server, secret: ObjectSecret::new([7; 32]) }
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn part(&self) -> usize {
        5 << 20
    }

    fn secret(&self) -> Option<&ObjectSecret> {
        SEALED.then_some(&self.secret)
    }

    async fn everything(&self) -> Vec<String> {
        [self.server.objects(), self.server.unfinished().into_iter().map(|(key, _)| key).collect()].concat()
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

conformance!(
    folder: crate::Folder, sealed_folder: crate::SealedFolder,
    bucket: crate::Bucket<false>, sealed_bucket: crate::Bucket<true>; [
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
            Store::open(&StoreConfig { url: "file:///proc/heim/store".into(), ..StoreConfig::default() }).unwrap_err(),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(!text.contains('/') && !text.contains("heim") && !text.contains("tmp"), "{text}");
            assert!(!error.is_not_found() && !error.is_full(), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_disk_that_is_not_mounted_any_more_is_no_missing_object_and_takes_none() {
        let folder = Folder::new().await;
        let (store, secret) = (&folder.store, ObjectSecret::new([7; 32]));
        let key = ObjectKey::from_stored("media/a/original".into());
        store.put(&key, None, Bytes::from_static(b"x")).await.unwrap();
        let (root, away) = (folder.folder.path().join("store"), folder.folder.path().join("away"));
        fs::rename(&root, &away).unwrap();
        for mount_point in [false, true] {
            if mount_point {
                fs::create_dir(&root).unwrap();
            }
            let errors = [
                store.size(&key, false).await.unwrap_err(),
                store.read(&key, None, None).await.err().unwrap(),
                store.read(&key, Some(&secret), None).await.err().unwrap(),
                store.put(&key, None, Bytes::from_static(b"y")).await.unwrap_err(),
                store.writer(&key, None).await.unwrap_err(),
                store.check().await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.to_string().split(' ').nth(1), Some("store"), "{error:?}");
                assert!(!error.is_not_found() && !error.is_full(), "{error:?}");
            }
        }
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0, "nothing is written where it would be lost");
        fs::remove_dir(&root).unwrap();
        fs::rename(&away, &root).unwrap();
        assert_eq!(store.size(&key, false).await.unwrap(), Some(1));
        store.check().await.unwrap();
    }

    #[test]
    fn other_urls_are_refused_with_what_is_expected() {
        for (url, words) in [
            ("s3://", "s3://bucket or s3://bucket/prefix expected"),
            ("s3:///prefix", "s3://bucket or s3://bucket/prefix expected"),
            ("s3://bucket/a//b", "s3://bucket or s3://bucket/prefix expected"),
            ("s3://bucket/../b", "s3://bucket or s3://bucket/prefix expected"),
            ("s3://user@bucket", "s3://bucket or s3://bucket/prefix expected"),
            ("file://relative", "the path must be absolute"),
            ("/var/lib", "file:///absolute/folder or s3://bucket/prefix expected"),
            ("", "file:///absolute/folder or s3://bucket/prefix expected"),
        ] {
            let keys = |url: &str| StoreConfig {
                url: url.into(),
                access_key: "key".into(),
                secret_key: Secret::new("secret".into()),
                ..StoreConfig::default()
            };
            let error = Store::open(&keys(url)).unwrap_err().to_string();
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
