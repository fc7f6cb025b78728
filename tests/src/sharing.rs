//! What tests do again and again: share a picture, and wait until all is told
//! about it.

use crate::{
    client::Client,
    packets::subject,
    web::{Answer, Web},
};
use heim_common::{
    MediaId,
    media::MediaState,
    wire::{MediaEvent, MediaView},
};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

/// The transcodings of every picture by default, in the order in which they
/// come, with the longer side of each.
pub const THUMBNAILS: [(&str, u32); 4] =
    [("thumb-160", 160), ("thumb-320", 320), ("thumb-640", 640), ("preview-1280", 1280)];

/// The names of all media events of a picture that succeeds, in order.
pub const NAMES: [&str; 5] = ["original", "thumb-160", "thumb-320", "thumb-640", "preview-1280"];

/// Uploads and shows it in a message; the message is sent first.
pub async fn share(client: &Client, bytes: Vec<u8>) -> (MediaId, Answer) {
    let handle = client.upload_handle().await;
    client.send("look", &[handle.id]).await;
    (handle.id, Web::default().upload(&handle, bytes).await)
}

/// Uploads a picture that must be accepted, and shows it in a message.
pub async fn share_accepted(client: &Client, bytes: Vec<u8>) -> MediaId {
    let (id, answer) = share(client, bytes).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    id
}

/// Waits until a session was told everything about an object, and returns what
/// it is then. The session must be its uploader's, or see it in a message.
pub async fn finished(client: &Client, id: MediaId) -> MediaView {
    client
        .heard
        .wait_for("a media event with the last state", |heard| {
            let mut events = heard.iter().filter_map(crate::packets::Heard::media_event);
            events.find(|event| subject(event).0 == id && is_final(state(event)))
        })
        .await;
    let media = client.media(id).await;
    assert!(is_final(media.state), "{media:?}");
    // An event tells the state at the moment of its delivery, so the first that
    // tells the last state need not be the last one.
    for name in NAMES.iter().filter(|name| media.uploaded.is_some() || **name == "original") {
        client.media_event(id, name).await;
    }
    media
}

/// The state that an event tells.
#[must_use]
pub fn state(event: &MediaEvent) -> MediaState {
    match event {
        MediaEvent::Available { state, .. } | MediaEvent::Failed { state, .. } => *state,
    }
}

fn is_final(state: MediaState) -> bool {
    matches!(state, MediaState::Ready | MediaState::Failed)
}

/// Returns when `listener` has heard everything that was published before by the
/// coordinator of `speaker`, which is in the same room: news of a room stay in
/// order, so a nick that is changed now is heard last.
pub async fn all_heard(speaker: &Client, listener: &Client) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nick = format!("flag {}", NEXT.fetch_add(1, Ordering::Relaxed));
    speaker.command("nick", json!({ "name": nick })).await;
    listener
        .heard
        .wait_for("the flag", |heard| {
            heard.iter().any(|heard| heard.kind() == "nick-event" && heard.data()["to"] == nick).then_some(())
        })
        .await;
}

/// The names of the media events about an object that a session has heard.
#[must_use]
pub fn names(client: &Client, id: MediaId) -> Vec<String> {
    client.heard.media_events(id).iter().map(|(_, event)| subject(event).1.to_owned()).collect()
}
