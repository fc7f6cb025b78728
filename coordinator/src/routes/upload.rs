//! `PUT /media/{id}`: the upload that a handle describes.

use super::{Served, problem};
use crate::{
    app::App,
    failure::Failure,
    handle::{BadHandle, UploadGrant},
    life::upload::receive,
};
use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt};
use heim_common::{MediaId, problem::Code};
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
    let (parts, body) = request.into_parts();
    let mut body = read(body);
    // Caught here, because the client has to be listened to even then: see below.
    let checked = AssertUnwindSafe(upload_checked(&app, &id, &parts.headers, &mut body)).catch_unwind().await;
    match checked.unwrap_or_else(|_| Err(Code::Internal.into())) {
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

async fn upload_checked<S>(app: &App, id: &str, headers: &HeaderMap, body: S) -> Result<MediaId, Failure>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
{
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
    receive(app, grant, length.ok_or(Code::LengthRequired)?, body).await?;
    Ok(media)
}

/// The body with its errors told apart.
fn read(body: Body) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + Unpin {
    body.into_data_stream().map_err(|error| match error.into_inner().downcast::<BodyError>() {
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
