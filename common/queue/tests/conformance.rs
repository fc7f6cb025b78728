//! One suite for both transports, and what only one of them can show.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/src/ports.rs"]
#[expect(unreachable_pub, reason = "made for every crate's tests")]
mod ports;
#[path = "../../../tests/src/redis.rs"]
#[expect(unreachable_pub, dead_code, reason = "made for every crate's tests")]
mod redis;
mod suite;

use heim_queue::{Queue, QueueConfig};

/// A transport of its own for one test.
trait Transport: Sized {
    async fn start() -> Self;
    /// A handle as another process would have it, where there can be another.
    async fn queue(&self) -> Queue;
}

struct InProcess(Queue);

impl Transport for InProcess {
    async fn start() -> Self {
        Self(Queue::connect(&QueueConfig::default()).await.unwrap())
    }

    async fn queue(&self) -> Queue {
        self.0.clone()
    }
}

struct OverRedis(redis::Redis);

impl OverRedis {
    fn config(&self) -> QueueConfig {
        QueueConfig { url: self.0.url(), ..QueueConfig::default() }
    }
}

impl Transport for OverRedis {
    async fn start() -> Self {
        Self(redis::Redis::start())
    }

    async fn queue(&self) -> Queue {
        Queue::connect(&self.config()).await.unwrap()
    }
}

macro_rules! conformance {
    ($($test:ident),+ $(,)?) => {
        conformance!(@ in_process: crate::InProcess; $($test),+);
        conformance!(@ over_redis: crate::OverRedis; $($test),+);
    };
    (@ $name:ident: $transport:ty; $($test:ident),+) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::suite::$test(<$transport as crate::Transport>::start().await).await;
                }
            )+
        }
    };
}

conformance!(
    a_lane_is_first_in_first_out,
    lanes_share_the_turns_and_backfill_has_none,
    a_full_lane_does_not_starve_another,
    never_more_handlers_than_asked_for_and_nothing_popped_without_a_free_hand,
    a_stop_waits_for_running_handlers_and_takes_nothing_more,
    a_stop_at_any_moment_loses_no_job,
    a_panic_costs_one_job_and_no_hand,
    a_dropped_worker_ends_its_handlers,
    two_workers_share_the_work,
    every_subscription_hears_everything_in_order,
    who_lags_is_told,
    an_idle_worker_picks_up_at_once,
);

#[tokio::test]
async fn an_over_full_lane_in_process_takes_nothing_and_says_so() {
    use heim_common::job::Lane;
    use heim_queue::QueueError;
    let queue = Queue::connect(&QueueConfig { window: 2, ..QueueConfig::default() }).await.unwrap();
    queue.push(Lane::Bulk, &suite::jobs(0..7)).await.unwrap();
    assert!(matches!(queue.push(Lane::Bulk, &suite::jobs(7..9)).await, Err(QueueError::Full(Lane::Bulk))));
    queue.push(Lane::Bulk, &suite::jobs(7..8)).await.unwrap();
    queue.push(Lane::Interactive, &suite::jobs(0..8)).await.unwrap();
    assert_eq!((queue.len().await.unwrap(), queue.window()), (16, 2));
}

#[tokio::test]
async fn weights_that_starve_a_lane_are_refused() {
    use heim_queue::LaneWeights;
    let weights = LaneWeights { bulk: 0, ..LaneWeights::default() };
    let refused = Queue::connect(&QueueConfig { weights, ..QueueConfig::default() }).await.unwrap_err().to_string();
    assert!(refused.starts_with("queue.weights: interactive and bulk must be at least 1"), "{refused}");
}

#[tokio::test]
async fn other_urls_are_refused_with_what_is_expected() {
    for url in ["", "memory", "amqp://localhost", "rediss://localhost", "redis://local host:x"] {
        let config = QueueConfig { url: url.into(), ..QueueConfig::default() };
        let error = Queue::connect(&config).await.unwrap_err().to_string();
        assert!(error.starts_with("queue.url: memory:, redis://host"), "{url}: {error}");
    }
}
