//! What tests do again and again: share a picture, and wait until all is told
//! about it.

use crate::{
    client::Client,
    packets::{Heard, subject},
    web::{Answer, Web},
};
use heim_common::{
    MediaId,
    media::MediaState,
    wire::{MediaEvent, MediaView},
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

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
    let is_over = |heard: &[Heard]| told(heard, id).1.then_some(());
    client.heard.wait_for("a media event or a message with the last state", is_over).await;
    let media = client.media(id).await;
    assert!(is_final(media.state), "{media:?}");
    // An event tells the state at the moment of its delivery, so the first that
    // tells the last state need not be the last one.
    let names = NAMES.iter().filter(|name| media.uploaded.is_some() || **name == "original");
    let names: BTreeSet<_> = names.map(|name| (*name).to_owned()).collect();
    let is_all = |heard: &[Heard]| told(heard, id).0.is_superset(&names).then_some(());
    client.heard.wait_for("what is there, in a message or by an event", is_all).await;
    media
}

/// The names that a session was told of, inside of a message or by an event, and
/// whether it was told the last state.
fn told(heard: &[Heard], id: MediaId) -> (BTreeSet<String>, bool) {
    let (mut names, mut is_over) = (BTreeSet::new(), false);
    for one in heard {
        if let Some(event) = one.media_event().filter(|event| subject(event).0 == id) {
            names.insert(subject(&event).1.to_owned());
            is_over |= is_final(state(&event));
        }
        let messages = one.data()["log"].as_array().into_iter().flatten().chain([one.data()]);
        let attached = messages.filter_map(|message| message["attachments"].as_array()).flatten();
        for media in attached.filter(|media| media["id"] == id.to_string()) {
            names.extend(media["transcodings"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
            let state = &media["state"];
            is_over |= state == "ready" || state == "failed";
            // Of what failed, a message says that it failed.
            if state == "failed" {
                names.extend(NAMES.map(str::to_owned));
            }
        }
    }
    (names, is_over)
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
