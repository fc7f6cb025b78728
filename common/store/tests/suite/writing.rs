//! Objects that are written, or not.

use super::{becomes_empty, key, read, sample};
use crate::Backing;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures_util::{FutureExt, TryStreamExt};
use heim_store::{StoreError, Written};

pub(crate) async fn what_is_written_reads_back_at_and_around_the_edges(backing: impl Backing) {
    let store = backing.store();
    for size in
        [0, 1, backing.part() - 1, backing.part(), backing.part() + 1, 2 * backing.part(), 3 * backing.part() + 7]
    {
        for chunk in [977, 16 << 10, 5 * backing.part()] {
            let original = sample(size, 1);
            let mut writer = store.writer(&key("original"), backing.secret()).await.unwrap();
            for at in (0..size).step_by(chunk) {
                writer.write(original.slice(at..size.min(at + chunk))).await.unwrap();
            }
            let written = writer.finish().await.unwrap();
            let sha256 = digest(&SHA256, &original).as_ref().try_into().unwrap();
            assert_eq!(written, Written { size: size as u64, sha256 });
            assert!(read(&backing, &key("original"), None).await == original, "{size} by {chunk}");
            assert_eq!(store.size(&key("original"), backing.is_sealed()).await.unwrap(), Some(size as u64));
        }
    }
    assert_eq!(backing.everything().await.len(), 1);
}

pub(crate) async fn a_second_object_replaces_the_first(backing: impl Backing) {
    let store = backing.store();
    store.put(&key("thumb.v1"), backing.secret(), sample(70_000, 1)).await.unwrap();
    store.put(&key("thumb.v1"), backing.secret(), sample(50_000, 2)).await.unwrap();
    assert!(read(&backing, &key("thumb.v1"), None).await == sample(50_000, 2));
    let mut writer = store.writer(&key("thumb.v1"), backing.secret()).await.unwrap();
    writer.write(sample(2 * backing.part(), 3)).await.unwrap();
    writer.finish().await.unwrap();
    assert!(read(&backing, &key("thumb.v1"), None).await == sample(2 * backing.part(), 3));
    store.delete(&key("thumb.v1")).await.unwrap();
    store.delete(&key("thumb.v1")).await.unwrap();
    assert!(backing.everything().await.is_empty());
}

pub(crate) async fn nothing_is_seen_before_the_end(backing: impl Backing) {
    let store = backing.store();
    let mut writer = store.writer(&key("original"), backing.secret()).await.unwrap();
    writer.write(sample(3 * backing.part(), 1)).await.unwrap();
    assert_eq!(store.size(&key("original"), backing.is_sealed()).await.unwrap(), None);
    assert!(store.keys().try_collect::<Vec<_>>().await.unwrap().is_empty());
    writer.finish().await.unwrap();
    assert_eq!(store.size(&key("original"), backing.is_sealed()).await.unwrap(), Some(3 * backing.part() as u64));
}

pub(crate) async fn an_aborted_write_leaves_nothing(backing: impl Backing) {
    for size in [0, 10, backing.part(), 3 * backing.part() + 5] {
        let mut writer = backing.store().writer(&key("original"), backing.secret()).await.unwrap();
        writer.write(sample(size, 1)).await.unwrap();
        writer.abort().await;
        assert!(backing.everything().await.is_empty(), "{size}");
    }
}

pub(crate) async fn a_dropped_write_leaves_nothing(backing: impl Backing) {
    for size in [0, 10, backing.part(), 3 * backing.part() + 5] {
        let mut writer = backing.store().writer(&key("original"), backing.secret()).await.unwrap();
        writer.write(sample(size, 1)).await.unwrap();
        drop(writer);
        becomes_empty(&backing).await;
    }
}

pub(crate) async fn a_write_dropped_midway_breaks_the_writer(backing: impl Backing) {
    let mut writer = backing.store().writer(&key("original"), backing.secret()).await.unwrap();
    // The second full part makes the writer wait for the first: dropped there.
    assert!(writer.write(sample(3 * backing.part(), 1)).now_or_never().is_none());
    assert!(matches!(writer.write(Bytes::from_static(b"x")).await, Err(StoreError::Broken)));
    assert!(matches!(writer.finish().await, Err(StoreError::Broken)));
    becomes_empty(&backing).await;
}

pub(crate) async fn two_writers_of_one_key_never_mix(backing: impl Backing) {
    let store = backing.store();
    let mut one = store.writer(&key("thumb.v1"), backing.secret()).await.unwrap();
    let mut two = store.writer(&key("thumb.v1"), backing.secret()).await.unwrap();
    for _ in 0..3 {
        one.write(sample(backing.part(), 1)).await.unwrap();
        two.write(sample(backing.part() + 9, 2)).await.unwrap();
    }
    let (one, two) = tokio::join!(one.finish(), two.finish());
    let (one, two) = (one.unwrap(), two.unwrap());
    let stored = digest(&SHA256, &read(&backing, &key("thumb.v1"), None).await);
    assert!([one.sha256, two.sha256].iter().any(|sha256| sha256[..] == *stored.as_ref()));
    assert_eq!(backing.everything().await.len(), 1);
}
