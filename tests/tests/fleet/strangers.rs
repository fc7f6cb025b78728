//! Workers that do not belong, and clients that say nothing.

use crate::round::Pair;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    raw::Raw,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    truth,
    until::{until, within},
};

#[tokio::test]
async fn a_worker_with_wrong_credentials_says_so_and_spoils_nothing() {
    let mut fleet = Fleet::start(2, 0).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let mut stranger = fleet.worker(0).setting("hooks.secret", "not the secret of the hooks").start().await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    until("it says what is wrong", async || stranger.log().contains("403").then_some(())).await;
    assert!(stranger.is_alive());
    let rows = truth::rows(&fleet.database().await).await;
    assert!(rows.contains(" pending fence 0 failures 0 "), "it got nothing: {rows}");
    fleet.add_worker().await;
    stranger.terminate();
    assert!(stranger.ended().await.success(), "{}", stranger.log());
    pair.see_it_ready(id).await;
}

#[tokio::test]
async fn a_worker_does_not_start_without_what_it_needs() {
    let fleet = Fleet::start(1, 0).await;
    for (key, value, named) in [
        ("worker.coordinator_url", "http://heim.example", "coordinator_url"),
        ("worker.coordinator_url", "not a url", "coordinator_url"),
        ("worker.concurrent", "1", "concurrent"),
        ("queue.url", "memory:", "queue.url"),
        ("store.url", "ftp://there", "store"),
    ] {
        let ended = fleet.worker(0).setting(key, value).run().await;
        assert!(!ended.status.success(), "{key} = {value}");
        assert!(ended.log.contains(named), "{key} = {value}: {}", ended.log);
        assert_eq!(ended.stdout, "", "it never was ready");
    }
}

#[tokio::test]
async fn a_coordinator_does_not_serve_an_old_schema() {
    let fleet = Fleet::start(1, 0).await;
    let ended = fleet.coordinator_over_an_empty_database().run().await;
    assert!(!ended.status.success());
    assert!(ended.log.contains("heim-coordinator migrate"), "{}", ended.log);
}

#[tokio::test]
async fn five_hundred_silent_sockets_are_closed_while_an_upload_goes_through() {
    let heim = Standalone::with(&[("limits.header_timeout_ms", "1000")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let mut silent = Vec::new();
    for number in 0..500 {
        let mut raw = Raw::connect(heim.base()).await;
        match number % 3 {
            0 => {}
            1 => assert!(raw.write("G").await),
            _ => assert!(raw.write("GET /room/welcome/ HTTP/1.1\r\nHost: x\r\nX-Slow: ").await),
        }
        silent.push(raw);
    }
    let id = share_accepted(&ana, corpus::read(corpus::PHOTO)).await;
    assert_eq!(finished(&ana, id).await.transcodings.len(), 5);
    within("all of them are closed", async {
        for mut raw in silent {
            let said = String::from_utf8_lossy(&raw.closed().await).into_owned();
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
        }
    })
    .await;
}
