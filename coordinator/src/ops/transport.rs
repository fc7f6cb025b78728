//! How Redis is, as the overview shows it: asked seldom, apart from the database, so that
//! one that is away is said to be so and keeps nothing else from being shown.

use super::frame::{bytes, duration, or_dash, text};
use heim_common::job::Lane;
use heim_queue::{Queue, QueueFigures, RedisFigures};
use heim_runtime::telemetry::chain;
use maud::{Markup, html};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(5);
/// From so many of a hundred on, the memory is nearly full.
const FULL_PERCENT: u64 = 90;

/// What the transport said last, or why it did not answer.
pub(super) type Heard = Arc<Result<QueueFigures, String>>;

/// The newest answer, and when it came.
#[derive(Default)]
pub(super) struct Transport(Mutex<Option<(Instant, Heard)>>);

impl Transport {
    /// As it was within the last seconds.
    pub(super) async fn look(&self, queue: &Queue) -> Heard {
        let mut newest = self.0.lock().await;
        if let Some((_, heard)) = newest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Arc::clone(heard);
        }
        // That it is away, the dispatcher reports.
        let heard = Arc::new(queue.figures().await.map_err(|error| chain(&error)));
        *newest = Some((Instant::now(), Arc::clone(&heard)));
        heard
    }
}

/// The panel.
pub(super) fn panel(heard: &Result<QueueFigures, String>) -> Markup {
    html! {
        section .card aria-labelledby="queue" {
            div .bar {
                h2 #queue { "Queue" }
                @match heard {
                    Err(_) => p .badge .bad #n-queue-state { "Redis is away" },
                    Ok(QueueFigures { redis: Some(redis), .. }) => p .badge .good #n-queue-state { (redis.version) " answers" },
                    Ok(QueueFigures { redis: None, .. }) => p .badge .good #n-queue-state { "in this process" },
                }
            }
            @match heard {
                Err(why) => {
                    p { "Uploads are taken, and their jobs wait in the database until it is back." }
                    p .chain { (why) }
                }
                Ok(figures) => (numbers(figures)),
            }
        }
    }
}

fn numbers(QueueFigures { waiting, window, redis }: &QueueFigures) -> Markup {
    let waits = |lane: &Lane| waiting.get(lane).copied().unwrap_or(0);
    html! {
        dl .numbers .many {
            @if let Some(redis) = redis { (of_redis(redis)) }
            @for lane in Lane::ALL {
                (number(&format!("ids in {}", lane.as_str()), lane.as_str(), false, &html! { (waits(lane)) " of " (window) }))
            }
        }
    }
}

fn number(name: &str, key: &str, is_bad: bool, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd .bad[is_bad] id=(format!("n-queue-{key}")) { (value) } } }
}

fn of_redis(redis: &RedisFigures) -> Markup {
    let size = |size: Option<u64>| or_dash(size.map(bytes));
    let full = redis.full_percent();
    let limit = match (redis.memory_max_bytes, full) {
        (Some(0), _) => text("none"),
        (Some(max), Some(full)) => html! { (bytes(max)) ", " (full) " % full" },
        (max, _) => size(max),
    };
    let clients = html! { (or_dash(redis.clients)) @if let Some(max) = redis.clients_max { " of " (max) } };
    let saving = &redis.saving;
    let kept = html! {
        (saving.kept.as_str())
        @if let Some(failed) = &saving.failed {
            ", and could not: " (failed) @if saving.refuses { "; it takes nothing until it can" }
        }
    };
    html! {
        (number("memory", "memory", false, &size(redis.memory_bytes)))
        (number("peak", "peak", false, &size(redis.memory_peak_bytes)))
        (number("limit", "limit", full >= Some(FULL_PERCENT), &limit))
        (number("when full", "policy", redis.evicts(), &or_dash(redis.policy.as_ref())))
        (number("by the system", "resident", false, &size(redis.memory_resident_bytes)))
        (number("keeps", "keeps", saving.failed.is_some(), &kept))
        (number("connections", "clients", false, &clients))
        (number("listeners", "listeners", redis.listeners == Some(0), &or_dash(redis.listeners)))
        (number("runs for", "uptime", false, &or_dash(redis.uptime_s.map(|s| duration(s.saturating_mul(1_000))))))
    }
}
