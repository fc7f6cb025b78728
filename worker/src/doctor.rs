//! `heim-worker doctor`: looks at all that a worker stands on, from where it is,
//! and says in words what is wrong with it and what to do. What a coordinator
//! stands on is `heim-coordinator admin doctor`'s.

use crate::{
    children::{ChildCommand, Pool},
    config::Settings,
    coordinator::{CallError, Coordinator, parse},
};
use heim_common::{JobId, Millis, time::Clock, wire::ClaimRequest};
use heim_runtime::{finding::Findings, telemetry::chain};
use serde_json::Value;
use std::{num::NonZeroUsize, ops::Range};

/// Looks at everything. `children` is what is started as a pixel child.
pub async fn examine(settings: &Settings, children: ChildCommand, clock: Clock) -> Findings {
    let mut found = Findings::default();
    coordinator(settings, clock, &mut found).await;
    if settings.queue.url == "memory:" {
        found.wrong("queue", "queue.url is `memory:`, which is heim-media's own", "name the Redis of the coordinators");
    } else {
        heim_queue::examine(&settings.queue, &mut found).await;
    }
    heim_store::examine(&settings.store, &mut found).await;
    walls(settings, children, &mut found).await;
    found
}

async fn coordinator(settings: &Settings, clock: Clock, found: &mut Findings) {
    const PART: &str = "coordinator";
    let url = &settings.worker.coordinator_url;
    let address = match parse(url, settings.worker.allow_plain_http) {
        Ok(address) => address,
        Err(error) => return found.wrong(PART, chain(&error), "set worker.coordinator_url"),
    };
    let coordinator = match Coordinator::new(&address, settings.hooks.clone()) {
        Ok(coordinator) => coordinator,
        Err(error) => return found.wrong(PART, chain(&error), "see that the system's TLS certificates can be read"),
    };
    let before = clock();
    match coordinator.readiness().await {
        Ok((told, second)) => {
            if told["ready"] == Value::Bool(true) {
                found.ok(PART, format!("{url} is ready"));
            } else {
                found.warning(PART, format!("{url} is not ready: {told}"), "run `heim-coordinator admin doctor` there");
            }
            compared(second, before..clock(), found);
        }
        Err(error) => {
            let remedy = "see that worker.coordinator_url is that of a coordinator or its balancer, and reachable";
            return found.wrong(PART, format!("{url}: {}", chain(&error)), remedy);
        }
    }
    credentials(&coordinator, found).await;
}

/// This machine's clock beside the second that the coordinator answered in, which it did
/// at some time between these two.
fn compared(second: Option<Millis>, asked: Range<Millis>, found: &mut Findings) {
    let remedy = "keep both clocks by NTP: a store refuses what is signed by a wrong one";
    let Some(Millis(second)) = second else {
        return found.warning("clock", "the coordinator's answer has no date to compare it with", remedy);
    };
    let (ahead, behind) = (asked.start.0.saturating_sub(second + 999), second.saturating_sub(asked.end.0));
    found.clock(if behind > 0 { -behind } else { ahead.max(0) }, "the coordinator", remedy);
}

/// Asks for a job that nobody has: whoever may ask is told so.
async fn credentials(coordinator: &Coordinator, found: &mut Findings) {
    const PART: &str = "hooks";
    let request = ClaimRequest { worker: "doctor".to_owned(), engine: heim_pixels::ENGINE_VERSION, nonce: None };
    match coordinator.claim(JobId::from_i64(1), &request).await {
        Err(CallError::NotYours | CallError::Gone) => found.ok(PART, "the credentials are the coordinator's"),
        Err(error @ CallError::Refused(_)) => {
            found.wrong(PART, chain(&error), "give this worker the hooks.key and hooks.secret of the coordinators");
        }
        Err(error) => found.wrong(PART, chain(&error), "run `heim-coordinator admin doctor` there"),
        Ok(_) => found.wrong(PART, "a job was given that does not exist", "see what answers there"),
    }
}

/// Starts a pixel child, and looks at what is around it.
async fn walls(settings: &Settings, children: ChildCommand, found: &mut Findings) {
    const PART: &str = "walls";
    let pixels = settings.pixels;
    let start = move || Pool::start(&children, NonZeroUsize::MIN, 1, pixels);
    let pool = match tokio::task::spawn_blocking(start).await {
        Ok(Ok(pool)) => pool,
        Ok(Err(error)) => {
            return found.wrong(PART, chain(&error), "see that /proc is there, and what the limits of this user are");
        }
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let missing: Vec<_> = pool.walls().missing().collect();
    if missing.is_empty() {
        found.ok(PART, format!("around a pixel child: {}", pool.walls()));
    }
    for (wall, why) in missing {
        found.warning(PART, format!("{} is missing around pixel children: {why}", wall.as_str()), wall.remedy());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_runtime::finding::Standing;

    #[test]
    fn a_second_is_compared_with_all_that_may_have_passed() {
        let told = |second, asked: Range<i64>| {
            let mut found = Findings::default();
            compared(Some(Millis(second)), Millis(asked.start)..Millis(asked.end), &mut found);
            (found.worst(), found.to_string())
        };
        assert_eq!(told(10_000, 10_000..10_005).0, Standing::Ok);
        // Its last millisecond, and a slow answer.
        assert_eq!(told(10_000, 10_999..15_000).0, Standing::Ok);
        assert_eq!(told(10_000, 5_000..10_001).0, Standing::Ok);
        let (standing, words) = told(10_000, 12_500..12_501);
        assert!(standing == Standing::Warning && words.contains("1.5 s ahead of the coordinator"), "{words}");
        let (standing, words) = told(70_000, 10_000..10_000);
        assert!(standing == Standing::Wrong && words.contains("60.0 s behind the coordinator"), "{words}");
        let mut found = Findings::default();
        compared(None, Millis(0)..Millis(1), &mut found);
        assert_eq!(found.worst(), Standing::Warning);
    }
}
