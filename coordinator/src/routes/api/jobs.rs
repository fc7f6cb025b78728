//! Jobs: found, shown with all their attempts, tried again, given up, forgotten.

use super::{
    asked::{self, Nothing, Query, Tried, named},
    job_view::{History, Job},
    problems::{Looking, LookingAt, Steering, SteeringAll},
    words,
};
use crate::{
    admin::{Steer, Which, steer},
    app::App,
    failure::Failure,
    routes::Served,
};
use axum::{
    Json,
    extract::{Path, State},
};
use heim_common::{
    JobId, MediaId, RoomName,
    job::{JobState, Lane, Reason},
    problem::Code,
};
use heim_db::JobFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Jobs, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct JobPage {
    jobs: Vec<Job>,
    /// The `before` of the next page; `null` where this is the last one.
    #[schema(value_type = Option<words::JobId>)]
    next: Option<JobId>,
}

/// The keys of a query by which jobs are found, and those of an operation's own. In one
/// struct each, because serde refuses no unknown key where another is flattened into it.
macro_rules! query_of_jobs {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Deserialize, IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// In this state.
            #[serde(default, deserialize_with = "asked::word")]
            #[param(value_type = words::State, inline, required = false)]
            state: Option<JobState>,
            /// In this lane.
            #[serde(default, deserialize_with = "asked::word")]
            #[param(value_type = words::Lane, inline, required = false)]
            lane: Option<Lane>,
            /// In this room.
            #[serde(default, deserialize_with = "asked::word")]
            #[param(value_type = words::RoomName, inline, required = false)]
            room: Option<RoomName>,
            /// On this media object.
            #[serde(default, deserialize_with = "asked::word")]
            #[param(value_type = words::MediaId, inline, required = false)]
            media: Option<MediaId>,
            /// Whose last failure was this.
            #[serde(default, deserialize_with = "asked::word")]
            #[param(value_type = words::Reason, inline, required = false)]
            reason: Option<Reason>,
            /// That this worker has had.
            #[serde(default, deserialize_with = "asked::line")]
            #[param(value_type = words::Line, inline, required = false)]
            worker: Option<String>,
            $($own)*
        }

        impl $name {
            fn filter(self) -> JobFilter {
                let Self { state, lane, room, media, reason, worker, .. } = self;
                JobFilter { state, lane, room, media, reason, worker }
            }
        }
    };
}

query_of_jobs! {
    /// Which jobs: those of which all is true that is said.
    JobsAsked {
        /// Only those before this one: `next` of the page before.
        #[serde(default, deserialize_with = "asked::word")]
        #[param(value_type = words::JobId, inline, required = false)]
        before: Option<JobId>,
        /// How many.
        #[serde(default = "asked::page_default", deserialize_with = "asked::limit")]
        #[param(minimum = 1, maximum = 1000, default = 50)]
        limit: u64,
    }
}

query_of_jobs! {
    /// Which jobs something is done to: those of which all is true that is said.
    JobsMeant {
        /// All of them: where nothing else is said, this must be.
        #[serde(default)]
        all: bool,
        /// `true`: say exactly what would be done, and do nothing.
        #[serde(default)]
        dry_run: bool,
    }
}

/// What was done to jobs, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct JobsSteered {
    dry_run: bool,
    /// Which: the first 1,000 of them.
    #[schema(value_type = Vec<words::JobId>, max_items = 1000)]
    jobs: Vec<JobId>,
    /// How many.
    count: usize,
}

/// Lists jobs, the newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobsAsked),
    responses((status = 200, description = "A page.", body = JobPage), Looking))]
pub(super) async fn list_jobs(
    State(Served { app, .. }): State<Served>,
    Query(asked): Query<JobsAsked>,
) -> Result<Json<JobPage>, Failure> {
    let (before, limit) = (asked.before, asked.limit);
    let page = app.db.jobs_page(&asked.filter(), before, limit).await?;
    let next = asked::next(&page, limit, |job| job.id);
    Ok(Json(JobPage { jobs: page.into_iter().map(Into::into).collect(), next }))
}

fn job_id(text: &str) -> Result<JobId, Failure> {
    text.parse().map_err(|_| Failure::with(Code::NotFound, "There is no such job."))
}

/// Shows a job with all its attempts.
///
/// Rows of jobs that ended are kept for `jobs.kept_s`.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = inline(words::JobId), Path, description = "Which.")),
    responses((status = 200, description = "All that is known of it.", body = History), LookingAt))]
pub(super) async fn show_job(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    _: Query<Nothing>,
) -> Result<Json<History>, Failure> {
    let unknown = || Failure::with(Code::NotFound, "There is no such job.");
    let history = app.db.job_history(job_id(&id)?).await?.ok_or_else(unknown)?;
    Ok(Json(history.into()))
}

async fn carry_out(app: App, what: Steer, which: Which, dry_run: bool) -> Result<Json<JobsSteered>, Failure> {
    let work = {
        let app = app.clone();
        async move { Box::pin(steer(app.tools(), what, &which, dry_run)).await }
    };
    let jobs = app.see_through(work).await?;
    Ok(Json(JobsSteered { dry_run, count: jobs.len(), jobs: named(jobs) }))
}

/// Tries a job again that has failed, as if it were new.
///
/// One that rests is due at once. Any other is refused with `bad-request`.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs",
    params(("id" = inline(words::JobId), Path, description = "Which."), Tried),
    responses((status = 200, description = "It waits for a worker.", body = JobsSteered), Steering))]
pub(super) async fn retry_job(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<JobsSteered>, Failure> {
    carry_out(app, Steer::Retry, Which::One(job_id(&id)?), dry_run).await
}

/// Gives up a job that waits or runs.
///
/// Its picture has failed, and its room is told. One that has ended is refused with
/// `bad-request`.
#[utoipa::path(post, path = "/jobs/{id}/discard", tag = "jobs",
    params(("id" = inline(words::JobId), Path, description = "Which."), Tried),
    responses((status = 200, description = "It is given up.", body = JobsSteered), Steering))]
pub(super) async fn discard_job(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<JobsSteered>, Failure> {
    carry_out(app, Steer::Discard, Which::One(job_id(&id)?), dry_run).await
}

/// Removes the row of a job that has ended, before its time.
///
/// Its picture stays as it is, and cannot be tried again. One that has not ended is refused
/// with `bad-request`.
#[utoipa::path(post, path = "/jobs/{id}/forget", tag = "jobs",
    params(("id" = inline(words::JobId), Path, description = "Which."), Tried),
    responses((status = 200, description = "It is forgotten.", body = JobsSteered), Steering))]
pub(super) async fn forget_job(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    Query(Tried { dry_run }): Query<Tried>,
) -> Result<Json<JobsSteered>, Failure> {
    carry_out(app, Steer::Forget, Which::One(job_id(&id)?), dry_run).await
}

/// Nothing is done to all jobs because somebody forgot to say which.
fn meant(meant: JobsMeant) -> Result<(Which, bool), Failure> {
    let (all, dry_run, filter) = (meant.all, meant.dry_run, meant.filter());
    match (filter == JobFilter::default(), all) {
        (true, false) => Err(Failure::with(Code::BadRequest, "Say what to match, or all=true.")),
        (false, true) => Err(Failure::with(Code::BadRequest, "Say what to match or all=true, not both.")),
        _ => Ok((Which::All(filter), dry_run)),
    }
}

/// Tries all jobs again that match.
///
/// Those that failed; with `state=pending` those that rest.
#[utoipa::path(post, path = "/jobs/retry", tag = "jobs", params(JobsMeant),
    responses((status = 200, description = "They wait for a worker.", body = JobsSteered), SteeringAll))]
pub(super) async fn retry_jobs(
    State(Served { app, .. }): State<Served>,
    Query(asked): Query<JobsMeant>,
) -> Result<Json<JobsSteered>, Failure> {
    let (which, dry_run) = meant(asked)?;
    carry_out(app, Steer::Retry, which, dry_run).await
}

/// Gives up all jobs that match: those that wait and those that run.
///
/// Their pictures have failed, and rooms are told.
#[utoipa::path(post, path = "/jobs/discard", tag = "jobs", params(JobsMeant),
    responses((status = 200, description = "They are given up.", body = JobsSteered), SteeringAll))]
pub(super) async fn discard_jobs(
    State(Served { app, .. }): State<Served>,
    Query(asked): Query<JobsMeant>,
) -> Result<Json<JobsSteered>, Failure> {
    let (which, dry_run) = meant(asked)?;
    carry_out(app, Steer::Discard, which, dry_run).await
}

/// Removes the rows of all jobs that match and have ended.
///
/// Their pictures stay as they are, and cannot be tried again.
#[utoipa::path(post, path = "/jobs/forget", tag = "jobs", params(JobsMeant),
    responses((status = 200, description = "They are forgotten.", body = JobsSteered), SteeringAll))]
pub(super) async fn forget_jobs(
    State(Served { app, .. }): State<Served>,
    Query(asked): Query<JobsMeant>,
) -> Result<Json<JobsSteered>, Failure> {
    let (which, dry_run) = meant(asked)?;
    carry_out(app, Steer::Forget, which, dry_run).await
}
