//! What a bucket's policy has to allow.

use super::{config, key, s3};
use bytes::Bytes;
use futures_util::TryStreamExt;
use heim_store::Store;
use std::collections::BTreeSet;

const MANUAL: &str = include_str!("../../../../docs/operations/store.md");

/// The action that a policy calls this request.
fn action(seen: &s3::Seen) -> &'static str {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let of_bucket = path.trim_matches('/') == s3::BUCKET;
    match (seen.method.as_str(), of_bucket) {
        ("PUT", false) => "s3:PutObject",
        ("POST", false) if query.starts_with("upload") => "s3:PutObject",
        ("GET" | "HEAD", false) => "s3:GetObject",
        ("DELETE", false) if query.starts_with("uploadId=") => "s3:AbortMultipartUpload",
        ("DELETE", false) => "s3:DeleteObject",
        ("POST", true) if query.starts_with("delete") => "s3:DeleteObject",
        ("GET", true) if query.starts_with("uploads") => "s3:ListBucketMultipartUploads",
        ("GET", true) => "s3:ListBucket",
        other => panic!("{other:?} {query}"),
    }
}

#[tokio::test]
async fn the_policy_in_the_manual_is_what_is_asked_for() {
    let server = s3::S3::start();
    let store = Store::open(&config(&server)).unwrap();
    store.check().await.unwrap();
    for (name, finished) in [("one/large", true), ("one/given-up", false), ("two/left", true)] {
        let mut writer = store.writer(&key(name), None).await.unwrap();
        writer.write(Bytes::from(vec![7; 11 << 20])).await.unwrap();
        if finished {
            writer.finish().await.unwrap();
        } else {
            writer.abort().await;
        }
    }
    assert_eq!(store.keys().try_collect::<Vec<_>>().await.unwrap().len(), 2);
    assert_eq!(store.size(&key("one/large"), false).await.unwrap(), Some(11 << 20));
    store.delete(&key("one/large")).await.unwrap();
    assert_eq!(store.delete_folder("media/two/").await.unwrap(), 1);
    let seen = server.seen();
    let asked: BTreeSet<_> = seen.iter().map(action).collect();
    let allowed: BTreeSet<_> =
        MANUAL.split('"').filter(|word| word.starts_with("s3:") && !word.contains('/')).collect();
    assert_eq!(asked, allowed);
}
