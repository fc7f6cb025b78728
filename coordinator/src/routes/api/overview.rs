//! What an operator looks at first.

use super::{
    asked::{Nothing, Query},
    lanes::{self, LaneView},
    problems::Looking,
};
use crate::{admin::is_alive, failure::Failure, routes::Served};
use axum::{Json, extract::State};
use heim_db::{JobCounts, StrayKind};
use serde::Serialize;
use utoipa::ToSchema;

/// How many jobs there are in each state.
#[derive(Serialize, ToSchema)]
struct Counts {
    pending: u64,
    running: u64,
    done: u64,
    failed: u64,
}

/// What an operator looks at first.
#[derive(Serialize, ToSchema)]
pub(super) struct Overview {
    /// When it was so, in Unix milliseconds, by the database's clock.
    now: i64,
    jobs: Counts,
    lanes: Vec<LaneView>,
    /// Workers that take part.
    workers: usize,
    /// Jobs that they may work on at a time.
    places: u64,
    /// Objects in the store that no row names.
    orphans: u64,
    /// Rows of which the object is missing.
    missing: u64,
}

/// Shows how the deployment is: jobs, lanes, workers, and what does not fit.
#[utoipa::path(get, path = "/overview", tag = "overview",
    responses((status = 200, description = "As of now.", body = Overview), Looking))]
pub(super) async fn show_overview(
    State(Served { app, .. }): State<Served>,
    _: Query<Nothing>,
) -> Result<Json<Overview>, Failure> {
    let db = &app.db;
    let JobCounts { pending, running, done, failed } = db.jobs_outstanding().await?;
    let workers: Vec<_> = db.workers().await?.into_iter().filter(is_alive).collect();
    Ok(Json(Overview {
        now: db.now().await?.0,
        jobs: Counts { pending, running, done, failed },
        lanes: lanes::all(&app).await?,
        workers: workers.len(),
        places: workers.iter().map(|worker| u64::from(worker.concurrency)).sum(),
        orphans: db.strays_count(StrayKind::Orphan).await?,
        missing: db.strays_count(StrayKind::Missing).await?,
    }))
}
