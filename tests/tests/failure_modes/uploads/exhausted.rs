//! No open files are left.

use heim_common::{media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    raw::{Raw, upload_head},
    sharing::{finished, share_accepted},
    standalone::Standalone,
    until::until,
    usage::open_files,
};
use serde_json::json;

/// Half of it is for connections.
const OPEN_FILES: u32 = 256;
/// What is open besides connections is more than half of it.
const FEW_OPEN_FILES: u32 = 80;

async fn start(most: u32) -> Standalone {
    let patient = [("limits.header_timeout_ms", "60000"), ("limits.body_idle_timeout_ms", "60000")];
    Standalone::prepared(&patient, |launch| launch.open_files(most)).await
}

/// Handles of several agents: one alone is slowed down.
async fn handles(heim: &Standalone, agents: usize) -> Vec<UploadHandle> {
    let mut handles = Vec::new();
    for _ in 0..agents {
        let agent = Client::join(heim.base(), "elsewhere", Entrance::aware()).await;
        for _ in 0..30 {
            handles.push(agent.upload_handle().await);
        }
    }
    handles
}

#[tokio::test]
async fn f28_silent_connections_take_no_open_files_from_others() {
    let mut heim = start(OPEN_FILES).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(Raw::connect(heim.base()).await);
    }
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    assert!(open_files(&heim.process).len() < OPEN_FILES as usize);
    assert!(heim.process.is_alive());
}

#[tokio::test]
async fn f28_without_places_requests_are_refused_and_it_recovers() {
    refuses_and_recovers(OPEN_FILES).await;
}

#[tokio::test]
async fn f28_without_open_files_requests_are_refused_and_it_recovers() {
    refuses_and_recovers(FEW_OPEN_FILES).await;
}

async fn refuses_and_recovers(open_files_max: u32) {
    let mut heim = start(open_files_max).await;
    let handles = handles(&heim, 5).await;
    let photo = corpus::read(corpus::SMALL);
    let (mut busy, mut refused) = (Vec::new(), 0);
    for handle in &handles {
        let mut raw = Raw::connect(heim.base()).await;
        let length = photo.len().to_string();
        raw.write(upload_head(handle, &[("Expect", "100-continue"), ("Content-Length", &length)])).await;
        match raw.answer().await {
            Some(answer) if answer.status == 100 => busy.push(raw),
            Some(answer) => {
                assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
                refused += 1;
            }
            // Closed at once: so many are refused that not all are told.
            None => refused += 1,
        }
    }
    assert!(refused > 0 && !busy.is_empty());
    assert!(heim.process.is_alive());
    drop(busy);
    // It may still hang up without a word.
    let recovered = async || Client::try_connect(heim.base(), "welcome", Entrance::aware()).await.ok();
    let ana = until("it has places again", recovered).await;
    ana.command("nick", json!({ "name": "ana" })).await;
    let id = share_accepted(&ana, photo).await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    assert!(!heim.process.log().contains("panicked"), "{}", heim.process.log());
}
