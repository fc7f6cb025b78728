//! Encryption by the server: what it is told.

use super::{config, key, s3};
use bytes::Bytes;
use futures_util::TryStreamExt;
use heim_common::ObjectSecret;
use heim_store::{ServerSideEncryption, Store, StoreConfig, StoreError};

const HOW: &str = "x-amz-server-side-encryption";
const WHICH: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// Writes all that a store can write, reads it, and says what the server was
/// asked, each with a word for the operation.
async fn asked(how: ServerSideEncryption, kms_key_id: &str) -> Vec<(&'static str, s3::Seen)> {
    let server = s3::S3::start();
    let config = StoreConfig { server_side_encryption: how, kms_key_id: kms_key_id.into(), ..config(&server) };
    let store = Store::open(&config).unwrap();
    let secret = ObjectSecret::new([7; 32]);
    for (name, secret, bytes) in [
        ("small", None, 10),
        ("sealed", Some(&secret), 10),
        ("large", None, 6 << 20),
        ("sealed-large", Some(&secret), 6 << 20),
    ] {
        let key = key(name);
        let body = Bytes::from(vec![7; bytes]);
        if bytes < 100 {
            store.put(&key, secret, body.clone()).await.unwrap();
        } else {
            let mut writer = store.writer(&key, secret).await.unwrap();
            writer.write(body.clone()).await.unwrap();
            writer.finish().await.unwrap();
        }
        let read: Vec<Bytes> = store.read(&key, secret, None).await.unwrap().try_collect().await.unwrap();
        assert_eq!(read.concat(), body);
        store.delete(&key).await.unwrap();
    }
    let seen = server.seen().into_iter();
    let asked = seen.map(|seen| {
        let query = seen.target.split_once('?').map_or("", |(_, query)| query);
        let part = query.contains("partNumber=");
        let word = match (seen.method.as_str(), query) {
            ("PUT", _) if seen.headers.contains_key("x-amz-copy-source") => "copy",
            ("PUT", _) if part => "part",
            ("PUT", _) => "put",
            ("POST", _) if query.starts_with("uploads") => "begin",
            ("POST", _) if query.starts_with("uploadId=") => "end",
            ("POST", _) if query.starts_with("delete") => "delete",
            ("DELETE", _) => "delete",
            ("GET" | "HEAD", _) => "read",
            other => panic!("{other:?}"),
        };
        assert_eq!(seen.status / 100, 2, "{seen:?}");
        (word, seen)
    });
    asked.collect()
}

#[tokio::test]
async fn every_object_is_begun_with_the_setting_and_nothing_else_carries_it() {
    use ServerSideEncryption::{Aes256, Kms, KmsDsse, None};
    for (how, id, header) in
        [(None, "", ""), (Aes256, "", "AES256"), (Kms, "alias/media", "aws:kms"), (KmsDsse, "key-1", "aws:kms:dsse")]
    {
        let asked = asked(how, id).await;
        for word in ["put", "begin", "part", "end", "read", "delete"] {
            assert!(asked.iter().any(|(was, _)| *was == word), "{word}");
        }
        // The server keeps it from the begin of an upload for all its parts, and
        // refuses it with what does not make an object.
        for (word, seen) in &asked {
            let wanted = if matches!(*word, "put" | "begin") { (header, id) } else { ("", "") };
            assert_eq!((seen.header(HOW), seen.header(WHICH)), wanted, "{word} {seen:?}");
        }
        // Nothing is ever copied within the server.
        assert!(asked.iter().all(|(word, _)| *word != "copy"));
    }
}

#[tokio::test]
async fn a_setting_that_would_not_be_kept_is_refused_at_the_start() {
    let server = s3::S3::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = StoreConfig { url: format!("file://{}", folder.path().display()), ..StoreConfig::default() };
    let refused = [
        StoreConfig { server_side_encryption: ServerSideEncryption::Kms, ..config(&server) },
        StoreConfig { kms_key_id: "key-1".into(), ..config(&server) },
        StoreConfig {
            server_side_encryption: ServerSideEncryption::Aes256,
            kms_key_id: "key-1".into(),
            ..config(&server)
        },
        StoreConfig { server_side_encryption: ServerSideEncryption::Aes256, ..folder },
    ];
    for config in refused {
        let Err(StoreError::Config(words)) = Store::open(&config) else { panic!("{config:?}") };
        assert!(words.starts_with("store."), "{words}");
    }
}
