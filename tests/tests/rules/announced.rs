//! State is committed before it is announced; and who is told.

use heim_common::{media::MediaState, wire::MediaEvent};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    packets::subject,
    sharing::{NAMES, all_heard, finished, names, share_accepted},
    standalone::Standalone,
    web::Web,
};
use serde_json::{Value, json};

#[tokio::test]
async fn state_is_committed_before_it_is_announced() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let database = heim.database().await;
    for picture in [corpus::SMALL, corpus::PHOTO, "hostile/trunc/jpg_15.jpg"] {
        let handle = ana.upload_handle().await;
        assert_eq!(Web::default().upload(&handle, corpus::read(picture)).await.status, 201);
        let media = database.media(handle.id).await.unwrap().expect("a 2xx is durable");
        assert!(media.uploaded.is_some());
        for heard in 0..NAMES.len() {
            // At the moment at which the event is heard, the row is there and
            // its bytes are in the store.
            let event = ana.heard.wait_for("the next event", |all| {
                let events = all.iter().filter_map(heim_tests::packets::Heard::media_event);
                events.filter(|event| subject(event).0 == handle.id).nth(heard)
            });
            let event = event.await;
            let media = database.media(handle.id).await.unwrap().expect("it was announced");
            match &event {
                MediaEvent::Available { transcoding, .. } => {
                    let row = media.transcoding(&transcoding.name).expect("it was announced");
                    assert_eq!((row.size, row.width), (transcoding.size, transcoding.width));
                    let stored = std::fs::metadata(heim.store().join(row.key.as_str())).expect("it was announced");
                    assert_eq!(stored.len(), row.size);
                }
                MediaEvent::Failed { .. } => assert_eq!(media.state, MediaState::Failed),
            }
        }
    }
}

#[tokio::test]
async fn media_events_go_only_to_those_who_asked() {
    let heim = Standalone::start().await;
    let base = heim.base();
    let ana = Client::enter(base, "welcome", Entrance::aware(), "ana").await;
    let by_url = Client::enter(base, "welcome", Entrance::aware(), "url").await;
    let by_upload = Client::enter(base, "welcome", Entrance::unaware(), "upload").await;
    by_upload.upload_handle().await;
    let by_asking = Client::enter(base, "welcome", Entrance::unaware(), "asking").await;
    by_asking.refused("get-media", json!({ "id": "0zzzzzzzzzzzz" })).await;
    let by_sending = Client::enter(base, "welcome", Entrance::unaware(), "sending").await;
    by_sending.refused("send", json!({ "content": "", "attachments": ["0zzzzzzzzzzzz"] })).await;
    let never = Client::enter(base, "welcome", Entrance::unaware(), "never").await;
    never.send("I only talk", &[]).await;
    let same_agent = Entrance { cookie: Some(ana.cookie()), ..Entrance::unaware() };
    let old_tab = Client::join(base, "welcome", same_agent).await;
    let elsewhere = Client::enter(base, "elsewhere", Entrance::aware(), "elsewhere").await;

    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let unattached = ana.upload_handle().await;
    assert_eq!(Web::default().upload(&unattached, corpus::read(corpus::SMALL)).await.status, 201);
    finished(&ana, unattached.id).await;
    for asked in [&by_url, &by_upload, &by_asking, &by_sending] {
        all_heard(&ana, asked).await;
        assert_eq!(names(asked, id), NAMES);
        assert_eq!(names(asked, unattached.id), Vec::<String>::new(), "no message shows it");
    }
    for silent in [&never, &old_tab] {
        all_heard(&ana, silent).await;
        assert_eq!(silent.heard.of("media-upload-event"), Vec::<Value>::new());
    }
    elsewhere.command("who", json!({})).await;
    assert_eq!(elsewhere.heard.of("media-upload-event"), Vec::<Value>::new(), "another room");
    assert_eq!(names(&ana, unattached.id), NAMES, "but its uploader is told");
}
