//! Objects that are read, or are not there.

use super::{key, read, sample};
use crate::Backing;
use bytes::Bytes;
use futures_util::TryStreamExt;
use heim_common::key::ObjectKey;
use heim_store::StoreError;

pub(crate) async fn ranges_are_cut_to_what_is_there(backing: impl Backing) {
    let store = backing.store();
    let size = backing.part() as u64 + 1;
    let original = sample(backing.part() + 1, 1);
    store.put(&key("original"), backing.secret(), original.clone()).await.unwrap();
    for range in [0..1, 0..size, 5..6, 262_100..262_200, 262_144..524_288, 9..900_000, size - 1..size, 7..u64::MAX] {
        let body = store.read(&key("original"), backing.secret(), Some(range.clone())).await.unwrap();
        assert_eq!(body.total(), size);
        let cut = range.start..range.end.min(size);
        assert_eq!(body.range(), cut);
        let (start, end) = (usize::try_from(cut.start).unwrap(), usize::try_from(cut.end).unwrap());
        assert!(read(&backing, &key("original"), Some(range)).await == original[start..end], "{cut:?}");
    }
    for range in [size..size + 1, u64::MAX - 1..u64::MAX, 3..3, 0..0] {
        match store.read(&key("original"), backing.secret(), Some(range.clone())).await {
            Err(StoreError::OutOfRange { size: told }) => assert_eq!(told, size),
            other => panic!("{range:?}: {other:?}"),
        }
    }
    let missing = store.read(&key("thumb.v1"), backing.secret(), Some(0..1)).await;
    assert!(missing.err().unwrap().is_not_found());
}

pub(crate) async fn an_empty_object_has_no_range(backing: impl Backing) {
    let store = backing.store();
    store.put(&key("original"), backing.secret(), Bytes::new()).await.unwrap();
    assert_eq!(store.size(&key("original"), backing.is_sealed()).await.unwrap(), Some(0));
    let body = store.read(&key("original"), backing.secret(), None).await.unwrap();
    assert_eq!((body.total(), body.range()), (0, 0..0));
    assert!(read(&backing, &key("original"), None).await.is_empty());
    let error = store.read(&key("original"), backing.secret(), Some(0..1)).await.err().unwrap();
    assert!(matches!(error, StoreError::OutOfRange { size: 0 }), "{error:?}");
}

pub(crate) async fn what_is_not_there(backing: impl Backing) {
    let store = backing.store();
    assert!(store.read(&key("original"), backing.secret(), None).await.err().unwrap().is_not_found());
    assert_eq!(store.size(&key("original"), backing.is_sealed()).await.unwrap(), None);
    store.delete(&key("original")).await.unwrap();
    assert!(store.keys().try_collect::<Vec<_>>().await.unwrap().is_empty());
    // What only leads to an object is none itself.
    store.put(&key("original"), backing.secret(), Bytes::from_static(b"x")).await.unwrap();
    let folder = ObjectKey::from_stored("media/0c1ofy".into());
    assert_eq!(store.size(&folder, backing.is_sealed()).await.unwrap(), None);
    assert!(store.read(&folder, backing.secret(), None).await.err().unwrap().is_not_found());
}

pub(crate) async fn every_object_is_listed(backing: impl Backing) {
    let store = backing.store();
    for (name, size) in [("original", 3), ("thumb.v1", 0), ("full.v2", 4000)] {
        store.put(&key(name), backing.secret(), sample(size, 0)).await.unwrap();
    }
    let mut unfinished = store.writer(&key("large.v1"), backing.secret()).await.unwrap();
    unfinished.write(sample(2 * backing.part(), 0)).await.unwrap();
    let mut listed = store.keys().try_collect::<Vec<_>>().await.unwrap();
    listed.sort();
    assert_eq!(listed, [key("full.v2"), key("original"), key("thumb.v1")]);
    unfinished.abort().await;
}

pub(crate) async fn keys_stay_inside(backing: impl Backing) {
    let store = backing.store();
    for bad in ["", "/", "../out", "a/../../out", "a//b", "/a", "a/", ".", "a/./b"] {
        let bad = ObjectKey::from_stored(bad.into());
        assert!(
            matches!(store.put(&bad, backing.secret(), Bytes::from_static(b"x")).await, Err(StoreError::Key(_))),
            "{bad}"
        );
        assert!(matches!(store.writer(&bad, backing.secret()).await, Err(StoreError::Key(_))), "{bad}");
        assert!(matches!(store.read(&bad, backing.secret(), None).await, Err(StoreError::Key(_))), "{bad}");
    }
    assert!(backing.everything().await.is_empty());
}

pub(crate) async fn a_check_leaves_nothing(backing: impl Backing) {
    let store = backing.store();
    let (one, two) = tokio::join!(store.check(), store.check());
    one.unwrap();
    two.unwrap();
    assert!(backing.everything().await.is_empty());
}
