//! Keys that change while the store is open.

use super::{config, key, s3, without_keys};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use heim_runtime::Secret;
use heim_store::{CredentialSource, Store, StoreConfig, StoreError};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

const SECOND: (&str, &str) = ("second-key", "second secret of the test");
/// A part of an upload and a half: so each upload has two of them.
const LARGE: usize = 7 << 20;

/// Writes a file of keys as one should: beside it, and then into its place.
fn write(path: &Path, (id, secret): (&str, &str)) {
    let new = path.with_extension("new");
    fs::write(&new, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")).unwrap();
    fs::rename(new, path).unwrap();
}

/// A server, and a store whose keys are in a file.
struct Scene {
    server: s3::S3,
    folder: tempfile::TempDir,
    store: Store,
}

impl Scene {
    fn new() -> Self {
        let (server, folder) = (s3::S3::start(), tempfile::tempdir().unwrap());
        let file = folder.path().join("keys");
        write(&file, (s3::ACCESS_KEY, s3::SECRET_KEY));
        let config = StoreConfig { credentials_file: file.display().to_string(), ..without_keys(&server) };
        let store = Store::open(&config).unwrap();
        Self { server, folder, store }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("keys")
    }

    async fn put(&self, name: &str) -> Result<(), StoreError> {
        self.store.put(&key(name), None, Bytes::from_static(b"x")).await
    }

    /// Puts until it was done with these keys, with a bound.
    async fn is_signed_with(&self, id: &str) {
        let signed = async {
            loop {
                self.put("small").await.unwrap();
                if self.server.seen().last().is_some_and(|seen| seen.key() == id) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), signed).await.expect("the keys are taken within seconds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_revoked_while_uploads_run_and_none_fails() {
    let scene = Scene::new();
    scene.server.accept_keys(SECOND.0, SECOND.1);
    let (stop, done) = (AtomicBool::new(false), AtomicU32::new(0));
    let uploads = futures_util::future::join_all((0..4).map(|lane| {
        let (scene, stop, done) = (&scene, &stop, &done);
        async move {
            let body = Bytes::from(vec![lane; LARGE]);
            while !stop.load(Ordering::SeqCst) {
                let name = key(&format!("{lane}/{}", done.load(Ordering::SeqCst)));
                let mut writer = scene.store.writer(&name, None).await.unwrap();
                for chunk in body.chunks(1 << 18) {
                    writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
                }
                assert_eq!(writer.finish().await.unwrap().size, LARGE as u64);
                let read: Vec<Bytes> = scene.store.read(&name, None, None).await.unwrap().try_collect().await.unwrap();
                assert_eq!(read.concat(), body);
                done.fetch_add(1, Ordering::SeqCst);
            }
        }
    }));
    let rotation = async {
        let after = async |count| {
            while done.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        after(4).await;
        write(&scene.file(), SECOND);
        // At once: no look at the file has been due.
        scene.server.revoke_keys(s3::ACCESS_KEY);
        let now = done.load(Ordering::SeqCst);
        after(now + 12).await;
        stop.store(true, Ordering::SeqCst);
    };
    let all = futures_util::future::join(uploads, rotation);
    tokio::time::timeout(Duration::from_mins(1), all).await.expect("uploads go on");
    let seen = scene.server.seen();
    let refused = seen.iter().filter(|seen| seen.status == 403).count();
    assert!((1..=32).contains(&refused), "each request in flight is refused once: {refused}");
    assert!(seen.iter().filter(|seen| seen.status >= 400).all(|seen| seen.status == 403));
    assert!(seen.iter().filter(|seen| seen.status == 403).all(|seen| seen.key() == s3::ACCESS_KEY));
    assert_eq!(seen.last().unwrap().key(), SECOND.0);
    // What is asked with a signature in the URL goes on as well.
    assert!(scene.store.leftovers().collect::<Vec<_>>().await.is_empty());
}

#[tokio::test]
async fn changed_keys_are_taken_within_seconds_though_the_old_ones_hold() {
    let scene = Scene::new();
    scene.put("small").await.unwrap();
    scene.server.accept_keys(SECOND.0, SECOND.1);
    write(&scene.file(), SECOND);
    scene.is_signed_with(SECOND.0).await;
    assert!(scene.server.seen().iter().all(|seen| seen.status == 200));
}

#[tokio::test]
async fn a_listing_with_a_signature_in_its_url_looks_at_the_file_too() {
    let scene = Scene::new();
    scene.put("small").await.unwrap();
    scene.server.accept_keys(SECOND.0, SECOND.1);
    write(&scene.file(), SECOND);
    scene.server.revoke_keys(s3::ACCESS_KEY);
    let mut leftovers = scene.store.leftovers();
    assert!(leftovers.next().await.is_none());
}

#[tokio::test]
async fn a_broken_file_keeps_the_keys_that_were_good() {
    let scene = Scene::new();
    let half = format!("[default]\naws_access_key_id = {}\naws_secret", SECOND.0);
    for broken in [Some(half.as_str()), Some(""), Some("[default]\naws_access_key_id = \u{1}\n"), None] {
        match broken {
            Some(text) => fs::write(scene.file(), text).unwrap(),
            None => fs::remove_file(scene.file()).unwrap(),
        }
        // Longer than two looks.
        let until = tokio::time::Instant::now() + Duration::from_millis(2_200);
        while tokio::time::Instant::now() < until {
            scene.put("small").await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(scene.server.seen().iter().all(|seen| seen.key() == s3::ACCESS_KEY && seen.status == 200));
    scene.server.accept_keys(SECOND.0, SECOND.1);
    write(&scene.file(), SECOND);
    scene.is_signed_with(SECOND.0).await;
}

#[tokio::test]
async fn a_secret_that_is_half_written_is_not_signed_with() {
    let scene = Scene::new();
    scene.server.accept_keys(SECOND.0, SECOND.1);
    let mut file = fs::File::create(scene.file()).unwrap();
    // It would pass for keys: only that it changes again says that it is none.
    let (id, secret) = SECOND;
    write!(file, "[default]\naws_access_key_id = {id}\naws_secret_access_key = ").unwrap();
    for byte in secret.bytes() {
        file.write_all(&[byte]).unwrap();
        scene.put("small").await.unwrap();
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    drop(file);
    scene.is_signed_with(SECOND.0).await;
    assert!(scene.server.seen().iter().all(|seen| seen.status == 200));
}

#[tokio::test]
async fn keys_that_nobody_replaces_are_refused_and_the_error_says_no_path() {
    let scene = Scene::new();
    scene.server.revoke_keys(s3::ACCESS_KEY);
    let error = scene.put("small").await.unwrap_err();
    assert_eq!(error.to_string(), "the store failed to write an object");
    assert_eq!(scene.server.seen().len(), 1, "what is refused is not tried again without reason");
    let gone = StoreConfig { credentials_file: "/proc/heim/keys".into(), ..without_keys(&scene.server) };
    let error = Store::open(&gone).unwrap_err();
    assert_eq!(error.to_string(), "store.credentials_file: no keys can be taken from it");
    let both = StoreConfig { credentials_file: scene.file().display().to_string(), ..config(&scene.server) };
    assert!(matches!(Store::open(&both), Err(StoreError::Config(_))));
    let wrong = StoreConfig { secret_key: Secret::new("wrong".into()), ..config(&scene.server) };
    assert!(Store::open(&wrong).unwrap().check().await.is_err());
}

/// The metadata service of a machine, with one role.
fn machine(id: &'static str, secret: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut head) = (client.unwrap(), Vec::new());
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let body = match head.split(' ').nth(1).unwrap() {
                "/latest/api/token" => "token".to_owned(),
                "/latest/meta-data/iam/security-credentials/" => "role".to_owned(),
                "/latest/meta-data/iam/security-credentials/role" => format!(
                    "{{\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\",\"Token\":\"temporary\",\
                     \"Expiration\":\"2999-01-01T00:00:00Z\"}}"
                ),
                other => panic!("{other}"),
            };
            let length = body.len();
            write!(client, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
        }
    });
    port
}

#[tokio::test]
async fn the_machine_is_asked_for_keys_where_the_operator_says_so() {
    let server = s3::S3::start();
    server.accept_keys(SECOND.0, SECOND.1);
    let config = StoreConfig {
        credentials: CredentialSource::Instance,
        credentials_url: format!("http://127.0.0.1:{}", machine(SECOND.0, SECOND.1)),
        ..without_keys(&server)
    };
    Store::open(&config).unwrap().check().await.unwrap();
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.key() == SECOND.0 && seen.header("x-amz-security-token") == "temporary"));
}
