//! Where a browser comes from, and by which address it reaches us.

use crate::app::App;
use axum::http::{HeaderMap, Uri, header};
use std::sync::Arc;

/// What the `Origin` header of a socket's request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Ours, or no browser at all.
    Own,
    /// A sandboxed page: welcome, but its cookie counts for nothing.
    Opaque,
    /// Another site.
    Foreign,
}

/// heim's rule: the origin's host is that of the request, perhaps behind
/// `www.` or `alpha.`, or that of a developer's machine.
pub(super) fn origin(app: &App, headers: &HeaderMap) -> Origin {
    let text = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or("?"));
    let Some(origin) = text(header::ORIGIN) else { return Origin::Own };
    if origin == "null" {
        return Origin::Opaque;
    }
    let Some(from) = authority(origin) else { return Origin::Foreign };
    let host = text(header::HOST).unwrap_or_default();
    let public = authority(&app.settings.coordinator.public_url);
    let own = from == host
        || ["www.", "alpha."].iter().any(|prefix| from.strip_prefix(prefix) == Some(host))
        || from == "localhost:8080"
        || Some(from) == public;
    if own { Origin::Own } else { Origin::Foreign }
}

/// The request's cookies, where they count: not in a sandboxed page or another
/// site's.
pub(super) fn cookies<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
    cookies.filter(|_| origin(app, headers) == Origin::Own)
}

fn authority(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest)).filter(|host| !host.is_empty())
}

/// The address that a client's handles begin with: the configured one, else the
/// one by which the client came.
pub(super) fn base(app: &App, headers: &HeaderMap) -> Arc<str> {
    let configured = &app.settings.coordinator.public_url;
    if !configured.is_empty() {
        return configured.as_str().into();
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    // What is not an authority must not get into a URL that others are shown.
    match host.filter(|host| host.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some_and(|part| part == *host))) {
        Some(host) if !host.contains('@') => format!("{}://{host}", scheme(headers)).into(),
        _ => app.own_url.as_str().into(),
    }
}

/// `https` where a proxy says that the client came by it.
pub(super) fn scheme(headers: &HeaderMap) -> &'static str {
    let forwarded = headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
    if forwarded { "https" } else { "http" }
}
