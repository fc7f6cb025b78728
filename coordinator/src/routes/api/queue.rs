//! How Redis is.

use super::{
    asked::{Nothing, Query},
    problems::Looking,
};
use crate::{failure::Failure, routes::Served};
use axum::{Json, extract::State};
use heim_common::job::Lane;
use heim_queue::{QueueFigures, RedisFigures};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How the transport is that brings job ids to workers.
#[derive(Serialize, ToSchema)]
pub(super) struct Queue {
    /// How many ids wait in each lane.
    waiting: BTreeMap<&'static str, usize>,
    /// How many the dispatcher keeps waiting in each.
    window: usize,
    /// What Redis says of itself; `null` where there is none.
    redis: Option<Redis>,
}

/// What Redis says of itself; `null` where it does not tell.
#[derive(Serialize, ToSchema)]
struct Redis {
    /// Which program it is, and its version.
    version: String,
    /// For how long it has run, in seconds.
    uptime_s: Option<u64>,
    /// What it holds takes so many bytes.
    memory_bytes: Option<u64>,
    /// The most since it was started.
    memory_peak_bytes: Option<u64>,
    /// How much it may take; 0 where that is without a limit.
    memory_max_bytes: Option<u64>,
    /// What the system says that it takes.
    memory_resident_bytes: Option<u64>,
    /// What it does when its memory is full.
    policy: Option<String>,
    /// Connections, ours and others.
    clients: Option<u64>,
    /// How many there may be.
    clients_max: Option<u64>,
    /// Coordinators that listen for what happens in rooms.
    listeners: Option<u64>,
    saving: Saving,
}

/// What it keeps for its next start.
#[derive(Serialize, ToSchema)]
struct Saving {
    /// `nothing`, `snapshots`, `log`, or `untold`.
    kept: &'static str,
    /// What it last failed at, in its own words.
    failed: Option<String>,
    /// Whether it refuses writes until that goes well.
    refuses: bool,
}

impl From<RedisFigures> for Redis {
    fn from(figures: RedisFigures) -> Self {
        let RedisFigures { version, uptime_s, memory_bytes, memory_peak_bytes, memory_max_bytes, .. } = figures;
        let RedisFigures { memory_resident_bytes, policy, clients, clients_max, listeners, saving, .. } = figures;
        let saving = Saving { kept: saving.kept.as_str(), failed: saving.failed, refuses: saving.refuses };
        Self {
            version,
            uptime_s,
            memory_bytes,
            memory_peak_bytes,
            memory_max_bytes,
            memory_resident_bytes,
            policy,
            clients,
            clients_max,
            listeners,
            saving,
        }
    }
}

/// Says how Redis is: memory, policy, what it keeps, and what waits in it.
///
/// While it does not answer, so does this, with 503: uploads are taken meanwhile, and their
/// jobs wait in the database.
#[utoipa::path(get, path = "/queue", tag = "overview",
    responses((status = 200, description = "As of now.", body = Queue), Looking))]
pub(super) async fn show_queue(
    State(Served { app, .. }): State<Served>,
    _: Query<Nothing>,
) -> Result<Json<Queue>, Failure> {
    let QueueFigures { waiting, window, redis } = app.queue.figures().await?;
    let waiting = waiting.into_iter().map(|(lane, waits): (Lane, _)| (lane.as_str(), waits)).collect();
    Ok(Json(Queue { waiting, window, redis: redis.map(Into::into) }))
}
