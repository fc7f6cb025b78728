//! `/healthz`: the process lives. `/readyz`: it can do its work.

use super::Served;
use crate::readiness::Report;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use heim_runtime::measure::Page;
use serde_json::json;

/// `GET /healthz`.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /metrics`: what was counted, for Prometheus.
pub(super) async fn metrics(State(Served { app, .. }): State<Served>) -> Response {
    ([(header::CONTENT_TYPE, Page::CONTENT_TYPE)], app.metrics.render()).into_response()
}

/// `GET /readyz`: 200 where database, queue and store answer and can be
/// written, else 503; says which, and in heim-media how the walls around the pixel
/// children stand.
pub(super) async fn ready(State(Served { app, shutdown }): State<Served>) -> Response {
    // Seen through, so that a caller who hangs up leaves no probe in the store.
    let checked = app.see_through({
        let app = app.clone();
        async move { Ok(app.readiness.report(&app).await) }
    });
    let report = match checked.await {
        Ok(report) => report,
        Err(failure) => return failure.into_response(),
    };
    let stopping = shutdown.soft.is_cancelled();
    let ready = !stopping && report.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let Report { database, queue, store } = report;
    let mut body =
        json!({ "ready": ready, "stopping": stopping, "database": database, "queue": queue, "store": store });
    if let Some(walls) = &app.walls {
        body["walls"] = json!(walls.get());
    }
    (status, Json(body)).into_response()
}
