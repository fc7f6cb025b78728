//! Workers: listed, paused, resumed, drained.

use super::{
    asked::{Nothing, Query, Tried, is_line},
    problems::{Looking, Steering},
    words,
};
use crate::{
    admin::{is_alive, steer_workers},
    app::App,
    failure::Failure,
    routes::Served,
};
use axum::{
    Json,
    extract::{Path, State},
};
use heim_common::{JobId, problem::Code, worker::WorkerState};
use heim_db::WorkerRow;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A worker, as it last said.
#[derive(Serialize, ToSchema)]
pub(super) struct Worker {
    /// Its name, as in attempts.
    name: String,
    /// Whether it takes part: it was heard of within ten seconds, and has not stopped.
    alive: bool,
    /// The version of its program.
    version: String,
    /// The machine that it runs on.
    host: String,
    /// When it started, in Unix milliseconds, by its own clock.
    started: i64,
    /// When it was last heard of, in Unix milliseconds.
    heard: i64,
    /// How long that is ago, in milliseconds.
    silent_ms: i64,
    #[schema(value_type = words::WorkerState)]
    state: WorkerState,
    /// What is wanted of it: it obeys with its next report.
    #[schema(value_type = words::WorkerState)]
    wish: WorkerState,
    /// Jobs that it may work on at a time.
    concurrency: u32,
    /// The jobs that it holds.
    #[schema(value_type = Vec<words::JobId>)]
    jobs: Vec<JobId>,
    /// How each wall around its pixel children stands.
    walls: BTreeMap<String, String>,
    /// CPU time, in percent of one core.
    cpu_percent: u32,
    /// Memory that its children take, in bytes.
    child_memory_bytes: u64,
}

impl From<WorkerRow> for Worker {
    fn from(row: WorkerRow) -> Self {
        let alive = is_alive(&row);
        let WorkerRow {
            name,
            version,
            host,
            started,
            heard,
            silent_ms,
            state,
            wish,
            concurrency,
            jobs,
            walls,
            cpu_percent,
            child_memory_bytes,
        } = row;
        Self {
            name,
            alive,
            version,
            host,
            started: started.0,
            heard: heard.0,
            silent_ms,
            state,
            wish,
            concurrency,
            jobs,
            walls,
            cpu_percent,
            child_memory_bytes,
        }
    }
}

/// Workers that were heard of lately, by name.
#[derive(Serialize, ToSchema)]
pub(super) struct Workers {
    /// At most 10,000.
    workers: Vec<Worker>,
}

/// What is wanted of workers, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkersSteered {
    dry_run: bool,
    #[schema(value_type = words::WorkerState)]
    wish: WorkerState,
    /// Of which workers.
    workers: Vec<String>,
    count: usize,
}

/// Lists the workers that were heard of lately.
#[utoipa::path(get, path = "/workers", tag = "workers",
    responses((status = 200, description = "All of them.", body = Workers), Looking))]
pub(super) async fn list_workers(
    State(Served { app, .. }): State<Served>,
    _: Query<Nothing>,
) -> Result<Json<Workers>, Failure> {
    let workers = app.db.workers().await?;
    Ok(Json(Workers { workers: workers.into_iter().map(Into::into).collect() }))
}

async fn set(app: App, worker: String, wish: WorkerState, dry_run: bool) -> Result<Json<WorkersSteered>, Failure> {
    if !is_line(&worker) {
        return Err(Failure::with(Code::NotFound, "No worker has such a name."));
    }
    let work = {
        let app = app.clone();
        async move {
            let name = (worker != "all").then_some(worker.as_str());
            steer_workers(app.tools(), name, wish, dry_run).await
        }
    };
    let workers = app.see_through(work).await?;
    Ok(Json(WorkersSteered { dry_run, wish, count: workers.len(), workers }))
}

/// Lets a worker take no more jobs, until it is resumed.
///
/// What it holds goes on. It obeys with its next report, within two seconds. One that
/// is not there any more, or drains, is refused with `bad-request`.
#[utoipa::path(post, path = "/workers/{worker}/pause", tag = "workers",
    params(("worker" = String, Path, min_length = 1, description = "Its name, or `all`."), Tried),
    responses((status = 200, description = "It will be paused.", body = WorkersSteered), Steering))]
pub(super) async fn pause_worker(
    State(Served { app, .. }): State<Served>,
    Path(worker): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<WorkersSteered>, Failure> {
    set(app, worker, WorkerState::Paused, dry_run).await
}

/// Lets a worker take jobs again.
#[utoipa::path(post, path = "/workers/{worker}/resume", tag = "workers",
    params(("worker" = String, Path, min_length = 1, description = "Its name, or `all`."), Tried),
    responses((status = 200, description = "It will go on.", body = WorkersSteered), Steering))]
pub(super) async fn resume_worker(
    State(Served { app, .. }): State<Served>,
    Path(worker): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<WorkersSteered>, Failure> {
    set(app, worker, WorkerState::Running, dry_run).await
}

/// Lets a worker take no more jobs, and end when what it holds is done.
#[utoipa::path(post, path = "/workers/{worker}/drain", tag = "workers",
    params(("worker" = String, Path, min_length = 1, description = "Its name, or `all`."), Tried),
    responses((status = 200, description = "It will end.", body = WorkersSteered), Steering))]
pub(super) async fn drain_worker(
    State(Served { app, .. }): State<Served>,
    Path(worker): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<WorkersSteered>, Failure> {
    set(app, worker, WorkerState::Draining, dry_run).await
}
