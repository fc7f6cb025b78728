//! A session that was recorded on a running heim, step by step on our server:
//! the same packets, the same fields, in the same order. Ids and times have names.
//!
//! What was heard is kept in `tests/fixtures/transcript` as a text, with every
//! difference and its reason.

mod compare;
mod cut;
mod difference;
mod differences;
mod names;
mod plan;
mod recording;
mod replay;
mod snapshot;
mod verdict;

use differences::{FLOOD, PRIVATE, PUBLIC};
use heim_tests::standalone::Standalone;
use recording::Section;
use replay::Replay;

/// What was recorded.
const RECORDING: &str = include_str!("../../fixtures/transcript/heim-transcript.txt");
/// Who may use the API.
const TOKEN: &str = "the token of the one who replays";

/// Where the part about private rooms begins, and that about floods.
const PRIVATE_ROOM: &str = "private room vault: bounce, ping, who, auth wrong, auth right";
const FLOODING: &str = "flooding";

#[tokio::test]
async fn the_public_room() {
    let [public, _, _] = parts();
    let (_heim, replay) = start().await;
    verdict::check("public-room.txt", &public, &PUBLIC, replay).await;
}

#[tokio::test]
async fn the_private_room_and_its_manager() {
    let [_, private, _] = parts();
    let (_heim, replay) = start().await;
    replay.private_room("vault", "sesame").await;
    verdict::check("private-room.txt", &private, &PRIVATE, replay).await;
}

#[tokio::test]
async fn the_flood() {
    let [_, _, flood] = parts();
    let (_heim, replay) = start().await;
    verdict::check("flood.txt", &flood, &FLOOD, replay).await;
}

/// A server. No session in the recording lasted until its second ping, and on a
/// slow machine none shall here.
async fn start() -> (Standalone, Replay) {
    let heim = Standalone::with(&[("admin.token", TOKEN), ("coordinator.ping_ms", "600000")]).await;
    let replay = Replay::new(heim.base(), TOKEN);
    (heim, replay)
}

/// The recording in three parts, which have no room in common.
fn parts() -> [Vec<Section>; 3] {
    let sections = recording::read(RECORDING);
    let start = |title| sections.iter().position(|section| section.title == title).expect("a known heading");
    let (private, flood) = (start(PRIVATE_ROOM), start(FLOODING));
    [&sections[..private], &sections[private..flood], &sections[flood..]].map(<[Section]>::to_vec)
}
