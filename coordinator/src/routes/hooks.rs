//! The hooks by which a media store tells heim of uploads and transcodings.

use super::Served;
use crate::{failure::Failure, life::register};
use axum::{
    Json,
    extract::{FromRequest, Path, Request, State},
    http::{HeaderMap, header},
};
use heim_common::{
    JobId, MediaId, RoomName,
    media::MediaState,
    problem::Code,
    wire::{HEADER_FENCE, HEADER_JOB, TranscodedHook, UploadedHook, UploadedReply},
};
use serde::de::DeserializeOwned;
use std::{error::Error, str::FromStr};

/// `POST /room/{room}/media`: a transcoding is stored. 200 also where it was
/// known already, or where a newer version is.
pub(super) async fn transcoded(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    headers: HeaderMap,
    Body(hook): Body<TranscodedHook>,
) -> Result<(), Failure> {
    let room: RoomName = room.parse().map_err(|_| Code::MediaNotFound)?;
    let lease = match (header::<JobId>(&headers, HEADER_JOB)?, header::<i64>(&headers, HEADER_FENCE)?) {
        (Some(job), Some(fence)) => Some((job, fence)),
        (None, None) => None,
        _ => return Err(Failure::with(Code::BadRequest, "job and fence go together")),
    };
    app.see_through(register::register(app.clone(), room, hook, lease)).await
}

/// `POST /room/{room}/media/{id}/uploaded`: which transcodings to make of an
/// original that this store holds; 409 where it holds none yet. Bytes that are
/// elsewhere cannot be announced by it: uploads pass through this store.
pub(super) async fn uploaded(
    State(Served { app, .. }): State<Served>,
    Path((room, id)): Path<(String, String)>,
    Body(_hook): Body<UploadedHook>,
) -> Result<Json<UploadedReply>, Failure> {
    let room: RoomName = room.parse().map_err(|_| Code::MediaNotFound)?;
    let media_id: MediaId = id.parse().map_err(|_| Code::MediaNotFound)?;
    let media = app.db.media(media_id).await?.filter(|media| media.room == room).ok_or(Code::MediaNotFound)?;
    if media.state == MediaState::Created {
        return Err(Code::NotUploaded.into());
    }
    Ok(Json(UploadedReply { media_id, transcodings: app.settings.transcodings.image.clone() }))
}

fn header<T: FromStr>(headers: &HeaderMap, name: &str) -> Result<Option<T>, Failure> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or_else(|| Failure::with(Code::BadRequest, format!("header {name} cannot be read")))
}

/// A JSON body; everything else is 400, as in the branch.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Served> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, served: &Served) -> Result<Self, Failure> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|text| text.split(';').next()).map(str::trim);
        if !essence.is_some_and(|text| text.eq_ignore_ascii_case("application/json")) {
            return Err(Failure::with(Code::InvalidJson, "Content-Type must be application/json"));
        }
        let max = served.app.settings.limits.json_bytes_max;
        let bytes = axum::body::to_bytes(request.into_body(), max).await.map_err(|error| unread(&error))?;
        let body = serde_json::from_slice(&bytes);
        body.map(Self).map_err(|error| Failure::with(Code::InvalidJson, error.to_string()))
    }
}

/// Why a body could not be read: too large for good, or broken this time.
fn unread(error: &axum::Error) -> Code {
    let too_large = error.source().is_some_and(<dyn Error>::is::<http_body_util::LengthLimitError>);
    if too_large { Code::TooLarge } else { Code::BodyTimeout }
}
