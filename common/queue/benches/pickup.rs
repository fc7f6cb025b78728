//! How long a job waits for an idle worker, over both transports. Starts a
//! Redis of its own.

#[path = "../../../tests/src/ports.rs"]
#[expect(unreachable_pub, reason = "made for every crate's tests")]
mod ports;
#[path = "../../../tests/src/redis.rs"]
#[expect(dead_code, unreachable_pub, reason = "made for every crate's tests")]
mod redis;

use heim_common::{JobId, JobRef, Snowflake, job::Lane};
use heim_queue::{Queue, QueueConfig, work};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PUSHES: u64 = 5_000;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a bench speaks to its user")]
async fn main() {
    let redis = redis::Redis::start();
    for (name, url) in [("in process", "memory:".to_owned()), ("redis", redis.url())] {
        let mut waits = measure(QueueConfig { url, ..QueueConfig::default() }).await;
        waits.sort_unstable();
        let at = |percent: usize| waits[waits.len() * percent / 100];
        println!("pickup {name:<10}  p50 {:>9.2?}  p95 {:>9.2?}  p99 {:>9.2?}", at(50), at(95), at(99));
    }
}

#[expect(clippy::unwrap_used, reason = "a bench may fail")]
async fn measure(config: QueueConfig) -> Vec<Duration> {
    let queue = Queue::connect(&config).await.unwrap();
    let (stop, (tell, mut begun)) = (CancellationToken::new(), mpsc::channel(1));
    let handler = move |_: JobRef| {
        let (tell, now) = (tell.clone(), Instant::now());
        async move { tell.send(now).await.unwrap() }
    };
    let worker = tokio::spawn(work(queue.clone(), "bench".into(), 2, stop.clone(), handler));
    let mut waits = Vec::new();
    for number in 1..=PUSHES {
        let pushed = Instant::now();
        queue.push(Lane::Interactive, &[JobRef::new(JobId(Snowflake(number)))]).await.unwrap();
        waits.push(begun.recv().await.unwrap() - pushed);
    }
    stop.cancel();
    worker.await.unwrap().unwrap();
    waits
}
