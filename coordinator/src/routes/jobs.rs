//! What workers call: claim, heartbeat, finish; and how they are.

use super::{Served, hooks::Body};
use crate::{failure::Failure, life::attempt};
use axum::{
    Json,
    extract::{Path, State},
};
use heim_common::{
    JobId,
    problem::Code,
    wire::{ClaimReply, ClaimRequest, FenceRequest, FinishRequest, LeaseReply, WorkerOrders, WorkerReport},
};

/// How often a worker is to say how it is, in milliseconds: the longest that an
/// operator waits until it obeys.
const REPORT_MS: u64 = 2_000;

fn job(id: &str) -> Result<JobId, Failure> {
    id.parse().map_err(|_| Code::NotFound.into())
}

/// `POST /store/jobs/{id}/claim`: 409 `not-yours` where there is nothing to do.
pub(super) async fn claim(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<ClaimReply>, Failure> {
    app.see_through(attempt::claim(app.clone(), job(&id)?, request)).await.map(Json)
}

/// `POST /store/jobs/{id}/heartbeat`: 409 `lease-lost` where another holds it.
pub(super) async fn heartbeat(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    Body(request): Body<FenceRequest>,
) -> Result<Json<LeaseReply>, Failure> {
    attempt::heartbeat(&app, job(&id)?, request.fence).await.map(Json)
}

/// `POST /store/jobs/{id}/finish`: 409 `lease-lost` where another holds it.
pub(super) async fn finish(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    Body(request): Body<FinishRequest>,
) -> Result<(), Failure> {
    app.see_through(attempt::finish(app.clone(), job(&id)?, request)).await
}

/// `POST /store/workers`: answered by what the operator wants of the worker.
pub(super) async fn report(
    State(Served { app, .. }): State<Served>,
    Body(report): Body<WorkerReport>,
) -> Result<Json<WorkerOrders>, Failure> {
    let wish = app.db.worker_report(&report).await?;
    Ok(Json(WorkerOrders { wish, report_ms: REPORT_MS }))
}
