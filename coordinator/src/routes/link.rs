//! `GET /room/{room}/media/{id}/{name}`: the stable link, for people to put into
//! what they write. It leads to a fresh handle.

use super::{
    Served,
    origin::{base, cookies},
    problem::INERT,
};
use crate::{
    cookie,
    failure::Failure,
    handle::{self, Audience, download_expiry},
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use heim_common::{MediaId, RoomName, problem::Code, spec::TranscodingName};
use heim_db::Shown;
use std::time::Duration;

/// 302, or 404 for everybody who may not see it: in a private room whoever has
/// no session there now, and before a message shows it all but its uploader.
pub(super) async fn follow(
    State(Served { app, .. }): State<Served>,
    Path((room, id, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let room: RoomName = room.parse().map_err(|_| Code::MediaNotFound)?;
    let id: MediaId = id.parse().map_err(|_| Code::MediaNotFound)?;
    let name: TranscodingName = name.parse().map_err(|_| Code::MediaNotFound)?;
    let agent = cookies(&app, &headers).and_then(|cookies| cookie::known(&app.signer, Some(cookies)));
    let fetch = app.db.media_fetch(id, agent.as_ref(), Duration::ZERO).await?;
    let fetch = fetch.filter(|fetch| fetch.room.name == room && !fetch.room.deleted).ok_or(Code::MediaNotFound)?;
    let is_shown = match fetch.shown {
        Shown::Live => true,
        Shown::Never => agent.as_ref() == Some(&fetch.object.uploader.id),
        Shown::Deleted => false,
    };
    let audience = match (&agent, fetch.room.private) {
        (_, false) => Audience::Anybody,
        (Some(agent), true) if fetch.present => Audience::Agent { agent, epoch: fetch.room.epoch },
        _ => return Err(Code::MediaNotFound.into()),
    };
    let transcoding = fetch.object.transcoding(&name).filter(|_| is_shown).ok_or(Code::MediaNotFound)?;
    let expires = download_expiry(app.now(), app.settings.limits.download_handle_s);
    let base = base(&app, &headers);
    let url = handle::download(&app.signer, &base, audience, &fetch.object, transcoding, expires).url;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let fields = response.headers_mut();
    fields.insert(header::LOCATION, HeaderValue::from_str(&url).map_err(|_| Code::Internal)?);
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(INERT));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}
