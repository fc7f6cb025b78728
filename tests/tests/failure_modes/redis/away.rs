//! Redis is away for longer than anybody waits for it.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Process,
    sharing::finished,
    web::Web,
};
use std::time::{Duration, Instant};

const BACK_WITHIN: Duration = Duration::from_secs(10);

/// Longer than every patience, backoff and redispatch in it; minutes, where they are asked for.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn away() -> Duration {
    let seconds = std::env::var("HEIM_MEDIA_REDIS_AWAY_S").map_or(30, |text| text.parse().expect("a number"));
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn f32_uploads_go_on_and_workers_live_while_redis_is_away() {
    let mut fleet = Fleet::start(2, 2).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    fleet.redis.kill9();
    let gone = Instant::now();
    let mut ids = Vec::new();
    while gone.elapsed() < away() {
        let handle = client.upload_handle().await;
        let answer = Web::default().upload(&handle, corpus::read(corpus::SMALL)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.push(handle.id);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    fleet.redis.restart();
    let back = Instant::now();
    assert!(finished(&client, ids[0]).await.failure.is_none());
    assert!(back.elapsed() <= BACK_WITHIN, "the first is ready after {:?}", back.elapsed());
    for id in ids {
        assert!(finished(&client, id).await.failure.is_none());
    }
    assert!(fleet.workers.iter_mut().chain(&mut fleet.coordinators).all(Process::is_alive));
}
