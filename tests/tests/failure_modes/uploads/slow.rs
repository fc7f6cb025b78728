//! Heads and bodies that come too slowly.

use heim_common::{media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    raw::{Raw, upload_head},
    sharing::{finished, share_accepted},
    standalone::Standalone,
    until::{BOUND, until, within},
    web::Answer,
};
use std::time::{Duration, Instant};

/// What a body begins with that stands still then, and the slowest rate, in bytes a
/// second.
const AT_ONCE: usize = 100_000;
const RATE: usize = 1_000;
/// One at which a whole picture does not take longer than a test waits.
const FAST_RATE: usize = 30_000;

/// Sends a picture in steps until the server answers; tells how long that took.
async fn trickle(base: &str, handle: &UploadHandle, step: usize, every: Duration) -> (Duration, Option<Answer>) {
    let photo = corpus::read(corpus::SMALL);
    let mut raw = Raw::connect(base).await;
    raw.write(upload_head(handle, &[("Content-Length", &photo.len().to_string())])).await;
    let began = Instant::now();
    let mut rest = photo.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(step.min(rest.len()));
        raw.write(now).await;
        rest = later;
        if let Ok(answer) = tokio::time::timeout(every, raw.answer()).await {
            return (began.elapsed(), answer);
        }
    }
    let answer = raw.answer().await;
    (began.elapsed(), answer)
}

fn refusal((took, answer): (Duration, Option<Answer>)) -> (Duration, (u16, String)) {
    (took, answer.expect("an answer to what came").refusal())
}

#[tokio::test]
async fn f22_a_body_below_the_slowest_rate_is_refused_and_not_stored() {
    let rate = RATE.to_string();
    let heim = Standalone::with(&[("limits.body_idle_timeout_ms", "2000"), ("limits.body_rate_min", &rate)]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let mut slow = Vec::new();
    for _ in 0..24 {
        let (base, handle) = (heim.base().to_owned(), ana.upload_handle().await);
        // Two thirds of the rate: it never stands still for as long as it may.
        slow.push(tokio::spawn(async move { trickle(&base, &handle, RATE / 15, Duration::from_millis(100)).await }));
    }
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let id = share_accepted(&ben, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ben, id).await.state, MediaState::Ready, "others are not held up");
    for upload in slow {
        let (took, refused) = refusal(within("it is refused", upload).await.unwrap());
        assert_eq!(refused, (408, "body-timeout".into()));
        assert!(took >= Duration::from_secs(2), "it has the time that it may stand still: {took:?}");
    }
    until("nothing of them is in the store", async || (heim.stored().len() == 5).then_some(())).await;
}

#[tokio::test]
async fn f22_a_body_above_the_slowest_rate_is_taken_but_not_for_ever() {
    let heim = Standalone::with(&[
        ("limits.body_idle_timeout_ms", "3000"),
        ("limits.body_timeout_ms", "30000"),
        ("limits.body_rate_min", &FAST_RATE.to_string()),
    ])
    .await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    // Half as fast again as must be.
    let (took, answer) = trickle(heim.base(), &handle, FAST_RATE * 3 / 20, Duration::from_millis(100)).await;
    assert_eq!(answer.map(|answer| answer.status), Some(201), "after {took:?}");
    assert!(took >= Duration::from_secs(3), "it did take longer than it may stand still: {took:?}");
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
    drop(heim);
    let heim = Standalone::with(&[("limits.body_idle_timeout_ms", "1500"), ("limits.body_timeout_ms", "2000")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    let late = refusal(trickle(heim.base(), &handle, 10_000, Duration::from_millis(100)).await);
    assert_eq!(late.1, (408, "body-timeout".into()), "well above the rate, and too long in all");
    until("nothing of it is in the store", async || heim.stored().is_empty().then_some(())).await;
}

/// Sends a picture in parts with pauses in between until the server answers; tells
/// how long that took.
async fn pausing(base: &str, handle: &UploadHandle, parts: &[&[u8]], pause: Duration) -> (Duration, Option<Answer>) {
    let mut raw = Raw::connect(base).await;
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    raw.write(upload_head(handle, &[("Content-Length", &length.to_string())])).await;
    let began = Instant::now();
    for part in parts {
        raw.write(part).await;
        if let Ok(answer) = tokio::time::timeout(pause, raw.answer()).await {
            return (began.elapsed(), answer);
        }
    }
    let answer = raw.answer().await;
    (began.elapsed(), answer)
}

#[tokio::test]
async fn f22_a_body_that_pauses_is_taken_and_one_that_stands_still_is_refused_whatever_came_before() {
    let idle = Duration::from_secs(4);
    let heim =
        Standalone::with(&[("limits.body_idle_timeout_ms", "4000"), ("limits.body_rate_min", &RATE.to_string())]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let photo = corpus::read(corpus::SMALL);
    // By the slowest rate alone, this might take longer than a test waits.
    let (first, rest) = photo.split_at(AT_ONCE);
    assert!(Duration::from_secs((AT_ONCE / RATE) as u64) > BOUND);
    let (second, third) = rest.split_at(rest.len() / 2);
    let (paused, silent) = (ana.upload_handle().await, ana.upload_handle().await);
    // Each pause is shorter than a body may stand still, and both together are longer.
    let parts = [first, second, third];
    let (taken, refused) = tokio::join!(
        pausing(heim.base(), &paused, &parts, idle * 3 / 4),
        pausing(heim.base(), &silent, &parts, BOUND * 2)
    );
    assert_eq!(taken.1.map(|answer| answer.status), Some(201), "after {:?}", taken.0);
    assert!(taken.0 > idle, "{:?}", taken.0);
    let (took, refused) = refusal(refused);
    assert_eq!(refused, (408, "body-timeout".into()));
    assert!(took >= idle && took < idle * 4, "{took:?}");
    assert_eq!(finished(&ana, paused.id).await.state, MediaState::Ready);
    until("nothing of the other is in the store", async || (heim.stored().len() == 5).then_some(())).await;
}

#[tokio::test]
async fn f21_silent_sockets_and_heads_that_trickle_are_closed_in_ten_seconds() {
    // With the defaults: the figure is theirs.
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let loris = (0..50).map(|number| {
        let base = heim.base().to_owned();
        tokio::spawn(async move {
            let mut raw = Raw::connect(&base).await;
            let began = Instant::now();
            if number % 2 == 0 {
                raw.closed().await;
                return began.elapsed();
            }
            raw.write("GET /room/welcome/ HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
            loop {
                raw.write("a").await;
                if tokio::time::timeout(Duration::from_millis(500), raw.closed()).await.is_ok() {
                    return began.elapsed();
                }
            }
        })
    });
    let loris: Vec<_> = loris.collect();
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready, "others are not held up");
    let mut longest = Duration::ZERO;
    for connection in loris {
        longest = longest.max(within("it is closed", connection).await.unwrap());
    }
    println!("the last of them was closed after {longest:?}");
    // Ten seconds, and what a busy machine adds.
    assert!(longest >= Duration::from_secs(9) && longest < Duration::from_secs(15), "{longest:?}");
}
