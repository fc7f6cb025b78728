//! Failures as HTTP: problem+json for the client, one log line for the
//! operator.

use crate::failure::Failure;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use heim_common::problem::{self, Code, Problem};
use heim_runtime::telemetry::chain;

/// The policy of all that is not our page: nothing in it runs or loads.
pub(super) const INERT: &str = "sandbox; default-src 'none'";

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        response(self)
    }
}

/// The answer to a request that failed.
pub(super) fn response(failure: Failure) -> Response<Body> {
    let Failure { code, detail, id, retry_after, cause } = failure;
    if let Some(cause) = cause {
        metrics::counter!("heim_requests_failed_total", "code" => code.as_str()).increment(1);
        tracing::error!(code = code.as_str(), error = chain(cause.as_ref()), "request failed");
    }
    let body = serde_json::to_vec(&Problem { id, ..Problem::new(code, detail) }).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(INERT));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if matches!(code.status(), 429 | 503) {
        // Whole seconds, rounded up: who comes too early is refused again.
        let seconds = retry_after.map_or(1, |wait| wait.as_millis().div_ceil(1000).max(1));
        headers.insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
    }
    response
}

/// The same, where it asks for credentials, with the scheme they have (RFC 9110,
/// 11.6.1). Only `Basic` makes a browser ask its user.
pub(super) fn asking(failure: Failure, scheme: &'static str) -> Response<Body> {
    let asks = failure.code == Code::AuthorizationRequired;
    let mut response = response(failure);
    if asks {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_cause_is_for_the_operator_only() {
        let failure = Failure::because(Code::Unavailable, std::io::Error::other("/secret/path"));
        let response = response(failure);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn who_comes_too_often_is_told_when_to_come_again() {
        let failure = Failure { retry_after: Some(Duration::from_millis(2_001)), ..Code::QuotaExceeded.into() };
        assert_eq!(response(failure).headers()[header::RETRY_AFTER], "3");
        assert_eq!(response(Code::TooManySockets.into()).headers()[header::RETRY_AFTER], "1");
    }
}
