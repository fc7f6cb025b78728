//! What encryption takes: the same bodies to and from a public and a private
//! room of one coordinator, in turns, so that whatever else slows the machine
//! slows both.

use crate::table::{Row, median};
use heim_common::{MediaId, spec::TranscodingName};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    raw::{Raw, authority, head, upload_head},
    until::within,
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const BODY_BYTES: usize = 24 << 20;
/// Rounds that are measured, after one that warms up.
const ROUNDS: usize = 40;
const ADMIN: &str = "a token of the administrator";
const MASTER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSCODE: &str = "a passcode of the room";

/// What is timed of a body: its way up, its way down to a bare socket, which
/// costs a client next to nothing, and down to an HTTP client.
const WAYS: [&str; 3] = ["upload", "download to a bare socket", "download to an HTTP client"];

/// Uploads and downloads: rates, and how much of the plain ones the encrypted
/// ones reach.
pub(crate) async fn measure() -> Vec<Row> {
    // The worker comes when the measurement is over: it would compete.
    let settings = [("keys.master", MASTER), ("admin.token", ADMIN), ("limits.pending_per_agent", "1000")];
    let mut fleet = Fleet::with(1, 0, &settings).await;
    let (web, body) = (Web::default(), photos());
    let public = Client::enter(fleet.base(0), "public", Entrance::aware(), "ana").await;
    let private = enter_private(fleet.base(0), "private").await;
    let mut rates = WAYS.map(|_| [Vec::new(), Vec::new()]);
    for round in 0..=ROUNDS {
        // Each is first as often as the other.
        let mut both = [(0, &public), (1, &private)];
        both.rotate_left(round % 2);
        for (kind, client) in both {
            let (id, up) = upload(client, &body).await;
            let url = client.media(id).await.transcodings[&TranscodingName::original()].url.clone();
            if round == 0 {
                assert!(web.get(&url).await.body == body, "what comes down is not what went up");
            }
            let took = [up, to_bare_socket(&url).await, to_http_client(&web, &url).await];
            for (way, took) in took.into_iter().enumerate().filter(|_| round > 0) {
                rates[way][kind].push(mib_per_second(took));
            }
        }
    }
    fleet.add_worker().await;
    drop(fleet);
    let rows = WAYS.into_iter().zip(rates).flat_map(|(way, [public, private])| {
        let ratio = median(&private) / median(&public);
        [
            Row::rates("files", format!("{way}, public room, MiB/s"), public),
            Row::rates("files", format!("{way}, private room, MiB/s"), private),
            Row::single("files", 1, format!("{way}: private ÷ public, of the p50"), ratio),
        ]
    });
    rows.collect()
}

/// One photo with as much of others behind it as fits: decoders take the first.
fn photos() -> Vec<u8> {
    let all = [corpus::SMALL].iter().chain(corpus::PHOTOS.iter().cycle()).map(|name| corpus::read(name));
    let mut body = Vec::with_capacity(BODY_BYTES);
    for photo in all {
        body.extend(photo);
        if body.len() >= BODY_BYTES {
            break;
        }
    }
    body.truncate(BODY_BYTES);
    body
}

/// A session in a new private room.
async fn enter_private(base: &str, room: &str) -> Client {
    let url = format!("{base}/api/v1/rooms/{room}");
    let create = Web::default().request(Method::PUT, &url).bearer_auth(ADMIN);
    let created = answer(create.json(&json!({ "private": true, "passcode": PASSCODE }))).await;
    assert_eq!(created.status, 201, "{created:?}");
    let client = Client::connect(base, room, Entrance::aware()).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    client.event("bounce-event").await;
    client.command("auth", json!({ "type": "passcode", "passcode": PASSCODE })).await;
    client.event("snapshot-event").await;
    client.command("nick", json!({ "name": "ana" })).await;
    client
}

/// From the first byte of the request until the answer, which comes when the
/// bytes are on the disk.
async fn upload(client: &Client, body: &[u8]) -> (MediaId, Duration) {
    let handle = client.upload_handle().await;
    let mut raw = Raw::connect(&handle.url).await;
    let head = upload_head(&handle, &[("Content-Length", &body.len().to_string())]);
    let began = Instant::now();
    raw.write(head).await;
    raw.write(body).await;
    let answer = raw.answer().await.expect("an answer");
    let took = began.elapsed();
    assert_eq!(answer.status, 201, "{answer:?}");
    (handle.id, took)
}

/// From the first byte of the request until the last of the body.
async fn to_bare_socket(url: &str) -> Duration {
    let host = authority(url);
    let head = head("GET", &url["http://".len() + host.len()..], &[("Host", host), ("Connection", "close")]);
    let mut stream = TcpStream::connect(host).await.expect("it listens");
    let mut buffer = vec![0; 256 << 10];
    let began = Instant::now();
    stream.write_all(head.as_bytes()).await.expect("the coordinator reads");
    let received = within("a download", async {
        let mut received = 0;
        loop {
            match stream.read(&mut buffer).await.expect("the coordinator writes") {
                0 => return received,
                count => received += count,
            }
        }
    });
    let received = received.await;
    let took = began.elapsed();
    assert!(received > BODY_BYTES, "{url}: {received} bytes with their head");
    took
}

/// As [`to_bare_socket`], by the client that the tests use.
async fn to_http_client(web: &Web, url: &str) -> Duration {
    let request = web.request(Method::GET, url);
    let began = Instant::now();
    let received = within("a download", async {
        let mut response = request.send().await.expect("the coordinator answers");
        let mut received = 0;
        while let Some(chunk) = response.chunk().await.expect("the coordinator writes") {
            received += chunk.len();
        }
        received
    });
    let received = received.await;
    let took = began.elapsed();
    assert_eq!(received, BODY_BYTES, "{url}");
    took
}

fn mib_per_second(took: Duration) -> f64 {
    f64::from(u32::try_from(BODY_BYTES >> 20).expect("a few")) / took.as_secs_f64()
}
