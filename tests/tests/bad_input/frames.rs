//! Socket frames that are not what heim's clients send.

use crate::aftermath::{Scene, still_serves};
use heim_tests::{
    client::{Client, Entrance},
    packets::Ending,
    raw::{Raw, authority, head},
    standalone::Standalone,
    until::until,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

/// Sends a frame; the session must be gone after it, without a close frame, and
/// the others must hear that it left.
async fn drops(frame: Message) {
    let scene = Scene::new().await;
    let mallory = Client::enter(scene.heim.base(), "welcome", Entrance::unaware(), "mallory").await;
    scene.ana.event("join-event").await;
    mallory.frame(frame).await;
    assert_eq!(mallory.heard.ending().await, Ending::Cut, "as heim does");
    assert_eq!(scene.ana.event("part-event").await["name"], "mallory");
    let who = scene.ana.command("who", json!({})).await;
    assert_eq!(who["listing"].as_array().map(Vec::len), Some(1));
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn a_frame_that_is_not_json() {
    drops(Message::text("hello")).await;
}

#[tokio::test]
async fn a_frame_that_is_json_of_another_shape() {
    drops(Message::text("[1,2,3]")).await;
}

#[tokio::test]
async fn a_frame_with_a_wrong_type_in_its_envelope() {
    drops(Message::text(r#"{"id":5,"type":"who"}"#)).await;
}

#[tokio::test]
async fn a_frame_that_nests_without_end() {
    drops(Message::text(format!(r#"{{"type":"send","data":{}"#, "[".repeat(100_000)))).await;
}

#[tokio::test]
async fn a_binary_frame() {
    drops(Message::binary(vec![0xff; 100])).await;
}

#[tokio::test]
async fn an_over_long_frame() {
    drops(Message::text(format!(r#"{{"type":"send","data":{{"content":"{}"}}}}"#, "x".repeat(3 << 20)))).await;
}

#[tokio::test]
async fn a_frame_at_the_edge_of_the_longest() {
    let scene = Scene::with(&[("limits.frame_bytes_max", "10000")]).await;
    let packet = |bytes: usize| {
        let empty = json!({ "id": "edge", "type": "send", "data": { "content": "" } }).to_string();
        empty.replace(r#""""#, &format!(r#""{}""#, "x".repeat(bytes - empty.len())))
    };
    assert_eq!(packet(10_000).len(), 10_000);
    assert!(scene.ana.text(packet(10_000)).await);
    scene
        .ana
        .heard
        .wait_for("the reply", |heard| heard.iter().any(|heard| heard.packet["id"] == "edge").then_some(()))
        .await;
    scene.ana.text(packet(10_001)).await;
    assert_eq!(scene.ana.heard.ending().await, Ending::Cut);
    still_serves(scene.heim).await;
}

#[tokio::test]
async fn data_of_a_wrong_shape_costs_a_reply_and_not_the_session() {
    let scene = Scene::new().await;
    for (command, data) in [
        ("send", json!({ "content": 5 })),
        ("send", json!({ "content": "x", "attachments": "all" })),
        ("send", json!({ "content": "x", "attachments": [5] })),
        ("send", json!({ "content": "x", "parent": 5 })),
        ("nick", json!([])),
        ("log", json!({ "n": "many" })),
        ("log", json!({ "n": 1, "before": "ÖÖÖ" })),
        ("get-message", json!({ "id": {} })),
        ("media-upload", json!({ "size": -1 })),
        ("media-upload", json!({ "content_type": "image/png\r\nX-Evil: 1" })),
        ("get-media", json!({})),
    ] {
        let refused = scene.ana.refused(command, data.clone()).await;
        assert!(!refused.is_empty(), "{command} {data}");
    }
    scene.left_all_as_before().await;
}

/// A socket whose frames are written by hand.
async fn by_hand(heim: &Standalone) -> Raw {
    let mut raw = Raw::connect(heim.base()).await;
    let handshake = [
        ("Host", authority(heim.base())),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    raw.write(head("GET", "/room/welcome/ws", &handshake)).await;
    assert_eq!(raw.answer().await.expect("a handshake").status, 101);
    raw
}

#[tokio::test]
async fn frames_that_break_the_rules_of_web_sockets() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let long_ping = [&b"\x89\xfe\x00\x7e\0\0\0\0"[..], &[0; 126]].concat();
    for (what, frame) in [
        ("without a mask", &b"\x81\x02{}"[..]),
        ("with a reserved opcode", b"\x83\x80\0\0\0\0"),
        ("with reserved bits", b"\xf1\x80\0\0\0\0"),
        ("a ping that is too long", &long_ping),
        ("a continuation of nothing", b"\x80\x80\0\0\0\0"),
        ("text that is not UTF-8", b"\x81\x82\0\0\0\0\xff\xff"),
        ("a length of 2^63 - 1", b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"),
    ] {
        let mut raw = by_hand(&heim).await;
        raw.write(frame).await;
        raw.closed().await;
        until(&format!("the session is gone: {what}"), async || {
            let who = ana.command("who", json!({})).await;
            (who["listing"].as_array().unwrap().len() == 1).then_some(())
        })
        .await;
    }
    still_serves(heim).await;
}

/// A short text frame, with a mask of zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("a short text");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[tokio::test]
async fn a_session_that_never_reads_costs_little_and_does_not_hold_up_the_others() {
    let heim = Standalone::with(&[("limits.write_timeout_ms", "500")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ben").await;
    let long = ana.send(&"x".repeat(1 << 20), &[]).await["id"].clone();
    ana.command("get-message", json!({ "id": long })).await;
    let before = memory_peak(&heim);
    let mut deaf = by_hand(&heim).await;
    let ask = frame(&json!({ "type": "get-message", "data": { "id": long } }).to_string());
    for _ in 0..48 {
        deaf.write(&ask).await;
    }
    let sent = ana.send("meanwhile", &[]).await["id"].clone();
    ben.heard
        .wait_for("what is said meanwhile", |heard| {
            heard.iter().any(|heard| heard.kind() == "send-event" && heard.data()["id"] == sent).then_some(())
        })
        .await;
    // The one that does not read is dropped.
    ana.event("part-event").await;
    let cost = memory_peak(&heim) - before;
    assert!(cost < 24 << 10, "{cost} KiB for replies that nobody reads");
    still_serves(heim).await;
}

/// The most memory that it has held so far, in KiB.
fn memory_peak(heim: &Standalone) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", heim.process.pid().as_raw_nonzero()));
    let status = status.expect("it is alive");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
