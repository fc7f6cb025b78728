//! `/healthz`: the process lives. `/readyz`: it can do its work.

use super::Served;
use crate::app::App;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use heim_runtime::telemetry::chain;
use serde_json::json;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long each check may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a report is good for.
const FRESH: Duration = Duration::from_secs(1);

/// `GET /healthz`.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /metrics`: what was counted, for Prometheus (text format 0.0.4).
pub(super) async fn metrics(State(Served { app, .. }): State<Served>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response()
}

/// What the checks found, each in a word.
#[derive(Clone, Copy)]
pub(super) struct Report {
    at: Instant,
    database: &'static str,
    queue: &'static str,
    store: &'static str,
}

/// The newest report. Whoever comes while one is made waits for it.
pub(super) type Newest = Arc<Mutex<Option<Report>>>;

/// `GET /readyz`: 200 where database, queue and store answer and can be
/// written, else 503; says which, and in heim-media how the walls around the pixel
/// children stand. The checks write, and anybody may ask, so one
/// report serves all who ask within a second.
pub(super) async fn ready(State(Served { app, shutdown, report }): State<Served>) -> Response {
    // Seen through, so that a caller who hangs up leaves no probe in the store.
    let checked = app.see_through({
        let app = app.clone();
        async move { Ok(look(&app, &report).await) }
    });
    let Report { at: _, database, queue, store } = match checked.await {
        Ok(report) => report,
        Err(failure) => return failure.into_response(),
    };
    let stopping = shutdown.soft.is_cancelled();
    let ready = !stopping && [database, queue, store].iter().all(|word| *word == "ok");
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body =
        json!({ "ready": ready, "stopping": stopping, "database": database, "queue": queue, "store": store });
    if let Some(walls) = &app.walls {
        body["walls"] = json!(walls.get());
    }
    (status, Json(body)).into_response()
}

async fn look(app: &App, newest: &Mutex<Option<Report>>) -> Report {
    let mut newest = newest.lock().await;
    if let Some(report) = newest.filter(|report| report.at.elapsed() < FRESH) {
        return report;
    }
    let (database, queue, store) =
        tokio::join!(check(app.db.ping()), check(app.queue.ping()), check(app.store.check()));
    *newest.insert(Report { at: Instant::now(), database, queue, store })
}

async fn check<E: Error + 'static>(answer: impl Future<Output = Result<(), E>>) -> &'static str {
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            tracing::warn!(error = chain(&error), "not ready");
            "failing"
        }
        Err(_) => "not answering",
    }
}
