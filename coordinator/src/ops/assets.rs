//! The files that pages are made with, compiled in. They tell nobody anything, so one
//! need not log in for them.

use super::frame;
use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use heim_common::problem::Code;

/// `GET /ops/static/{file}`.
pub(super) async fn file(Path(file): Path<String>) -> Response {
    let (kind, text) = match file.as_str() {
        "palette.css" => ("text/css; charset=utf-8", include_str!("../../web/palette.css")),
        "ops.css" => ("text/css; charset=utf-8", include_str!("../../ops/ops.css")),
        "ops.js" => ("text/javascript; charset=utf-8", include_str!("../../ops/ops.js")),
        "thumbhash.js" => ("text/javascript; charset=utf-8", include_str!("../../web/thumbhash.js")),
        "favicon.svg" => ("image/svg+xml", include_str!("../../web/favicon.svg")),
        _ => return frame::refusal(&Code::NotFound.into()),
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
