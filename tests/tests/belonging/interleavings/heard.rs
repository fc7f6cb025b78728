//! What a session was told of media objects, packet by packet.

use super::history::Session;
use heim_common::{
    MediaId,
    wire::{MediaEvent, MediaView, TranscodingView},
};
use heim_tests::packets::{Heard, subject};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// The transcodings of media objects, by name.
pub(crate) type Names = BTreeMap<MediaId, BTreeSet<String>>;

/// Something that a session was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) at: Instant,
    pub(crate) what: What,
    /// Every handle that came with it.
    pub(crate) handles: Vec<TranscodingView>,
}

/// What it was about.
#[derive(Debug)]
pub(crate) enum What {
    /// A message, as the session should see it from then on.
    Message { id: String, kind: String, deleted: bool, media: Names },
    /// A media object by itself: it was asked for.
    Media { id: MediaId },
    /// A media event.
    Event { id: MediaId, name: String },
}

/// All of it, in order.
pub(crate) fn told(session: &Session) -> Vec<Told> {
    session.heard.all().iter().flat_map(of_packet).collect()
}

fn of_packet(heard: &Heard) -> Vec<Told> {
    let data = heard.data();
    if data.is_null() {
        return Vec::new();
    }
    match heard.kind() {
        "snapshot-event" | "log-reply" => {
            let log = data["log"].as_array().unwrap_or_else(|| panic!("no log: {data}"));
            log.iter().map(|message| of_message(heard, message)).collect()
        }
        "send-event" | "send-reply" | "get-message-reply" | "edit-message-event" | "edit-message-reply" => {
            vec![of_message(heard, data)]
        }
        "get-media-reply" => {
            let view = view(data);
            vec![Told {
                at: heard.at,
                what: What::Media { id: view.id },
                handles: view.transcodings.into_values().collect(),
            }]
        }
        "media-upload-event" => {
            let event = heard.media_event().expect("it is one");
            let (id, name) = subject(&event);
            let what = What::Event { id, name: name.to_owned() };
            let handles = match event {
                MediaEvent::Available { transcoding, .. } => vec![transcoding],
                MediaEvent::Failed { .. } => panic!("no job fails here: {data}"),
            };
            vec![Told { at: heard.at, what, handles }]
        }
        _ => Vec::new(),
    }
}

fn of_message(heard: &Heard, message: &Value) -> Told {
    let attachments = message["attachments"].as_array().cloned().unwrap_or_default();
    let views: Vec<_> = attachments.iter().map(view).collect();
    let names = |view: &MediaView| view.transcodings.keys().map(ToString::to_string).collect();
    let what = What::Message {
        id: message["id"].as_str().unwrap_or_else(|| panic!("no id: {message}")).to_owned(),
        kind: heard.kind().to_owned(),
        deleted: !message["deleted"].is_null(),
        media: views.iter().map(|view| (view.id, names(view))).collect(),
    };
    Told { at: heard.at, what, handles: views.into_iter().flat_map(|view| view.transcodings.into_values()).collect() }
}

fn view(data: &Value) -> MediaView {
    serde_json::from_value(data.clone()).unwrap_or_else(|error| panic!("{error}: {data}"))
}
