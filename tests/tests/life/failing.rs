//! Pictures of which nothing can be made: the room is told why, in words.

use heim_common::{media::MediaState, wire::MediaEvent};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    packets::subject,
    sharing::{NAMES, all_heard, finished, names, share_accepted},
    standalone::Standalone,
    web::Web,
};

#[tokio::test]
async fn a_photo_that_cannot_be_decoded_fails_in_words_and_keeps_its_original() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let photo = corpus::read("hostile/trunc/jpg_15.jpg");
    let id = share_accepted(&ana, photo.clone()).await;

    for client in [&ana, &ben] {
        let media = finished(client, id).await;
        assert_eq!(media.state, MediaState::Failed);
        assert_eq!(media.failure.as_deref(), Some("This picture is damaged or incomplete."));
        assert_eq!(media.transcodings.keys().map(ToString::to_string).collect::<Vec<_>>(), ["original"]);
        let original = &media.transcodings[&"original".parse().unwrap()];
        assert_eq!(Web::default().get(&original.url).await.body, photo, "the original is kept");
    }
    all_heard(&ana, &ben).await;
    all_heard(&ben, &ana).await;
    for client in [&ana, &ben] {
        let mut told = names(client, id);
        told.sort();
        let mut expected = NAMES;
        expected.sort_unstable();
        assert_eq!(told, expected, "one event for each name");
        for (_, event) in client.heard.media_events(id) {
            match &event {
                MediaEvent::Available { .. } => assert_eq!(subject(&event).1, "original"),
                MediaEvent::Failed { error, state, .. } => {
                    assert_eq!(
                        (error.as_str(), *state),
                        ("This picture is damaged or incomplete.", MediaState::Failed)
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_failure_is_in_the_message_that_shows_the_picture() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read("hostile/trunc/jpg_15.jpg")).await;
    finished(&ana, id).await;
    let late = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let attachment = &late.event("snapshot-event").await["log"][0]["attachments"][0];
    assert_eq!(attachment["state"], "failed");
    assert_eq!(attachment["failure"], "This picture is damaged or incomplete.");
}
