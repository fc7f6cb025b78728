//! The dashboard, at `/ops` of a listener of its own: what operators see and do from a
//! browser. It calls what the command line calls, so that both always say the same.

mod assets;
mod chart;
mod config;
mod door;
mod fields;
mod frame;
mod history;
mod job;
mod jobs;
mod lists;
mod live;
mod overview;
mod steer;
mod transport;

pub use config::{InvalidOps, OpsConfig};

use crate::app::App;
use axum::{
    Router, middleware,
    response::Redirect,
    routing::{get, post},
};
use heim_common::problem::Code;
use heim_runtime::{
    Shutdown,
    server::{self, ServerLimits},
};
use std::{io, sync::Arc};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

/// Most connections at a time: windows, and what they load.
const CONNECTIONS_MAX: usize = 128;

/// What every handler can reach.
#[derive(Clone)]
struct Ops {
    app: App,
    shutdown: Shutdown,
    door: Arc<door::Door>,
    live: Arc<live::Live>,
}

/// Listens where the configuration says; nowhere, where it says nothing.
///
/// # Errors
/// If somebody else listens there.
pub(crate) async fn listen(config: &OpsConfig) -> io::Result<Option<TcpListener>> {
    if config.listen.is_empty() {
        return Ok(None);
    }
    let listener = TcpListener::bind(&config.listen).await?;
    tracing::info!("dashboard at http://{}/ops/", listener.local_addr()?);
    Ok(Some(listener))
}

/// Serves the dashboard, if there is one, until `shutdown`.
pub(crate) async fn run(listener: Option<TcpListener>, app: App, limits: ServerLimits, shutdown: Shutdown) {
    let Some(listener) = listener else { return };
    // No proxy is believed: nothing there counts by address.
    let limits = ServerLimits { connections: CONNECTIONS_MAX, proxies: Arc::default(), ..limits };
    server::run(listener, router(app, shutdown.clone()), limits, shutdown).await;
}

/// The whole of the dashboard's HTTP.
fn router(app: App, shutdown: Shutdown) -> Router {
    let ops = Ops { app, shutdown, door: Arc::default(), live: Arc::default() };
    let inside = Router::new()
        .route("/ops/", get(overview::show))
        .route("/ops/history", get(history::show))
        .route("/ops/events", get(live::events))
        .route("/ops/logout", post(door::logout))
        .route("/ops/lanes", post(steer::lanes))
        .route("/ops/workers", post(steer::workers))
        .route("/ops/jobs", get(jobs::list).post(steer::jobs))
        .route("/ops/jobs/{id}", get(job::show))
        .route("/ops/usage", get(lists::usage))
        .route("/ops/orphans", get(lists::orphans).post(steer::orphans))
        .route("/ops/audit", get(lists::audit))
        .fallback(async || frame::refusal(&Code::NotFound.into()))
        .method_not_allowed_fallback(async || frame::refusal(&Code::MethodNotAllowed.into()))
        .layer(middleware::from_fn_with_state(ops.clone(), door::guard));
    Router::new()
        .route("/", get(async || Redirect::to("/ops/")))
        .route("/ops", get(async || Redirect::to("/ops/")))
        .route("/ops/login", get(door::form).post(door::login))
        .route("/ops/static/{file}", get(assets::file))
        .merge(inside)
        .layer(middleware::from_fn(frame::guarded_headers))
        .layer(CatchPanicLayer::custom(|_| frame::refusal(&Code::Internal.into())))
        .with_state(ops)
}
