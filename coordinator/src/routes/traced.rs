//! Every request has an id, by which its log lines are found in every process: that
//! of a caller who has one already (W3C Trace Context), or a fresh one.

use crate::app::Ids;
use axum::{
    body::Body,
    http::{Request, Response},
    middleware::Next,
};
use heim_common::{Trace, trace::HEADER_TRACE};
use tracing::Instrument;

/// Answers within a span of the request, which handlers find among its extensions.
pub(super) async fn follow(mut request: Request<Body>, next: Next) -> Response<Body> {
    let told = request.headers().get(HEADER_TRACE).and_then(|value| value.to_str().ok()?.parse::<Trace>().ok());
    let trace = told.map_or_else(Ids::trace, |told| told.then(rand::random()));
    request.extensions_mut().insert(trace);
    // Of the highest level, so that whatever is logged at all is logged within it.
    let span = tracing::error_span!("request", trace_id = %trace.id());
    next.run(request).instrument(span).await
}
