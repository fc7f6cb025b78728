//! `/api/v1`: rooms, media and what operators do, for whoever holds `admin.token`. The
//! routes and the document that describes them are made of the same table.

mod asked;
mod audit;
mod document;
mod job_view;
mod jobs;
mod lanes;
mod media;
mod media_view;
mod moderation;
mod orphans;
mod overview;
mod page;
mod problems;
mod purge;
mod queue;
mod rooms;
mod usage;
mod words;
mod workers;

use super::{Served, credentials, problem};
use crate::app::App;
use axum::{Router, middleware, response::Redirect, routing::get};
use document::Described;
use heim_common::problem::Code;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where the operations are.
const ROOT: &str = "/api/v1";

/// The operations, behind their credentials, and what describes them, for everybody.
pub(super) fn router(app: &App) -> Router<Served> {
    let (operations, document) = operations().split_for_parts();
    let operations = operations
        .fallback(async || problem::response(Code::NotFound.into()))
        .method_not_allowed_fallback(async || problem::response(Code::MethodNotAllowed.into()))
        .layer(middleware::from_fn_with_state(app.clone(), credentials::require_admin));
    let described = Arc::new(Described::of(document));
    let page = Arc::clone(&described);
    Router::new()
        .route("/api", get(async || Redirect::permanent("/api/")))
        .route("/api/", get(async move || page.page()))
        .route("/api/openapi.json", get(async move || described.json()))
        .nest(ROOT, operations)
}

/// Every operation.
fn operations() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(rooms::list_rooms))
        .routes(routes!(rooms::make_room, rooms::show_room, rooms::delete_room))
        .routes(routes!(rooms::rotate_key))
        .routes(routes!(moderation::add_manager, moderation::remove_manager))
        .routes(routes!(moderation::delete_message))
        .routes(routes!(media::make_media))
        .routes(routes!(media::show_media, media::remove_media))
        .routes(routes!(overview::show_overview))
        .routes(routes!(queue::show_queue))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::show_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(jobs::discard_job))
        .routes(routes!(jobs::forget_job))
        .routes(routes!(jobs::retry_jobs))
        .routes(routes!(jobs::discard_jobs))
        .routes(routes!(jobs::forget_jobs))
        .routes(routes!(lanes::list_lanes))
        .routes(routes!(lanes::list_days))
        .routes(routes!(lanes::pause_lane))
        .routes(routes!(lanes::resume_lane))
        .routes(routes!(workers::list_workers))
        .routes(routes!(workers::pause_worker))
        .routes(routes!(workers::resume_worker))
        .routes(routes!(workers::drain_worker))
        .routes(routes!(usage::list_usage))
        .routes(routes!(orphans::list_orphans))
        .routes(routes!(orphans::remove_orphans))
        .routes(routes!(purge::purge))
        .routes(routes!(audit::list_audit))
}
