//! What `doctor` says of the queue.

use crate::{Queue, QueueConfig, QueueError};
use heim_runtime::{finding::Findings, telemetry::chain};

const PART: &str = "queue";

/// Looks at the queue of this configuration, and says what is wrong with it.
pub async fn examine(config: &QueueConfig, found: &mut Findings) {
    let queue = match Queue::connect(config).await {
        Ok(queue) => queue,
        Err(error @ QueueError::Evicts { .. }) => {
            let remedy = "`CONFIG SET maxmemory-policy noeviction`, and the same in its file: nothing starts before";
            return found.wrong(PART, chain(&error), remedy);
        }
        Err(error) => {
            return found.wrong(PART, chain(&error), "see that the Redis of queue.url runs, and lets this machine in");
        }
    };
    if let Err(error) = queue.saves().await {
        let remedy =
            "give its disk room and see its log, or switch snapshots off: the database has all that waits in Redis";
        return found.wrong(PART, chain(&error), remedy);
    }
    match queue.waiting().await {
        Ok(waiting) => {
            let each: Vec<_> = waiting.iter().map(|(lane, jobs)| format!("{} {jobs}", lane.as_str())).collect();
            found.ok(PART, format!("answers and evicts nothing; in its lanes: {}", each.join(", ")));
        }
        Err(error) => found.wrong(PART, chain(&error), "see that no other program uses queue.prefix"),
    }
}
