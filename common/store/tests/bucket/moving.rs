//! Objects that are brought from one store to another, and the time in which
//! both are read.

use super::{config, key, s3};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures_util::TryStreamExt;
use heim_common::{ObjectSecret, key::ObjectKey};
use heim_store::{Movable, Moved, Moving, NotMoved, Store, StoreConfig, StoreError, Trial};
use std::fs;

/// A folder, a bucket, and what is needed to open them together.
struct Scene {
    server: s3::S3,
    folder: tempfile::TempDir,
    config: StoreConfig,
}

impl Scene {
    fn new() -> Self {
        let (server, folder) = (s3::S3::start(), tempfile::tempdir().unwrap());
        let config = config(&server);
        Self { server, folder, config }
    }

    fn old(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    fn moving(&self) -> Moving {
        let open = |url: &str| Store::open_at(&self.config, url).unwrap();
        Moving { from: open(&self.old()), to: open(&self.config.url), by_size: false }
    }

    /// Where the bucket has an object.
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.server.path(&format!("a/prefix/{}", key(name)))
    }
}

fn movable(name: &str, size: u64) -> Movable {
    Movable { key: key(name), size, sha256: None }
}

async fn read(store: &Store, key: &ObjectKey, secret: Option<&ObjectSecret>) -> Result<Vec<u8>, StoreError> {
    let chunks: Vec<Bytes> = store.read(key, secret, None).await?.try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn what_is_moved_is_read_back_and_what_is_right_is_left() {
    let scene = Scene::new();
    let moving = scene.moving();
    let secret = ObjectSecret::new([7; 32]);
    let large = Bytes::from((0..=250).cycle().take(6 << 20).collect::<Vec<u8>>());
    moving.from.put(&key("large"), None, large.clone()).await.unwrap();
    moving.from.put(&key("sealed"), Some(&secret), large.clone()).await.unwrap();
    moving.from.put(&key("empty"), None, Bytes::new()).await.unwrap();
    let all: Vec<_> = moving.from.objects().try_collect().await.unwrap();
    assert_eq!(all.len(), 3);
    for wanted in [Moved::Copied, Moved::Right] {
        for (key, size) in &all {
            let object = Movable { key: key.clone(), size: *size, sha256: None };
            assert_eq!(moving.move_one(&object).await.unwrap(), wanted, "{key}");
        }
    }
    for (name, secret) in [("large", None), ("sealed", Some(&secret))] {
        assert!(read(&moving.to, &key(name), secret).await.unwrap() == large, "{name}");
        assert_eq!(
            read(&moving.to, &key(name), None).await.unwrap(),
            read(&moving.from, &key(name), None).await.unwrap()
        );
    }
    // And the way back.
    let back = Moving { from: moving.to.clone(), to: moving.from.clone(), by_size: false };
    back.to.delete(&key("large")).await.unwrap();
    assert_eq!(back.move_one(&movable("large", large.len() as u64)).await.unwrap(), Moved::Copied);
    assert!(read(&back.to, &key("large"), None).await.unwrap() == large);
}

#[tokio::test]
async fn damage_is_found_on_both_sides_and_a_size_shows_only_what_it_can() {
    let scene = Scene::new();
    let moving = scene.moving();
    moving.from.put(&key("one"), None, Bytes::from_static(b"right")).await.unwrap();
    let one = movable("one", 5);
    assert_eq!(moving.move_one(&one).await.unwrap(), Moved::Copied);
    fs::write(scene.path("one"), "wrong").unwrap();
    let quick = Moving { by_size: true, ..moving.clone() };
    assert_eq!(quick.move_one(&one).await.unwrap(), Moved::Right);
    assert_eq!(moving.move_one(&one).await.unwrap(), Moved::Replaced);
    fs::write(scene.path("one"), "shor").unwrap();
    assert_eq!(quick.move_one(&one).await.unwrap(), Moved::Replaced);
    // What the row says decides, whichever side is damaged.
    let right = digest(&SHA256, b"right").as_ref().try_into().unwrap();
    let known = Movable { sha256: Some(right), ..one };
    fs::write(scene.folder.path().join(key("one").as_str()), "wrong").unwrap();
    assert_eq!(moving.move_one(&known).await.unwrap(), Moved::Right);
    moving.to.delete(&key("one")).await.unwrap();
    assert!(matches!(moving.move_one(&known).await, Err(NotMoved::DamagedBefore)));
    assert_eq!(moving.to.size(&key("one"), false).await.unwrap(), None, "damage is not carried over");
    assert!(scene.server.unfinished().is_empty());
}

#[tokio::test]
async fn a_trial_says_what_would_be_done_and_does_it_not() {
    let scene = Scene::new();
    let Moving { from, to, .. } = scene.moving();
    for name in ["right", "other", "absent", "damaged"] {
        from.put(&key(name), None, Bytes::from_static(b"right")).await.unwrap();
    }
    to.put(&key("right"), None, Bytes::from_static(b"right")).await.unwrap();
    to.put(&key("other"), None, Bytes::from_static(b"wrong")).await.unwrap();
    let objects = scene.server.objects();
    let trial = Trial { from: from.clone(), to: Some(to), by_size: false };
    let nowhere = format!("file://{}/nowhere", scene.folder.path().display());
    let to_nothing = Trial { to: Store::find_at(&scene.config, &nowhere).unwrap(), ..trial.clone() };
    assert!(to_nothing.to.is_none());
    for (name, wanted, by_size, to_a_new_one) in [
        ("right", Moved::Right, Moved::Right, Moved::Copied),
        ("other", Moved::Replaced, Moved::Right, Moved::Copied),
        ("absent", Moved::Copied, Moved::Copied, Moved::Copied),
        ("gone", Moved::Gone, Moved::Gone, Moved::Gone),
    ] {
        let object = movable(name, 5);
        let quick = Trial { by_size: true, ..trial.clone() };
        assert_eq!(trial.try_one(&object).await.unwrap(), wanted, "{name}");
        assert_eq!(quick.try_one(&object).await.unwrap(), by_size, "{name}");
        assert_eq!(to_nothing.try_one(&object).await.unwrap(), to_a_new_one, "{name}");
    }
    let another = Movable { sha256: Some([7; 32]), ..movable("damaged", 5) };
    for trial in [&trial, &to_nothing] {
        assert!(matches!(trial.try_one(&another).await, Err(NotMoved::DamagedBefore)));
    }
    assert_eq!(scene.server.objects(), objects);
    assert!(!scene.folder.path().join("nowhere").exists(), "no folder is made");
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_in_neither_store() {
    let scene = Scene::new();
    let moving = scene.moving();
    // It was listed, and is gone before it is read.
    assert_eq!(moving.move_one(&movable("gone", 5)).await.unwrap(), Moved::Gone);
    // Or was copied by somebody who did not see it go.
    moving.to.put(&key("late"), None, Bytes::from_static(b"wrong")).await.unwrap();
    assert_eq!(moving.move_one(&movable("late", 6)).await.unwrap(), Moved::Gone);
    assert!(scene.server.objects().is_empty());
}

#[tokio::test]
async fn with_a_fallback_both_are_read_one_is_written_and_both_are_deleted_from() {
    let scene = Scene::new();
    let Moving { from: old, to: new, .. } = scene.moving();
    let secret = ObjectSecret::new([7; 32]);
    let both = Store::open(&StoreConfig { fallback_url: scene.old(), ..scene.config.clone() }).unwrap();
    old.put(&key("old/one"), None, Bytes::from_static(b"of old")).await.unwrap();
    old.put(&key("old/sealed"), Some(&secret), Bytes::from_static(b"of old")).await.unwrap();
    both.put(&key("new/one"), None, Bytes::from_static(b"of new")).await.unwrap();
    assert_eq!(old.size(&key("new/one"), false).await.unwrap(), None);
    for (name, secret, text) in
        [("old/one", None, "of old"), ("old/sealed", Some(&secret), "of old"), ("new/one", None, "of new")]
    {
        assert_eq!(read(&both, &key(name), secret).await.unwrap(), text.as_bytes(), "{name}");
        assert_eq!(both.size(&key(name), secret.is_some()).await.unwrap(), Some(6));
    }
    let part: Vec<Bytes> = both.read(&key("old/one"), None, Some(3..6)).await.unwrap().try_collect().await.unwrap();
    assert_eq!(part.concat(), b"old");
    let beyond = both.read(&key("old/one"), None, Some(6..7)).await;
    assert!(matches!(beyond, Err(StoreError::OutOfRange { size: 6 })));
    assert!(both.read(&key("nowhere"), None, None).await.unwrap_err().is_not_found());
    assert_eq!(both.keys().try_collect::<Vec<_>>().await.unwrap().len(), 3);
    both.check().await.unwrap();

    new.put(&key("old/one"), None, Bytes::from_static(b"of old")).await.unwrap();
    both.delete(&key("old/one")).await.unwrap();
    for store in [&old, &new, &both] {
        assert_eq!(store.size(&key("old/one"), false).await.unwrap(), None);
    }
    assert_eq!(both.delete_folder("media/old/").await.unwrap(), 1);
    assert_eq!(both.keys().try_collect::<Vec<_>>().await.unwrap(), [key("new/one")]);
    // Nobody is sent to a server that may not have it yet.
    let links = StoreConfig { fallback_url: scene.old(), presigned_redirects: true, ..scene.config.clone() };
    let presented = heim_store::Presented { content_type: "image/webp", disposition: "inline", caching: "no-store" };
    let url = Store::open(&links).unwrap().presigned(&key("new/one"), http::Method::GET, presented).await.unwrap();
    assert_eq!(url, None);
    let same = StoreConfig { fallback_url: scene.config.url.clone(), ..scene.config.clone() };
    assert!(matches!(Store::open(&same), Err(StoreError::Config(_))));
}
