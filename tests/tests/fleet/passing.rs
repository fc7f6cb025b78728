//! When nothing goes wrong.

use crate::round::Pair;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    raw::authority,
    sharing::names,
    web::Web,
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_picture_that_comes_in_by_one_coordinator_is_seen_by_the_other() {
    let fleet = Fleet::start(2, 3).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let bot = Client::join(fleet.base(1), "welcome", Entrance::unaware()).await;
    for photo in corpus::PHOTOS {
        let id = pair.share(&corpus::read(photo)).await;
        let media = pair.see_it_ready(id).await;
        let sent = pair.viewer.heard.of("send-event");
        assert_eq!(sent.last().unwrap()["attachments"][0]["id"], json!(id), "{photo}");
        for client in [&pair.uploader, &pair.viewer] {
            let thumbnails: Vec<_> = names(client, id).into_iter().filter(|name| name != "original").collect();
            assert_eq!(thumbnails, ["thumb-160", "thumb-320", "thumb-640", "preview-1280"], "{photo}: smallest first");
        }
        // A handle names the coordinator by which its reader came, and either
        // of them serves it.
        let by_viewer = pair.viewer.media(id).await;
        for (view, base) in [(&media, fleet.base(0)), (&by_viewer, fleet.base(1))] {
            for transcoding in view.transcodings.values() {
                assert_eq!(authority(&transcoding.url), authority(base));
                let got = Web::default().get(&transcoding.url).await;
                assert_eq!((got.status, got.body.len() as u64), (200, transcoding.size), "{photo}");
            }
        }
    }
    assert_eq!(bot.heard.of("media-upload-event"), Vec::<Value>::new());
    assert_eq!(fleet.stored().len(), 5 * corpus::PHOTOS.len());
}

#[tokio::test]
async fn an_upload_handle_works_at_every_coordinator() {
    let fleet = Fleet::start(2, 1).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let mut handle = pair.uploader.upload_handle().await;
    pair.uploader.send("", &[handle.id]).await;
    handle.url = handle.url.replace(authority(fleet.base(0)), authority(fleet.base(1)));
    assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SMALL)).await.status, 201);
    pair.see_it_ready(handle.id).await;
    let again = Web::default().upload(&handle, corpus::read(corpus::SMALL)).await;
    assert_eq!(again.refusal(), (409, "already-uploaded".into()));
}

#[tokio::test]
async fn rooms_span_coordinators() {
    let fleet = Fleet::start(2, 0).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let sent = pair.uploader.send("hello over there", &[]).await;
    assert_eq!(pair.viewer.event("send-event").await, sent);
    let answer = json!({ "content": "hello back", "parent": sent["id"] });
    let answer = pair.viewer.command("send", answer).await;
    assert_eq!(pair.uploader.event("send-event").await, answer);
    let listing = pair.uploader.command("who", json!({})).await["listing"].clone();
    assert_eq!(listing.as_array().unwrap().len(), 2, "{listing}");
    let late = Client::join(fleet.base(0), "welcome", Entrance::unaware()).await;
    let snapshot = late.event("snapshot-event").await;
    assert_eq!(snapshot["log"], json!([sent, answer]));
    assert_eq!(snapshot["listing"].as_array().unwrap().len(), 2);
    let cookie = Entrance { cookie: Some(pair.uploader.cookie()), ..Entrance::unaware() };
    let other_tab = Client::join(fleet.base(1), "welcome", cookie).await;
    assert_eq!(other_tab.event("hello-event").await["id"], pair.uploader.event("hello-event").await["id"]);
    late.cut();
    pair.viewer.event("part-event").await;
}
