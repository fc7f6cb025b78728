//! Redis that answers late, or not for some seconds.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Process,
    sharing::finished,
    web::Web,
};
use std::time::{Duration, Instant};

/// How long it answers nothing.
const FROZEN: Duration = Duration::from_secs(5);

/// How long an upload takes, from the request to its 201.
async fn upload(client: &Client) -> (heim_common::MediaId, Duration) {
    let handle = client.upload_handle().await;
    let began = Instant::now();
    let answer = Web::default().upload(&handle, corpus::read(corpus::SMALL)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    (handle.id, began.elapsed())
}

#[tokio::test]
async fn f37_uploads_do_not_wait_for_a_frozen_redis() {
    let mut fleet = Fleet::start(1, 1).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let (mut ids, mut quick, mut slow) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..12 {
        let (id, took) = upload(&client).await;
        ids.push(id);
        quick.push(took);
    }
    fleet.redis.freeze();
    let frozen = Instant::now();
    // For as long as it is frozen, whatever is asked of it times out meanwhile.
    while frozen.elapsed() < FROZEN {
        let (id, took) = upload(&client).await;
        ids.push(id);
        slow.push(took);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    fleet.redis.thaw();
    assert!(slow.len() >= 4, "{slow:?}");
    quick.sort_unstable();
    slow.sort_unstable();
    let (typical, worst) = (quick[quick.len() / 2], slow[slow.len() - 1]);
    // One that waited for Redis once would take its two seconds of patience.
    assert!(worst < Duration::from_secs(2), "{slow:?}");
    let middle = slow[slow.len() / 2];
    assert!(middle <= typical * 3 + Duration::from_millis(50), "{middle:?} while frozen, {typical:?} before");
    for id in ids {
        assert!(finished(&client, id).await.failure.is_none());
    }
    assert!(fleet.workers.iter_mut().chain(&mut fleet.coordinators).all(Process::is_alive));
}
