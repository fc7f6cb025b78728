//! What `doctor` says of the queue.

use crate::{Kept, Queue, QueueConfig, QueueError, Saving};
use heim_runtime::{finding::Findings, telemetry::chain};

const PART: &str = "queue";
const NOT_THERE: &str = "see that the Redis of queue.url runs, and lets this machine in";

/// Looks at the queue of this configuration, and says what is wrong with it.
pub async fn examine(config: &QueueConfig, found: &mut Findings) {
    let queue = match Queue::connect(config).await {
        Ok(queue) => queue,
        Err(error @ QueueError::Evicts { .. }) => {
            let remedy = "`CONFIG SET maxmemory-policy noeviction`, and the same in its file: nothing starts before";
            return found.wrong(PART, chain(&error), remedy);
        }
        Err(error) => return found.wrong(PART, chain(&error), NOT_THERE),
    };
    let kept = match queue.saving().await {
        Ok(Some(Saving { failed: Some(told), refuses, .. })) => return cannot_save(&told, refuses, found),
        Ok(Some(Saving { kept, .. })) => in_words(kept),
        Ok(None) => "",
        Err(error) => return found.wrong(PART, chain(&error), NOT_THERE),
    };
    match queue.waiting().await {
        Ok(waiting) => {
            let each: Vec<_> = waiting.iter().map(|(lane, jobs)| format!("{} {jobs}", lane.as_str())).collect();
            found.ok(PART, format!("answers and evicts nothing; in its lanes: {}{kept}", each.join(", ")));
        }
        Err(error) => found.wrong(PART, chain(&error), "see that no other program uses queue.prefix"),
    }
}

/// Whether Redis then still takes anything depends on how it was configured.
fn cannot_save(told: &str, refuses: bool, found: &mut Findings) {
    const REMEDY: &str = "give its disk room and see its log, or switch off what it cannot keep (`save \"\"`, \
                          `appendonly no`): the database has all that waits in Redis";
    let seen = format!("Redis could not save what it holds ({told})");
    if refuses {
        found.wrong(PART, seen + ", and refuses to take anything until it can", REMEDY);
    } else {
        found.warning(PART, seen + ", and goes on", REMEDY);
    }
}

/// None of it is needed, and none of it does harm.
fn in_words(kept: Kept) -> &'static str {
    match kept {
        Kept::Nothing => "; it keeps nothing for its next start, after which what waits is pushed anew from the rows",
        Kept::Snapshots => "; it keeps snapshots for its next start",
        Kept::Log => "; it keeps a log for its next start",
        Kept::Untold => "",
    }
}
