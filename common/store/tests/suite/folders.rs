//! Whole folders that are deleted.

use super::{key, sample};
use crate::Backing;
use bytes::Bytes;
use heim_common::key::ObjectKey;
use heim_store::StoreError;

const FOLDER: &str = "media/0c1ofy/0c1ofy7941g5c/";

pub(crate) async fn a_folder_goes_with_all_that_is_in_it(backing: impl Backing) {
    let store = backing.store();
    let neighbours = ["media/0c1ofy/0c1ofy7941g5d/original", "media/0c1ofy/0c1ofy7941g5c0/original", "media/other"];
    let neighbours = neighbours.map(|key| ObjectKey::from_stored(key.into()));
    for key in [&key("original.1"), &key("thumb.v1"), &key("deep/er/full.v1")].into_iter().chain(&neighbours) {
        store.put(key, backing.secret(), sample(100, 1)).await.unwrap();
    }
    let mut unfinished = store.writer(&key("original.2"), backing.secret()).await.unwrap();
    unfinished.write(sample(2 * backing.part(), 1)).await.unwrap();
    assert_eq!(store.delete_folder(FOLDER).await.unwrap(), 4);
    assert_eq!(backing.everything().await.len(), neighbours.len());
    assert_eq!(store.delete_folder(FOLDER).await.unwrap(), 0);
    unfinished.abort().await;
    store.put(&key("original.1"), backing.secret(), Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(store.delete_folder("media/").await.unwrap(), 4);
    assert!(backing.everything().await.is_empty());
}

pub(crate) async fn what_is_no_folder_is_not_deleted(backing: impl Backing) {
    let store = backing.store();
    store.put(&key("original"), backing.secret(), Bytes::from_static(b"x")).await.unwrap();
    for bad in ["", "/", "//", "media", "../", "media/../", "/media/", "media//", "./", "media/./"] {
        assert!(matches!(store.delete_folder(bad).await, Err(StoreError::Key(_))), "{bad}");
    }
    for none in ["medi/", "media/0c1ofy/0c1ofy7941g5/", "media/0c1ofy/0c1ofy7941g5c/original/"] {
        assert_eq!(store.delete_folder(none).await.unwrap(), 0, "{none}");
    }
    assert_eq!(backing.everything().await.len(), 1);
}

pub(crate) async fn a_write_in_a_folder_that_goes_stores_nothing(backing: impl Backing) {
    let store = backing.store();
    let mut writer = store.writer(&key("original"), backing.secret()).await.unwrap();
    writer.write(sample(2 * backing.part(), 1)).await.unwrap();
    store.delete_folder(FOLDER).await.unwrap();
    assert!(writer.finish().await.is_err());
    assert!(backing.everything().await.is_empty());
}
