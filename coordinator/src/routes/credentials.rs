//! HTTP Basic credentials (RFC 7617) of workers and other stores.

use super::problem;
use crate::{app::App, sign::equal};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Request, Response, header},
    middleware::Next,
};
use data_encoding::BASE64;
use heim_common::{
    problem::Code,
    wire::{HEADER_VERSION, VERSION},
};

/// Lets only those pass who know `hooks.key` and `hooks.secret`. They are told in
/// which form they are answered.
pub(super) async fn require(State(app): State<App>, request: Request<Body>, next: Next) -> Response<Body> {
    match check(&app, request.headers()) {
        Ok(()) => {
            let mut response = next.run(request).await;
            response.headers_mut().insert(HEADER_VERSION, HeaderValue::from_static(VERSION));
            response
        }
        Err(code) => problem::asking(code.into(), "Basic realm=\"heim-media\""),
    }
}

/// Lets only those pass who know `admin.token` (RFC 6750).
pub(super) async fn require_admin(State(app): State<App>, request: Request<Body>, next: Next) -> Response<Body> {
    match check_token(&app, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(code) => problem::asking(code.into(), "Bearer realm=\"heim-media\""),
    }
}

fn check_token(app: &App, headers: &HeaderMap) -> Result<(), Code> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    let (_, given) =
        given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).ok_or(Code::AuthorizationRequired)?;
    let token = &app.settings.admin.token;
    // Without a token in the configuration nobody is an admin.
    if !token.is_empty() && equal(given.trim().as_bytes(), token.expose().as_bytes()) {
        Ok(())
    } else {
        Err(Code::Forbidden)
    }
}

fn check(app: &App, headers: &HeaderMap) -> Result<(), Code> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let (_, given) = given.ok_or(Code::AuthorizationRequired)?;
    let given = BASE64.decode(given.trim().as_bytes()).map_err(|_| Code::AuthorizationRequired)?;
    let hooks = &app.settings.hooks;
    let expected = format!("{}:{}", hooks.key, hooks.secret.expose());
    if equal(&given, expected.as_bytes()) { Ok(()) } else { Err(Code::Forbidden) }
}
