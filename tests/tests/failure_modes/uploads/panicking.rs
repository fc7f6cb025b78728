//! A bug in a handler: a panic ends one request or one session, and nothing else.

use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    packets::Ending,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    web::Web,
};
use serde_json::json;

#[tokio::test]
async fn f30_a_panic_in_an_upload_is_a_500_and_the_process_lives() {
    for point in ["upload-begun", "upload-streamed", "upload-stored", "upload-committed"] {
        let plan = format!("{point}=panic@1");
        let mut heim = Standalone::prepared(&[], |launch| launch.failpoints(&plan)).await;
        let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
        let (handle, photo) = (ana.upload_handle().await, corpus::read(corpus::SMALL));
        let web = Web::default();
        assert_eq!(web.upload(&handle, photo.clone()).await.refusal(), (500, "internal".into()), "{point}");
        let again = web.upload(&handle, photo.clone()).await;
        // What is committed stays so.
        let expected = if point == "upload-committed" { 409 } else { 201 };
        assert_eq!(again.status, expected, "{point}: {again:?}");
        ana.send("look", &[handle.id]).await;
        assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready, "{point}");
        let other = share_accepted(&ana, photo).await;
        assert_eq!(finished(&ana, other).await.state, MediaState::Ready, "{point}");
        assert!(heim.process.is_alive());
        assert_eq!(heim.process.log().matches("panicked at").count(), 1, "{point}");
    }
}

#[tokio::test]
async fn f30_a_panic_in_a_session_ends_that_session_and_others_see_it_leave() {
    let mut heim = Standalone::prepared(&[], |launch| launch.failpoints("media-created=panic@1")).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    ana.text(json!({ "id": "1", "type": "media-upload", "data": {} }).to_string()).await;
    assert_eq!(ana.heard.ending().await, Ending::Cut);
    let parted = ben.event("part-event").await;
    assert_eq!(parted["name"], "ana", "{parted}");
    let id = share_accepted(&ben, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ben, id).await.state, MediaState::Ready);
    assert!(heim.process.is_alive());
}

/// In what a coordinator does by itself, without which it would look well and do nothing.
#[tokio::test]
async fn f30_a_panic_in_the_dispatcher_costs_a_moment_and_not_the_dispatcher() {
    let mut heim = Standalone::prepared(&[], |launch| launch.failpoints("jobs-chosen=panic@1")).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    for _ in 0..2 {
        let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
        assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    }
    assert!(heim.process.is_alive());
    assert_eq!(heim.process.log().matches("panicked at").count(), 1);
}
