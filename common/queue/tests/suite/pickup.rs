//! How long a job waits for an idle worker.

use super::{Worker, jobs};
use crate::Transport;
use heim_common::job::Lane;
use std::time::{Duration, Instant};

const PUSHES: u64 = 250;

#[expect(clippy::print_stdout, reason = "a figure for whoever runs this test")]
pub(crate) async fn an_idle_worker_picks_up_at_once(transport: impl Transport) {
    let queue = transport.queue().await;
    let mut worker = Worker::open(transport.queue().await, 2);
    let mut waits = Vec::new();
    for number in 0..PUSHES {
        let pushed = Instant::now();
        queue.push(Lane::Interactive, &jobs(number..number + 1)).await.unwrap();
        assert_eq!(worker.begun().await, number);
        waits.push(pushed.elapsed());
    }
    worker.stop().await;
    waits.sort_unstable();
    let (p50, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    println!("pickup: p50 {p50:?}, p99 {p99:?}");
    assert!(p50 <= Duration::from_millis(5), "p50 {p50:?}");
}
