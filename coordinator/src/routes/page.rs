//! The demo room's page, embedded in the binary.

use super::Served;
use crate::{app::App, failure::Failure};
use aws_lc_rs::digest;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Redirect, Response},
};
use data_encoding::HEXLOWER;
use heim_common::{RoomName, problem::Code};
use rust_embed::Embed;

/// Where the page's own pictures, scripts and connections may come from. The
/// store's server is among them where downloads are sent there.
fn policy(pictures: Option<&str>) -> String {
    let from = pictures.map_or(String::new(), |origin| format!(" {origin}"));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:{from}; connect-src 'self' \
         ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The files of `web/`. They are compiled in, so there is nothing to install.
#[derive(Embed)]
#[folder = "web/"]
#[exclude = "test/*"]
struct Web;

/// `GET /`: to a room that everybody can find.
pub(super) async fn welcome() -> Redirect {
    Redirect::temporary("/room/welcome/")
}

/// `GET /room/{room}`: relative addresses need the slash.
pub(super) async fn slash(Path(room): Path<String>) -> Result<Redirect, Failure> {
    let room: RoomName = room.parse().map_err(|_| Code::RoomNotFound)?;
    Ok(Redirect::permanent(&format!("/room/{room}/")))
}

/// `GET /room/{room}/`: the page.
pub(super) async fn room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let _: RoomName = room.parse().map_err(|_| Code::RoomNotFound)?;
    embedded(&app, "index.html", &headers)
}

/// `GET /static/{file}`: what the page is made of.
pub(super) async fn file(
    State(Served { app, .. }): State<Served>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    embedded(&app, &file, &headers)
}

fn embedded(app: &App, name: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    let content_type = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => return Err(Code::NotFound.into()),
    };
    let file = Web::get(name).ok_or(Code::NotFound)?;
    let etag = format!("\"{}\"", HEXLOWER.encode(digest::digest(&digest::SHA256, &file.data).as_ref()));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == etag.as_str());
    let mut response = Response::new(if known { Body::empty() } else { Body::from(file.data.into_owned()) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let policy = policy(app.store.presigned_origin());
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(|_| Code::Internal)?);
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(|_| Code::Internal)?);
    Ok(response)
}
