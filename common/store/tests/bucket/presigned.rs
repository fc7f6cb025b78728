//! Signed URLs, followed by a client that has no keys.

use super::{config, key, s3};
use bytes::Bytes;
use heim_store::{Presented, Presigned, Store, StoreConfig};
use http::Method;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

const BODY: &[u8] = b"a picture that everybody may see";
const PICTURE: Presented<'_> =
    Presented { content_type: "image/webp", disposition: "inline", caching: "public, max-age=60" };

/// What a server answers.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let line = |line: &'_ &str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        self.head.lines().find(line).and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }
}

/// Asks as a browser would that was sent there.
fn fetch(method: &str, url: &str, range: Option<&str>) -> Answer {
    let (host, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut server = TcpStream::connect(host).unwrap();
    let range = range.map_or(String::new(), |range| format!("Range: {range}\r\n"));
    write!(server, "{method} /{target} HTTP/1.1\r\nHost: {host}\r\n{range}Connection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    server.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: bytes[end + 4..].to_vec() }
}

/// A server with an object, and a store that signs URLs.
async fn scene(holds_s: u64) -> (s3::S3, Store) {
    let server = s3::S3::start();
    let config = StoreConfig { presigned_redirects: true, presigned_s: holds_s, ..config(&server) };
    let store = Store::open(&config).unwrap();
    store.put(&key("picture"), None, Bytes::from_static(BODY)).await.unwrap();
    (server, store)
}

async fn signed(store: &Store, method: Method) -> Presigned {
    store.presigned(&key("picture"), method, PICTURE).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_client_without_keys_gets_the_object_its_parts_and_the_types_that_were_signed() {
    let (_server, store) = scene(60).await;
    let Presigned { url, holds } = signed(&store, Method::GET).await;
    assert_eq!(holds, Duration::from_mins(1));
    assert!(url.starts_with(store.presigned_origin().unwrap()), "{url}");
    let answer = fetch("GET", &url, None);
    assert_eq!((answer.status, answer.body.as_slice()), (200, BODY), "{}", answer.head);
    for (name, value) in
        [("content-type", "image/webp"), ("content-disposition", "inline"), ("cache-control", "public, max-age=60")]
    {
        assert_eq!(answer.header(name), value, "{}", answer.head);
    }
    let part = fetch("GET", &url, Some("bytes=2-8"));
    assert_eq!((part.status, part.body.as_slice()), (206, &BODY[2..9]));
    assert_eq!(part.header("content-range"), format!("bytes 2-8/{}", BODY.len()));
    assert_eq!(fetch("GET", &url, Some("bytes=1000-")).status, 416);
    let head = fetch("HEAD", &signed(&store, Method::HEAD).await.url, None);
    assert_eq!((head.status, head.header("content-length")), (200, BODY.len().to_string().as_str()));
    // Each is signed for its own method.
    assert_eq!(fetch("HEAD", &url, None).status, 403);
}

#[tokio::test]
async fn what_was_not_signed_is_refused() {
    let (server, store) = scene(60).await;
    store.put(&key("other"), None, Bytes::from_static(b"not for everybody")).await.unwrap();
    let url = signed(&store, Method::GET).await.url;
    let (unsigned, signature) = url.rsplit_once('=').unwrap();
    let forged = if signature.starts_with('0') { '1' } else { '0' };
    for changed in [
        format!("{unsigned}={forged}{}", &signature[1..]),
        url.replace("/picture?", "/other?"),
        url.replace("=inline", "=attachment"),
        url.replace("image%2Fwebp", "text%2Fhtml"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"),
        url.replace("response-cache-control=", "response-expires="),
        unsigned.to_owned(),
        url.split('?').next().unwrap().to_owned(),
    ] {
        assert_ne!(changed, url);
        let answer = fetch("GET", &changed, None);
        assert!(matches!(answer.status, 400 | 403), "{changed}: {}", answer.head);
        assert!(!answer.body.starts_with(b"not for") && answer.body != BODY);
    }
    assert_eq!(fetch("PUT", &url, None).status, 403);
    // Who takes the keys back takes back what was signed with them.
    server.revoke_keys(s3::ACCESS_KEY);
    assert_eq!(fetch("GET", &url, None).status, 403);
}

#[tokio::test]
async fn a_signature_runs_out() {
    let (_server, store) = scene(10).await;
    let url = signed(&store, Method::GET).await.url;
    assert_eq!(fetch("GET", &url, None).status, 200);
    let refused = async {
        loop {
            let answer = fetch("GET", &url, None);
            if answer.status != 200 {
                return answer.status;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(15), refused).await.unwrap(), 403);
    assert_eq!(fetch("GET", &signed(&store, Method::GET).await.url, None).status, 200);
}

#[tokio::test]
async fn clients_are_sent_to_where_they_reach_the_server() {
    let server = s3::S3::start();
    // The same server by another name, which is signed.
    let public = format!("http://localhost:{}", server.port());
    let config = StoreConfig { presigned_redirects: true, public_endpoint: public.clone(), ..config(&server) };
    let store = Store::open(&config).unwrap();
    store.put(&key("picture"), None, Bytes::from_static(BODY)).await.unwrap();
    let url = signed(&store, Method::GET).await.url;
    assert_eq!(store.presigned_origin(), Some(public.as_str()));
    assert!(url.starts_with(&public), "{url}");
    assert_eq!(fetch("GET", &url, None).body, BODY);
    assert_eq!(fetch("GET", &url.replace("localhost", "127.0.0.1"), None).status, 403);
}

#[tokio::test]
async fn nothing_is_signed_where_nobody_asked_for_it() {
    let server = s3::S3::start();
    let store = Store::open(&config(&server)).unwrap();
    assert_eq!(store.presigned(&key("picture"), Method::GET, PICTURE).await.unwrap(), None);
    assert_eq!(store.presigned_origin(), None);
}
