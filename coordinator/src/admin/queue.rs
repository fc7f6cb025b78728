//! `heim-coordinator admin queue`: how Redis is, and what waits in it. It needs no database.

use super::said::{bytes, json, lasting, or_dash, table};
use heim_common::job::Lane;
use heim_queue::{Queue, QueueConfig, QueueError, QueueFigures, RedisFigures};

/// What the transport says: in words, or as one JSON document.
///
/// # Errors
/// If it cannot be used, or does not answer.
pub async fn tell(config: &QueueConfig, as_json: bool) -> Result<String, QueueError> {
    let figures = Queue::connect(config).await?.figures().await?;
    Ok(if as_json { format!("{}\n", json(&figures)) } else { in_words(&figures) })
}

fn in_words(QueueFigures { waiting, window, redis }: &QueueFigures) -> String {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = match redis {
        Some(redis) => of_redis(redis).map(|(name, value)| row(name, value)).to_vec(),
        // Another process has it.
        None => return "in process: only the process itself knows what waits there\n".to_owned(),
    };
    for lane in Lane::ALL {
        let waits = waiting.get(lane).copied().unwrap_or(0);
        rows.push(row(&format!("ids in {}", lane.as_str()), format!("{waits} of {window}")));
    }
    table(["what", "now"], &rows)
}

fn of_redis(redis: &RedisFigures) -> [(&'static str, String); 10] {
    let RedisFigures { memory_bytes, memory_peak_bytes, memory_max_bytes, memory_resident_bytes, .. } = redis;
    let size = |size: Option<u64>| or_dash(size.map(bytes));
    let limit = match (*memory_max_bytes, redis.full_percent()) {
        (Some(0), _) => "none".to_owned(),
        (Some(max), Some(full)) => format!("{}, {full} % full", bytes(max)),
        (max, _) => size(max),
    };
    let saving = &redis.saving;
    let failed = saving.failed.as_ref().map(|failed| format!(", and could not: {failed}")).unwrap_or_default();
    let refuses = if saving.refuses { "; it takes nothing until it can" } else { "" };
    let seconds = |s: u64| lasting(i64::try_from(s.saturating_mul(1_000)).unwrap_or(i64::MAX));
    [
        ("version", redis.version.clone()),
        ("runs for", or_dash(redis.uptime_s.map(seconds))),
        ("memory", size(*memory_bytes)),
        ("peak", size(*memory_peak_bytes)),
        ("limit", limit),
        ("by the system", size(*memory_resident_bytes)),
        ("when full", or_dash(redis.policy.as_ref())),
        ("keeps", format!("{}{failed}{refuses}", saving.kept.as_str())),
        ("connections", format!("{} of {}", or_dash(redis.clients), or_dash(redis.clients_max))),
        ("listeners", or_dash(redis.listeners)),
    ]
}
