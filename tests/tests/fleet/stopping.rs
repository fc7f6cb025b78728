//! Workers and coordinators that are asked to stop, and come back.

use crate::round::Pair;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    packets::Ending,
    sharing::finished,
    web::Web,
};

#[tokio::test]
async fn an_idle_worker_stops_at_once() {
    let mut fleet = Fleet::start(1, 1).await;
    fleet.workers[0].terminate();
    assert!(fleet.workers[0].ended().await.success(), "{}", fleet.workers[0].log());
}

#[tokio::test]
async fn a_coordinator_that_stops_says_goodbye_and_the_other_goes_on() {
    let mut fleet = Fleet::start(2, 2).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let photo = corpus::read(corpus::PHOTO);
    let id = pair.share(&photo).await;
    fleet.coordinators[1].terminate();
    assert_eq!(pair.viewer.heard.ending().await, Ending::Closed(Some(1012)), "service restart");
    let status = fleet.coordinators[1].ended().await;
    assert!(status.success(), "{status}: {}", fleet.coordinators[1].log());
    let gone = pair.viewer.event("hello-event").await["session"]["session_id"].clone();
    assert_eq!(pair.uploader.event("part-event").await["session_id"], gone, "its last words are heard");
    // If the worker that speaks to it had the job, its lease runs out first.
    assert_eq!(finished(&pair.uploader, id).await.transcodings.len(), 5);
    let elsewhere = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ben").await;
    let view = elsewhere.media(id).await;
    let original = &view.transcodings[&"original".parse().unwrap()];
    assert_eq!(Web::default().get(&original.url).await.body, photo);
    // What the worker without a coordinator holds is free again when it ends.
    fleet.workers[1].kill9().await;
}

#[tokio::test]
async fn a_coordinator_that_is_killed_loses_nothing_that_it_said_yes_to() {
    let mut fleet = Fleet::start(2, 1).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    fleet.workers[0].freeze();
    let photo = corpus::read(corpus::PHOTO);
    let handle = pair.viewer.upload_handle().await;
    pair.viewer.send("", &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, photo).await.status, 201);
    fleet.coordinators[1].kill9().await;
    fleet.workers[0].thaw();
    let media = finished(&pair.uploader, handle.id).await;
    assert_eq!(media.transcodings.len(), 5);
    // Its sessions are missed when their lease has run out.
    let gone = pair.viewer.event("hello-event").await["session"].clone();
    let partition = pair.uploader.event("network-event").await;
    assert_eq!(partition["type"], "partition");
    assert_eq!([&partition["server_id"], &partition["server_era"]], [&gone["server_id"], &gone["server_era"]]);
}
