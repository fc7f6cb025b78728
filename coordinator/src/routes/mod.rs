//! The routes. The table is here; each handler is in the file of its name.

mod api;
mod credentials;
mod download;
mod health;
mod hooks;
mod jobs;
mod link;
mod origin;
mod page;
mod problem;
mod redirect;
mod seats;
mod socket;
mod traced;
mod upload;

use crate::app::App;
use axum::{
    Router,
    http::{HeaderValue, Request, Response, header},
    middleware::{self, Next},
    routing::{get, post, put},
};
use heim_common::problem::Code;
use heim_runtime::Shutdown;
use tower_http::catch_panic::CatchPanicLayer;

/// What every handler can reach.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) app: App,
    pub(crate) shutdown: Shutdown,
}

/// The whole of a coordinator's HTTP.
pub(crate) fn router(app: App, shutdown: Shutdown) -> Router {
    // What workers and other stores call: credentials are checked before the body is read.
    let hooks = Router::new()
        .route("/room/{room}/media", post(hooks::transcoded))
        .route("/room/{room}/media/{id}/uploaded", post(hooks::uploaded))
        .route("/store/jobs/{id}/claim", post(jobs::claim))
        .route("/store/jobs/{id}/heartbeat", post(jobs::heartbeat))
        .route("/store/jobs/{id}/finish", post(jobs::finish))
        .route("/store/workers", post(jobs::report))
        .route_layer(middleware::from_fn_with_state(app.clone(), credentials::require));
    Router::new()
        .route("/", get(page::welcome))
        .route("/room/{room}", get(page::slash))
        .route("/room/{room}/", get(page::room))
        .route("/static/{file}", get(page::file))
        .route("/room/{room}/ws", get(socket::connect))
        .route("/room/{room}/media/{id}/{name}", get(link::follow))
        .route("/media/{id}", put(upload::upload))
        .route("/media/{id}/{name}", get(download::download))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(hooks)
        .merge(api::router(&app))
        .fallback(async || problem::response(Code::NotFound.into()))
        .method_not_allowed_fallback(async || problem::response(Code::MethodNotAllowed.into()))
        .layer(middleware::from_fn(in_our_words))
        .layer(middleware::from_fn(seats::take))
        .layer(CatchPanicLayer::custom(|_| problem::response(Code::Internal.into())))
        .layer(middleware::from_fn(traced::follow))
        .with_state(Served { app, shutdown })
}

/// No answer of ours is to be taken for another type than it says, and what the
/// framework refuses by itself (a path that is not UTF-8) is a problem, too.
async fn in_our_words(request: Request<axum::body::Body>, next: Next) -> Response<axum::body::Body> {
    let mut response = next.run(request).await;
    let is_text = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/plain; charset=utf-8");
    if is_text && response.status().is_client_error() {
        response = problem::response(Code::BadRequest.into());
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
