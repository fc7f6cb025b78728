//! Everything that tells of a message, or of a media object, tells all of it.

use heim_common::{
    MediaId,
    media::MediaState,
    wire::{MediaEvent, MediaView, UploadHandle},
};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    packets::subject,
    sharing::{NAMES, finished, share_accepted},
    standalone::Standalone,
    web::Web,
};
use serde_json::{Value, json};

/// Checks that a media object on the wire is whole, and that its handles work.
async fn is_whole(media: Value, id: MediaId, uploader: &str) {
    let view: MediaView = serde_json::from_value(media.clone()).unwrap_or_else(|error| panic!("{error}: {media}"));
    assert_eq!((view.id, view.state, view.failure.as_ref()), (id, MediaState::Ready, None));
    assert_eq!((view.room.as_str(), view.uploader.name.as_str()), ("welcome", uploader));
    assert!(view.uploader.id.as_str().starts_with("agent:"), "{media}");
    assert!(view.uploaded.is_some_and(|uploaded| uploaded >= view.created && view.created > 1_700_000_000), "{media}");
    assert_eq!((view.width, view.height, view.content_type.as_deref()), (Some(1800), Some(1200), Some("image/jpeg")));
    assert_eq!(view.size, Some(corpus::read(corpus::SMALL).len() as u64));
    assert!(view.placeholder.is_some());
    let mut names: Vec<_> = view.transcodings.keys().map(ToString::to_string).collect();
    names.sort_by_key(|name| NAMES.iter().position(|known| known == name));
    assert_eq!(names, NAMES);
    for (name, transcoding) in &view.transcodings {
        assert_eq!((transcoding.media_id, &transcoding.name), (id, name));
        assert_eq!(Web::default().get(&transcoding.url).await.body.len() as u64, transcoding.size, "{name}");
    }
}

#[tokio::test]
async fn every_reply_and_event_with_a_message_carries_the_whole_media_object() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let bot = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let message = bot.event("send-event").await["id"].clone();

    let late = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    is_whole(late.event("snapshot-event").await["log"][0]["attachments"][0].clone(), id, "ana").await;
    let log = bot.command("log", json!({ "n": 10 })).await;
    is_whole(log["log"][0]["attachments"][0].clone(), id, "ana").await;
    let got = bot.command("get-message", json!({ "id": message })).await;
    is_whole(got["attachments"][0].clone(), id, "ana").await;
    let again = ana.send("once more", &[id]).await;
    is_whole(again["attachments"][0].clone(), id, "ana").await;
    let heard = late.event("send-event").await;
    assert_eq!(heard["content"], "once more");
    is_whole(heard["attachments"][0].clone(), id, "ana").await;
    is_whole(ana.command("get-media", json!({ "id": id })).await, id, "ana").await;
    is_whole(late.command("get-media", json!({ "id": id })).await, id, "ana").await;
}

#[tokio::test]
async fn an_event_folds_into_the_media_object_of_the_message() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let media = finished(&ana, id).await;
    for (_, event) in ana.heard.media_events(id) {
        let MediaEvent::Available { transcoding, .. } = &event else { panic!("{event:?}") };
        let name = subject(&event).1.parse().unwrap();
        let mut entry = media.transcodings[&name].clone();
        // The hour may have turned in between.
        entry.url.clone_from(&transcoding.url);
        entry.expires = transcoding.expires;
        assert_eq!(entry, *transcoding, "one shape in both");
    }
}

#[tokio::test]
async fn all_tabs_of_the_uploader_are_told_before_a_message_shows_the_picture() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let same_agent = Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() };
    let tab = Client::join(heim.base(), "welcome", same_agent).await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let handle = ana.upload_handle().await;
    assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SMALL)).await.status, 201);
    for client in [&ana, &tab] {
        assert_eq!(finished(client, handle.id).await.state, MediaState::Ready);
    }
    assert_eq!(ben.refused("get-media", json!({ "id": handle.id })).await, "media not found", "nothing shows it yet");
    assert_eq!(ben.refused("send", json!({ "content": "", "attachments": [handle.id] })).await, "media not found");
    assert_eq!(ben.heard.of("media-upload-event"), Vec::<Value>::new());
    ana.send("", &[handle.id]).await;
    assert_eq!(ben.media(handle.id).await.state, MediaState::Ready);
}

#[tokio::test]
async fn media_of_one_room_are_nothing_in_another() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let same_agent = Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() };
    let elsewhere = Client::enter(heim.base(), "elsewhere", same_agent, "ana").await;
    assert_eq!(elsewhere.refused("get-media", json!({ "id": id })).await, "media not found");
    assert_eq!(elsewhere.refused("send", json!({ "content": "", "attachments": [id] })).await, "media not found");
    assert_eq!(elsewhere.heard.of("media-upload-event"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_placeholder_has_the_declared_shape_until_the_header_says_better() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let shape = |media: &Value| (media["width"].clone(), media["height"].clone());
    let declare = async |width: i64, height: i64| {
        let handle = ana.command("media-upload", json!({ "width": width, "height": height })).await;
        let handle: UploadHandle = serde_json::from_value(handle).expect("an upload handle");
        let message = ana.send("look", &[handle.id]).await;
        (handle, shape(&message["attachments"][0]))
    };
    let (handle, declared) = declare(300, 100).await;
    assert_eq!(declared, (json!(300), json!(100)));
    let (_, impossible) = declare(0, 100).await;
    assert_eq!(impossible, (Value::Null, Value::Null));

    assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SMALL)).await.status, 201);
    let media = finished(&ana, handle.id).await;
    assert_eq!((media.width, media.height), (Some(1800), Some(1200)));
}
