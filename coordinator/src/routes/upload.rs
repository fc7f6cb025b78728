//! `PUT /media/{id}`: the upload that a handle describes.

use super::{Served, problem};
use crate::{
    app::App,
    failure::Failure,
    handle::{BadHandle, UploadGrant},
    life::upload::receive,
    measures,
};
use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt};
use heim_common::{MediaId, Trace, problem::Code};
use heim_runtime::body::BodyError;
use serde_json::json;
use std::{panic::AssertUnwindSafe, time::Duration};

/// How much of a refused upload is read and thrown away, so that the client
/// gets to read why: closing at once resets the connection under its feet.
const LINGER_BYTES: usize = 32 << 20;
const LINGER_TIME: Duration = Duration::from_secs(5);

/// 201 once the original is durable. The handle's bearer token is the right to
/// do it, once.
pub(super) async fn upload(
    State(Served { app, .. }): State<Served>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let counted = measures::Upload::begin();
    let (parts, body) = request.into_parts();
    let mut body = read(body);
    // Caught here, because the client has to be listened to even then: see below.
    let checked = AssertUnwindSafe(upload_checked(&app, &id, &parts, &mut body)).catch_unwind().await;
    let checked = checked.unwrap_or_else(|_| Err(Code::Internal.into()));
    counted.end(checked.as_ref().err().map(|failure| failure.code));
    match checked {
        Ok(id) => (StatusCode::CREATED, Json(json!({ "id": id }))).into_response(),
        Err(failure) => {
            // Who waits for `100 Continue` has sent nothing yet, and reading on would ask for it.
            if !parts.headers.contains_key(header::EXPECT) {
                app.tasks.spawn(tokio::time::timeout(LINGER_TIME, drain(body)));
            }
            problem::asking(failure, "Bearer")
        }
    }
}

async fn upload_checked<S>(app: &App, id: &str, parts: &Parts, body: S) -> Result<MediaId, Failure>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
{
    let headers = &parts.headers;
    let media: MediaId = id.parse().map_err(|_| Code::MediaNotFound)?;
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Code::AuthorizationRequired)?;
    let grant = UploadGrant::verify(&app.signer, media, token.trim(), app.now()).map_err(|bad| match bad {
        BadHandle::Forged => Code::BadSignature,
        BadHandle::Expired => Code::HandleExpired,
    })?;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Code::UnsupportedEncoding.into());
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let trace = parts.extensions.get::<Trace>().copied();
    receive(app, grant, trace, length.ok_or(Code::LengthRequired)?, body).await?;
    Ok(media)
}

/// The body with its errors told apart.
fn read(body: Body) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + Unpin {
    let received = metrics::counter!("heim_upload_bytes_total");
    let body = body.into_data_stream().inspect_ok(move |chunk| received.increment(chunk.len() as u64));
    body.map_err(|error| match error.into_inner().downcast::<BodyError>() {
        Ok(error) => *error,
        // Only a deadline is no fault of the connection, and it is a `BodyError`.
        Err(_) => BodyError::Broken(None),
    })
}

async fn drain(mut body: impl Stream<Item = Result<Bytes, BodyError>> + Unpin) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(chunk)) = body.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}
