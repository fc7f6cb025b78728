//! Downloads that the client fetches from the store's server itself, where the
//! operator wants that. Only what everybody in a public room may see goes this
//! way, and only after the handle was checked: from then on the server decides,
//! and it knows no rooms.

use super::{download::INLINE, problem::INERT};
use crate::{app::App, failure::Failure};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use heim_common::{media::Transcoding, problem::Code};
use heim_store::{Presented, Presigned};

/// What a type is called that no browser is to make anything of.
const OPAQUE: &str = "application/octet-stream";

/// The way to a transcoding of a public room; `None` where this coordinator
/// sends the bytes itself.
pub(super) async fn to_store(
    app: &App,
    transcoding: &Transcoding,
    method: &Method,
) -> Result<Option<Response>, Failure> {
    // The server says neither `nosniff` nor a policy: what is not a picture gets
    // no type at all, and is saved.
    let is_inline = INLINE.contains(&transcoding.content_type.as_str());
    let presented = Presented {
        content_type: if is_inline { &transcoding.content_type } else { OPAQUE },
        disposition: if is_inline { "inline" } else { "attachment" },
        caching: "public, max-age=31536000, immutable",
    };
    let presigned = app.store.presigned(&transcoding.key, method.clone(), presented).await?;
    presigned
        .map(|Presigned { url, holds }| {
            // Who has it from a cache still has as long to follow it.
            let kept = format!("public, max-age={}", holds.as_secs() / 2);
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            for (name, value) in [
                (header::LOCATION, url.as_str()),
                (header::CACHE_CONTROL, kept.as_str()),
                (header::CONTENT_SECURITY_POLICY, INERT),
                (header::REFERRER_POLICY, "no-referrer"),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|_| Code::Internal)?);
            }
            Ok(response)
        })
        .transpose()
}
