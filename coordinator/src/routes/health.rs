//! `/healthz`: the process lives. `/readyz`: it can do its work.

use super::Served;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{error::Error, time::Duration};

/// How long each check may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// `GET /healthz`.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: 200 where database, queue and store answer and can be
/// written, else 503; says which.
pub(super) async fn ready(State(Served { app, shutdown }): State<Served>) -> Response {
    let (database, queue, store) =
        tokio::join!(check(app.db.ping()), check(app.queue.ping()), check(app.store.check()));
    let stopping = shutdown.soft.is_cancelled();
    let ready = !stopping && [database, queue, store].iter().all(|word| *word == "ok");
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": ready, "stopping": stopping, "database": database, "queue": queue, "store": store });
    (status, Json(body)).into_response()
}

async fn check<E: Error>(answer: impl Future<Output = Result<(), E>>) -> &'static str {
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            "failing"
        }
        Err(_) => "not answering",
    }
}
