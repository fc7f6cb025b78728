//! Lanes: how they do, paused, resumed.

use super::{
    asked::{Nothing, Query, Tried},
    problems::{Looking, Steering},
    words,
};
use crate::{
    admin::{LaneOverview, lanes_now, lately, newest_first, set_lanes},
    app::App,
    failure::Failure,
    routes::Served,
};
use axum::{
    Json,
    extract::{Path, State},
};
use heim_common::{job::Lane, problem::Code};
use heim_db::{DAYS_MAX, LaneDay, LaneDepth, LaneFigures, Quantiles};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A lane at this moment, and what it did lately.
#[derive(Serialize, ToSchema)]
#[schema(as = LaneOverview)]
pub(super) struct LaneView {
    #[schema(value_type = words::Lane)]
    lane: Lane,
    /// Since when it is paused, in Unix milliseconds; `null` where it is open.
    paused_since: Option<i64>,
    /// Jobs that wait for a worker, or rest.
    pending: u64,
    /// Jobs that are worked on.
    running: u64,
    /// How long the job has waited that could have been claimed first, in milliseconds: from
    /// its upload, the end of its rest, or when it was tried again. `null` where none waits,
    /// 0 where all rest.
    oldest_ms: Option<u64>,
    /// What it did in the last hour; `null` where it did nothing.
    hour: Option<Figures>,
    /// The same in the last day.
    day: Option<Figures>,
}

/// What a lane did in a time.
#[derive(Serialize, ToSchema)]
pub(super) struct Figures {
    #[schema(value_type = words::Lane)]
    lane: Lane,
    /// When the time began, in Unix milliseconds.
    from: i64,
    /// Jobs that came.
    arrived: u64,
    /// Attempts after which a job was done.
    done: u64,
    /// Attempts after which a job had failed for good, and jobs that were given up while
    /// nobody held them. A job that failed, was tried again and is done counts here and in
    /// `done`.
    failed: u64,
    /// Attempts after which a job waited for another.
    again: u64,
    /// How long jobs waited before an attempt that ended then; `null` where none did.
    wait_ms: Option<Took>,
    /// How long the attempts took.
    run_ms: Option<Took>,
}

/// Half of all, and nineteen of twenty, took no longer; in milliseconds.
#[derive(Serialize, ToSchema)]
#[schema(as = Quantiles)]
pub(super) struct Took {
    p50: u64,
    p95: u64,
}

impl From<LaneOverview> for LaneView {
    fn from(overview: LaneOverview) -> Self {
        let LaneOverview { lane, paused_since, depth, hour, day } = overview;
        let LaneDepth { pending, running, oldest_ms } = depth;
        Self {
            lane,
            paused_since: paused_since.map(|since| since.0),
            pending,
            running,
            oldest_ms,
            hour: hour.map(Into::into),
            day: day.map(Into::into),
        }
    }
}

impl From<LaneFigures> for Figures {
    fn from(figures: LaneFigures) -> Self {
        let LaneFigures { lane, from, arrived, done, failed, again, wait_ms, run_ms } = figures;
        let took = |took: Option<Quantiles>| took.map(|Quantiles { p50, p95 }| Took { p50, p95 });
        Self { lane, from: from.0, arrived, done, failed, again, wait_ms: took(wait_ms), run_ms: took(run_ms) }
    }
}

/// All lanes.
#[derive(Serialize, ToSchema)]
pub(super) struct Lanes {
    lanes: Vec<LaneView>,
}

/// What was done to lanes, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct LanesSteered {
    dry_run: bool,
    /// Whether they are paused now.
    paused: bool,
    /// Those of which that changed something.
    #[schema(value_type = Vec<words::Lane>)]
    changed: Vec<Lane>,
    count: usize,
}

/// Every lane as it is now, with what it did lately.
pub(super) async fn all(app: &App) -> Result<Vec<LaneView>, Failure> {
    let lanes = lanes_now(app.tools(), &lately(app.tools()).await?).await?;
    Ok(lanes.into_iter().map(Into::into).collect())
}

/// Lists the lanes, with what they did in the last hour and day.
#[utoipa::path(get, path = "/lanes", tag = "lanes",
    responses((status = 200, description = "All of them.", body = Lanes), Looking))]
pub(super) async fn list_lanes(
    State(Served { app, .. }): State<Served>,
    _: Query<Nothing>,
) -> Result<Json<Lanes>, Failure> {
    Ok(Json(Lanes { lanes: all(&app).await? }))
}

/// Of how many days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysAsked {
    /// How many, of which today is the last.
    #[serde(default = "days_default")]
    #[param(minimum = 1, maximum = 366, default = 30)]
    days: u16,
}

fn days_default() -> u16 {
    30
}

/// What a lane did in a day.
#[derive(Serialize, ToSchema)]
#[schema(as = LaneDay)]
struct Day {
    #[schema(value_type = words::Lane)]
    lane: Lane,
    /// When the day begins, in Unix milliseconds.
    from: i64,
    /// Attempts after which a job was done.
    done: u64,
    /// Attempts after which a job had failed for good, and jobs that were given up while
    /// nobody held them.
    failed: u64,
}

/// What each lane did, day by day, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Days {
    days: Vec<Day>,
}

/// Says how many jobs of each lane were done and failed, by the day of UTC.
///
/// The newest day is first, and is not over. Days before the first of which something is
/// known are left out; a day in which nothing happened is there.
#[utoipa::path(get, path = "/lanes/days", tag = "lanes", params(DaysAsked),
    responses((status = 200, description = "Each lane in each day.", body = Days), Looking))]
pub(super) async fn list_days(
    State(Served { app, .. }): State<Served>,
    Query(DaysAsked { days }): Query<DaysAsked>,
) -> Result<Json<Days>, Failure> {
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Failure::with(Code::BadRequest, format!("The query: days: 1 to {DAYS_MAX} expected")));
    }
    let read = |LaneDay { lane, from, done, failed }| Day { lane, from: from.0, done, failed };
    let days = newest_first(&app.db.lane_days(days).await?);
    Ok(Json(Days { days: days.into_iter().map(read).collect() }))
}

async fn set(app: App, named: String, pause: bool, dry_run: bool) -> Result<Json<LanesSteered>, Failure> {
    let unknown = |_| Failure::with(Code::NotFound, "There is no such lane.");
    let (lanes, subject) = match named.as_str() {
        "all" => (Lane::ALL.to_vec(), "all"),
        name => name.parse().map(|lane: Lane| (vec![lane], lane.as_str())).map_err(unknown)?,
    };
    let work = {
        let app = app.clone();
        async move { set_lanes(app.tools(), &lanes, subject, pause, dry_run).await }
    };
    let changed = app.see_through(work).await?;
    Ok(Json(LanesSteered { dry_run, paused: pause, count: changed.len(), changed }))
}

/// Lets no job of a lane begin any more.
///
/// What runs goes on, and uploads are taken. It outlives every restart.
#[utoipa::path(post, path = "/lanes/{lane}/pause", tag = "lanes",
    params(("lane" = inline(words::LaneOrAll), Path, description = "Which."), Tried),
    responses((status = 200, description = "It is paused.", body = LanesSteered), Steering))]
pub(super) async fn pause_lane(
    State(Served { app, .. }): State<Served>,
    Path(lane): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<LanesSteered>, Failure> {
    set(app, lane, true, dry_run).await
}

/// Lets a lane go on.
#[utoipa::path(post, path = "/lanes/{lane}/resume", tag = "lanes",
    params(("lane" = inline(words::LaneOrAll), Path, description = "Which."), Tried),
    responses((status = 200, description = "It is open.", body = LanesSteered), Steering))]
pub(super) async fn resume_lane(
    State(Served { app, .. }): State<Served>,
    Path(lane): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<LanesSteered>, Failure> {
    set(app, lane, false, dry_run).await
}
