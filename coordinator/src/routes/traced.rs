//! Every request has an id, by which its log lines are found in every process: that
//! of a caller who has one already (W3C Trace Context), or a fresh one.

use crate::app::Ids;
use axum::{
    body::Body,
    extract::MatchedPath,
    http::{Request, Response},
    middleware::Next,
};
use heim_common::{Trace, trace::HEADER_TRACE};
use heim_runtime::traces::{Part, Span};
use tracing::Instrument;

/// Answers within a span of the request, which handlers find among its extensions.
pub(super) async fn follow(mut request: Request<Body>, next: Next) -> Response<Body> {
    let told = request.headers().get(HEADER_TRACE).and_then(|value| value.to_str().ok()?.parse::<Trace>().ok());
    let mut sent = sent(&request, told);
    let trace = sent.as_ref().and_then(Span::trace);
    let trace = trace.unwrap_or_else(|| told.map_or_else(Ids::trace, |told| told.then(rand::random())));
    request.extensions_mut().insert(trace);
    // Of the highest level, so that whatever is logged at all is logged within it.
    let span = tracing::error_span!("request", trace_id = %trace.id());
    let response = next.run(request).instrument(span).await;
    if let Some(sent) = &mut sent {
        let status = response.status();
        sent.note("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            sent.fail(|| status.to_string());
        }
    }
    response
}

/// The span that a collector is sent, by OpenTelemetry's conventions for HTTP servers;
/// none of those who only look how we are.
fn sent(request: &Request<Body>, told: Option<Trace>) -> Option<Span> {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if ["/healthz", "/readyz", "/metrics"].contains(&route) {
        return None;
    }
    let mut span = Span::begin("request", Part::Server, told);
    let method = request.method().as_str();
    span.rename(|| format!("{method} {route}").trim_end().to_owned().into());
    span.note("http.request.method", method.to_owned());
    span.note("http.route", route.to_owned());
    Some(span)
}
