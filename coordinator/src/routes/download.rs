//! `GET /media/{id}/{name}`: what a download handle's URL stands for.

use super::{Served, problem::INERT, redirect};
use crate::{
    app::App,
    failure::Failure,
    handle::{Audience, BadHandle, DownloadQuery, Target},
    measures,
};
use axum::{
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use futures_util::TryStreamExt;
use heim_common::{
    MediaId, UserId,
    media::{MediaObject, Transcoding},
    problem::Code,
    spec::TranscodingName,
};
use heim_db::{Fetch, Shown};
use heim_runtime::telemetry::chain;
use heim_store::StoreError;
use std::{ops::Range, time::Duration};

/// How long the pictures of a private room stay after an agent's last session
/// there, so that a reconnect shows no broken ones.
const LINGER: Duration = Duration::from_mins(1);

/// Types that a browser may show in place: raster images that run nothing.
pub(super) const INLINE: [&str; 6] = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif"];

/// The bytes of a transcoding, or a single range of them.
pub(super) async fn download(
    State(Served { app, .. }): State<Served>,
    Path((id, name)): Path<(String, String)>,
    query: Result<Query<DownloadQuery>, QueryRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let answered = answered(&app, (&id, &name), query, &method, &headers).await;
    measures::downloaded(match &answered {
        Ok(response) if response.status() == StatusCode::NOT_MODIFIED => "unchanged",
        Ok(response) if response.status().is_redirection() => "redirected",
        Ok(response) if response.status() == StatusCode::PARTIAL_CONTENT => "part",
        Ok(response) if response.status() == StatusCode::RANGE_NOT_SATISFIABLE => Code::RangeNotSatisfiable.as_str(),
        Ok(_) => "whole",
        Err(failure) => failure.code.as_str(),
    });
    answered
}

async fn answered(
    app: &App,
    (id, name): (&str, &str),
    query: Result<Query<DownloadQuery>, QueryRejection>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let id: MediaId = id.parse().map_err(|_| Code::MediaNotFound)?;
    let name: TranscodingName = name.parse().map_err(|_| Code::MediaNotFound)?;
    let Query(query) = query.map_err(|_| Code::BadSignature)?;
    let agent = query.a.as_deref().map(|agent| UserId::parse(agent).ok_or(Code::BadSignature)).transpose()?;
    let fetch = app.db.media_fetch(id, agent.as_ref(), LINGER).await?.ok_or(Code::MediaNotFound)?;
    let audience = match (fetch.room.private, &agent) {
        (false, None) => Audience::Anybody,
        (true, Some(agent)) => Audience::Agent { agent, epoch: fetch.room.epoch },
        _ => return Err(Code::BadSignature.into()),
    };
    let target = Target { room: &fetch.room.name, media: id, name: &name };
    let version = target.verify(&app.signer, audience, &query, app.now()).map_err(|bad| match bad {
        BadHandle::Forged => Code::BadSignature,
        BadHandle::Expired => Code::HandleExpired,
    })?;
    if !may_fetch(&fetch, agent.as_ref()) {
        return Err(Code::MediaNotFound.into());
    }
    let media = &fetch.object;
    let transcoding = media.transcoding(&name).filter(|found| found.version == version).ok_or(Code::MediaNotFound)?;
    let served = Transferred { transcoding, is_private: fetch.room.private };
    let etag = format!("\"{id}-{name}-{version}\"");
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|value| matches(value, &etag)) {
        return answer(StatusCode::NOT_MODIFIED, &served, &etag, Body::empty());
    }
    if !fetch.room.private
        && let Some(redirect) = redirect::to_store(app, transcoding, method).await?
    {
        return Ok(redirect);
    }
    // A range of something else than what the client has is of no use to it.
    let fresh = headers.get(header::IF_RANGE).is_none_or(|value| value == etag.as_str());
    let range = headers.get(header::RANGE).filter(|_| fresh && *method == Method::GET);
    let range = match range.map(|value| single_range(value, transcoding.size)) {
        None | Some(Asked::Whole) => None,
        Some(Asked::Part(range)) => Some(range),
        Some(Asked::Outside) => return not_satisfiable(transcoding.size),
    };
    let length = range.as_ref().map_or(transcoding.size, |range| range.end - range.start);
    let body =
        if *method == Method::HEAD { Body::empty() } else { read(app, media, transcoding, range.clone()).await? };
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = answer(status, &served, &etag, body)?;
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(Range { start, end }) = range {
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes {start}-{}/{}", end - 1, transcoding.size))?;
    }
    Ok(response)
}

/// The bytes of a transcoding, or a range of them, as they come from the store.
async fn read(
    app: &App,
    media: &MediaObject,
    transcoding: &Transcoding,
    range: Option<Range<u64>>,
) -> Result<Body, Failure> {
    let (id, name) = (media.id, transcoding.name.clone());
    let secret = app.keys.object_secret(&app.db, &media.room, id, media.encryption.as_ref()).await?;
    match app.store.read(&transcoding.key, secret.as_ref(), range).await {
        // It cuts the connection: the client sees that bytes are missing.
        Ok(body) if body.total() == transcoding.size => {
            let sent = metrics::counter!("heim_download_bytes_total");
            let body = body.inspect_ok(move |chunk| sent.increment(chunk.len() as u64));
            let span = tracing::Span::current();
            let told = move |error: &StoreError| span.in_scope(|| unreadable(id, &name, error));
            Ok(Body::from_stream(body.inspect_err(told)))
        }
        Ok(body) => {
            let (found, expected) = (body.total(), transcoding.size);
            tracing::error!(media = %id, %name, found, expected, "an object of the store has another size than its row");
            Err(Code::Internal.into())
        }
        Err(error) if error.is_not_found() => {
            tracing::error!(media = %id, %name, "a row's object is not in the store");
            Err(Code::MediaNotFound.into())
        }
        Err(error) => {
            unreadable(id, &name, &error);
            Err(error.into())
        }
    }
}

fn unreadable(media: MediaId, name: &TranscodingName, error: &StoreError) {
    tracing::error!(%media, %name, error = chain(error), "an object of the store cannot be read");
}

/// Whether the room is still there and shows the object: to everybody once it
/// is attached to a message that was not deleted, before that to its uploader.
/// In a private room the agent must be there, or have left just now.
fn may_fetch(fetch: &Fetch, agent: Option<&UserId>) -> bool {
    let Fetch { object, room, shown, present } = fetch;
    let is_shown = match shown {
        Shown::Live => true,
        Shown::Deleted => false,
        Shown::Never => !room.private || agent == Some(&object.uploader.id),
    };
    is_shown && !room.deleted && (!room.private || *present)
}

/// What is sent, and whether caches may keep it.
struct Transferred<'a> {
    transcoding: &'a Transcoding,
    is_private: bool,
}

fn answer(status: StatusCode, served: &Transferred<'_>, etag: &str, body: Body) -> Result<Response, Failure> {
    let Transferred { transcoding, is_private } = served;
    let caching = if *is_private { "private, no-store" } else { "public, max-age=31536000, immutable" };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let disposition = if INLINE.contains(&transcoding.content_type.as_str()) { "inline" } else { "attachment" };
    insert(&mut response, header::CONTENT_TYPE, &transcoding.content_type)?;
    insert(&mut response, header::ETAG, etag)?;
    insert(&mut response, header::CONTENT_DISPOSITION, disposition)?;
    insert(&mut response, header::ACCEPT_RANGES, "bytes")?;
    insert(&mut response, header::CACHE_CONTROL, caching)?;
    insert(&mut response, header::CONTENT_SECURITY_POLICY, INERT)?;
    Ok(response)
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) -> Result<(), Failure> {
    let value = HeaderValue::from_str(value).map_err(|_| Code::Internal)?;
    response.headers_mut().insert(name, value);
    Ok(())
}

fn not_satisfiable(size: u64) -> Result<Response, Failure> {
    let mut response = super::problem::response(Code::RangeNotSatisfiable.into());
    insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"))?;
    Ok(response)
}

fn matches(value: &HeaderValue, etag: &str) -> bool {
    let strip = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    value.to_str().is_ok_and(|list| list.split(',').any(|one| strip(one) == etag || one.trim() == "*"))
}

/// What a `Range` header asks for (RFC 9110, 14.2).
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// All of it, or something that is to be ignored: other units, many ranges.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing that is there.
    Outside,
}

fn single_range(value: &HeaderValue, size: u64) -> Asked {
    let Some(range) = value.to_str().ok().and_then(|text| text.strip_prefix("bytes=")) else { return Asked::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Asked::Whole };
    match (first.trim(), last.trim()) {
        ("", suffix) => match suffix.parse::<u64>() {
            Ok(0) => Asked::Outside,
            Ok(_) if size == 0 => Asked::Outside,
            Ok(count) => Asked::Part(size.saturating_sub(count)..size),
            Err(_) => Asked::Whole,
        },
        (first, last) => {
            let Ok(first) = first.parse::<u64>() else { return Asked::Whole };
            let end = match last {
                "" => size,
                last => match last.parse::<u64>() {
                    Ok(last) if last >= first => last.saturating_add(1).min(size),
                    _ => return Asked::Whole,
                },
            };
            if first < size { Asked::Part(first..end) } else { Asked::Outside }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_read_and_everything_odd_is_the_whole() {
        let asked = |text: &'static str| single_range(&HeaderValue::from_static(text), 10);
        assert_eq!(asked("bytes=0-3"), Asked::Part(0..4));
        assert_eq!(asked("bytes=4-"), Asked::Part(4..10));
        assert_eq!(asked("bytes=-4"), Asked::Part(6..10));
        assert_eq!(asked("bytes=-40"), Asked::Part(0..10));
        assert_eq!(asked("bytes=9-99999999999999999999"), Asked::Whole);
        assert_eq!(asked("bytes=9-18446744073709551615"), Asked::Part(9..10));
        assert_eq!(asked("bytes=10-"), Asked::Outside);
        assert_eq!(asked("bytes=-0"), Asked::Outside);
        for odd in ["bytes=3-1", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "bytes=", "bytes=--1"] {
            assert_eq!(asked(odd), Asked::Whole, "{odd}");
        }
    }
}
