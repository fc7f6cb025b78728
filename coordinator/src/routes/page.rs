//! The demo room's page, embedded in the binary.

use crate::failure::Failure;
use aws_lc_rs::digest;
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Redirect, Response},
};
use data_encoding::HEXLOWER;
use heim_common::{RoomName, problem::Code};
use rust_embed::Embed;

/// Where the page's own pictures, scripts and connections may come from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

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
pub(super) async fn room(Path(room): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    let _: RoomName = room.parse().map_err(|_| Code::RoomNotFound)?;
    embedded("index.html", &headers)
}

/// `GET /static/{file}`: what the page is made of.
pub(super) async fn file(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    embedded(&file, &headers)
}

fn embedded(name: &str, headers: &HeaderMap) -> Result<Response, Failure> {
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
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(|_| Code::Internal)?);
    Ok(response)
}
