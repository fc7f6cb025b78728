//! F69: sockets that are never read. News pile up before them, to a bound; then
//! they are closed, and what they held is given back.

use heim_tests::{
    client::{Client, Entrance},
    elsewhere,
    raw::{authority, head},
    standalone::Standalone,
    until::{until, within},
    usage::{open_sockets, resident_kib},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ROOMS: usize = 4;
const READERS: usize = 1_000;
/// What a client's kernel takes in for it.
const RECEIVED_BYTES: u32 = 32 << 10;
/// What one message says: more is cut off in news.
const SAID_BYTES: usize = 2_000;
/// Those who speak in each room, and what they say at most.
const CRIERS: usize = 24;
const SAID_MAX: usize = CRIERS * 5;
/// What waits for one socket, in news.
const QUEUE_BYTES: usize = 16 << 10;
/// So many messages and what is around them fit in.
const FITTING: usize = 7;
const SENT: &[u8] = b"\"send-event\"";
/// The close frame of a server: FIN and opcode 8, length, 1013, why.
const TOO_SLOW: &[u8] = b"\x88\x0a\x03\xf5too slow";

/// A session that read its snapshot and reads no more.
async fn deaf(base: &str, number: usize) -> TcpStream {
    let mut stream = elsewhere::connect(base, number % 20, Some(RECEIVED_BYTES)).await;
    let path = format!("/room/{}/ws", room(number));
    let request = head(
        "GET",
        &path,
        &[
            ("Host", authority(base)),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ],
    );
    stream.write_all(request.as_bytes()).await.expect("a fresh connection takes a request");
    let mut heard = Vec::new();
    within("the snapshot begins", async {
        while !heard.windows(14).any(|part| part == b"snapshot-event") {
            assert!(stream.read_buf(&mut heard).await.expect("it is open") > 0, "closed before the snapshot");
        }
    })
    .await;
    stream
}

fn room(number: usize) -> String {
    format!("hall{}", number % ROOMS)
}

/// How many sessions a room has, but for the one that asks.
async fn others(client: &Client) -> usize {
    client.command("who", Value::Null).await["listing"].as_array().map_or(0, Vec::len) - 1
}

/// Those who speak in a room. Nobody may say much in a short time.
async fn criers(base: &str, room: &str) -> Vec<Client> {
    let mut criers = Vec::new();
    for _ in 0..CRIERS {
        criers.push(Client::enter(base, room, Entrance::unaware(), "crier").await);
    }
    criers
}

/// Says much until nobody is in the room but those who speak.
async fn drown(criers: &[Client], mut after_each: impl FnMut()) {
    for number in 0.. {
        let crier = &criers[number % CRIERS];
        crier.command("send", json!({ "content": "z".repeat(SAID_BYTES) })).await;
        after_each();
        if others(crier).await == CRIERS - 1 {
            return;
        }
        assert!(number < SAID_MAX, "much more was said than may wait for anybody");
    }
}

#[tokio::test]
async fn f69_a_thousand_sockets_that_never_read_are_closed_and_cost_a_bounded_amount() {
    let heim =
        Standalone::with(&[("limits.socket_queue_bytes", &QUEUE_BYTES.to_string()), ("coordinator.ping_ms", "60000")])
            .await;
    heim_runtime::open_files::raise();
    let mut speaking = Vec::new();
    for number in 0..ROOMS {
        speaking.push(criers(heim.base(), &room(number)).await);
    }
    let (empty, sockets) = (resident_kib(&heim.process), open_sockets(&heim.process));
    let mut all = Vec::new();
    for number in 0..READERS {
        all.push(deaf(heim.base(), number).await);
    }
    let full = resident_kib(&heim.process);
    let mut most = full;
    for criers in &speaking {
        drown(criers, || most = most.max(resident_kib(&heim.process))).await;
    }
    until("their sockets are closed", async || (open_sockets(&heim.process) <= sockets).then_some(())).await;
    drop(all);
    let gone = resident_kib(&heim.process);
    println!("resident: {empty} KiB empty, {full} KiB with {READERS} sockets, {most} KiB at most, {gone} KiB after");
    // A queue for each, though most of it is shared, and the message at hand.
    let bound = (READERS * (QUEUE_BYTES + 2 * SAID_BYTES) / 1024) as u64;
    assert!(most - full < bound, "{most} KiB at most, {full} KiB before");
    for criers in speaking {
        criers[0].command("who", Value::Null).await;
    }
}

/// What comes to nearly as much as may wait, whatever the kernel takes in.
#[tokio::test]
async fn f69_who_reads_late_and_not_too_late_has_missed_nothing() {
    let heim = Standalone::with(&[("limits.socket_queue_bytes", &QUEUE_BYTES.to_string())]).await;
    let criers = criers(heim.base(), &room(0)).await;
    let mut stream = deaf(heim.base(), 0).await;
    for crier in &criers[..FITTING] {
        crier.command("send", json!({ "content": "z".repeat(SAID_BYTES) })).await;
    }
    let mut heard = Vec::new();
    within("all of it is heard", async {
        while heard.windows(SENT.len()).filter(|part| *part == SENT).count() < FITTING {
            assert!(stream.read_buf(&mut heard).await.expect("it is open") > 0, "closed");
        }
    })
    .await;
    println!("f69: {} bytes of {QUEUE_BYTES} that may wait", heard.len());
    assert!(heard.len() > QUEUE_BYTES * 3 / 4, "{}", heard.len());
    assert_eq!(others(&criers[0]).await, CRIERS, "it is still there");
}

#[tokio::test]
async fn f69_who_reads_too_slowly_hears_why_and_comes_back() {
    let heim = Standalone::with(&[("limits.socket_queue_bytes", &QUEUE_BYTES.to_string())]).await;
    for number in 0..3 {
        let criers = criers(heim.base(), &room(number)).await;
        let mut stream = deaf(heim.base(), number).await;
        drown(&criers, || {}).await;
        let mut rest = Vec::new();
        within("it is closed", stream.read_to_end(&mut rest)).await.expect("closed, and not reset");
        assert!(rest.ends_with(TOO_SLOW), "{:?}", String::from_utf8_lossy(&rest[rest.len() - 20..]));
    }
}
