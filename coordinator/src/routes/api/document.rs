//! What describes the operations: for programs as a document, for people as a
//! page. Nothing in it is secret, and it is the same in every deployment of a release.

use super::{ROOT, page, problems};
use crate::routes::problem::INERT;
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::openapi::{Info, OpenApi, Paths};

/// The document in both forms, made once.
pub(super) struct Described {
    json: Bytes,
    page: Bytes,
}

impl Described {
    pub(super) fn of(operations: OpenApi) -> Self {
        let document = document(operations);
        let page = page::page(&document).into_string();
        Self { json: document.to_string().into(), page: page.into() }
    }

    /// `GET /api/openapi.json`.
    pub(super) fn json(&self) -> Response {
        answer(self.json.clone(), "application/json", INERT)
    }

    /// `GET /api/`.
    pub(super) fn page(&self) -> Response {
        answer(self.page.clone(), "text/html; charset=utf-8", page::POLICY)
    }
}

fn answer(body: Bytes, kind: &'static str, policy: &'static str) -> Response {
    let mut response = body.into_response();
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The parts of the API, in the order in which they are read.
pub(super) const TAGS: [(&str, &str); 7] = [
    ("rooms", "Rooms, their keys, their managers and what is said in them."),
    ("media", "Media objects, for a chat server that is not heim."),
    ("jobs", "What is made of media objects, and what became of it."),
    ("lanes", "The queues that jobs wait in."),
    ("workers", "Who works on jobs."),
    ("store", "What the store holds, and removing it."),
    ("overview", "How the deployment is, and what operators have done."),
];

const ABOUT: &str = "\
What a chat server and an operator do from outside of rooms. What is done here is done by the functions behind \
`heim-coordinator admin` and the dashboard, with the same rules, the same dry run and the same line in the audit.

* **Credentials**: `Authorization: Bearer` with `admin.token` of the configuration. Without a token there, nobody is let in.
* **Lists** come in pages of at most 1,000: `limit` says how many, `next` of an answer is the `before` or `after` of the next page.
* **Strict**: a key of a query or a body that an operation does not know is refused, and so is a value that cannot be; `detail` says which.
* `dry_run=true`, where an operation has it: exactly what would be done, and nothing is done. Elsewhere it is refused as any key that is not known.
* **Refusals** are `application/problem+json` with a `code` of one closed table. 429 and 503 say in `Retry-After` when to come again.
* **Times** are Unix milliseconds, but those of rooms, media objects and handles are Unix seconds, as in heim's protocol; sizes are bytes.
* **Ids** are 13 characters, and grow with time.";

/// The whole document.
fn document(operations: OpenApi) -> Value {
    let whole = OpenApi::new(Info::new("heim-media", env!("CARGO_PKG_VERSION")), Paths::new()).nest(ROOT, operations);
    let mut document = serde_json::to_value(whole).unwrap_or_default();
    document["info"]["description"] = ABOUT.into();
    document["tags"] = TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    document["components"]["responses"] = problems::responses(&document["paths"]).into();
    document["components"]["schemas"]["Problem"] = problems::schema();
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "`admin.token` of the configuration." },
    });
    document["security"] = json!([{ "token": [] }]);
    document
}
