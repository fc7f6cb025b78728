//! `heim-worker doctor`: looks at all that a worker stands on, from where it is,
//! and says in words what is wrong with it and what to do. What a coordinator
//! stands on is `heim-coordinator admin doctor`'s.

use crate::{
    children::{ChildCommand, Pool},
    config::Settings,
    coordinator::{CallError, Coordinator, parse},
};
use heim_common::{JobId, wire::ClaimRequest};
use heim_runtime::{finding::Findings, telemetry::chain};
use serde_json::Value;
use std::num::NonZeroUsize;

/// Looks at everything. `children` is what is started as a pixel child.
pub async fn examine(settings: &Settings, children: ChildCommand) -> Findings {
    let mut found = Findings::default();
    coordinator(settings, &mut found).await;
    if settings.queue.url == "memory:" {
        found.wrong("queue", "queue.url is `memory:`, which is heim-media's own", "name the Redis of the coordinators");
    } else {
        heim_queue::examine(&settings.queue, &mut found).await;
    }
    heim_store::examine(&settings.store, &mut found).await;
    walls(settings, children, &mut found).await;
    found
}

async fn coordinator(settings: &Settings, found: &mut Findings) {
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
    match coordinator.readiness().await {
        Ok(told) if told["ready"] == Value::Bool(true) => found.ok(PART, format!("{url} is ready")),
        Ok(told) => {
            found.warning(PART, format!("{url} is not ready: {told}"), "run `heim-coordinator admin doctor` there");
        }
        Err(error) => {
            let remedy = "see that worker.coordinator_url is that of a coordinator or its balancer, and reachable";
            return found.wrong(PART, format!("{url}: {}", chain(&error)), remedy);
        }
    }
    credentials(&coordinator, found).await;
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
