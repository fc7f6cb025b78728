//! What an operation can be refused with, as the document has it: by status, with every
//! code of the closed table that can come.

use heim_common::problem::{CONTENT_TYPE, Code, Problem};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{
    IntoResponses,
    openapi::{Ref, RefOr, Response},
};

/// What can come of every request.
const EVERYWHERE: [Code; 6] = [
    Code::BadRequest,
    Code::AuthorizationRequired,
    Code::Forbidden,
    Code::TooManyConnections,
    Code::Internal,
    Code::Unavailable,
];

/// What can come of a body.
const BODY: [Code; 3] = [Code::InvalidJson, Code::BodyTimeout, Code::TooLarge];

/// Between the codes in the name of a response.
const SEPARATOR: char = '.';

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $body:expr, [$($code:ident),*];)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                refused($body, &[$(Code::$code),*])
            }
        }
    )+};
}

refusals! {
    /// Of looking at a list.
    Looking: &[], [];
    /// Of looking at one thing.
    LookingAt: &[], [NotFound];
    /// Of looking at a room.
    LookingAtRoom: &[], [RoomNotFound];
    /// Of looking at a media object.
    LookingAtMedia: &[], [MediaNotFound, RoomNotFound];
    /// Of making a room.
    MakingRoom: &BODY, [RoomExists, RoomNotFound, KeysUnavailable, StoreFull];
    /// Of changing a room.
    ChangingRoom: &[], [RoomNotFound, StoreFull];
    /// Of making a key.
    MakingKey: &[], [RoomNotFound, KeysUnavailable, StoreFull];
    /// Of deleting a message.
    DeletingMessage: &[], [MessageNotFound, RoomNotFound, StoreFull];
    /// Of making a media object.
    MakingMedia: &BODY, [RoomNotFound, TypeNotAllowed, TooManyPending, QuotaExceeded, KeysUnavailable, StoreFull];
    /// Of removing a media object.
    RemovingMedia: &[], [MediaNotFound, RoomNotFound, StoreFull];
    /// Of doing something to one thing.
    Steering: &[], [NotFound, StoreFull];
    /// Of doing something to all that match.
    SteeringAll: &[], [StoreFull];
    /// Of removing what a body names.
    Removing: &BODY, [NotFound, StoreFull];
    /// Of removing media objects.
    Purging: &BODY, [MediaNotFound, StoreFull];
}

/// A reference for each status. The name of what it refers to says which codes.
fn refused(body: &[Code], particular: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let can_come = |code: &&Code| EVERYWHERE.contains(code) || body.contains(code) || particular.contains(code);
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in Code::ALL.iter().filter(can_come) {
        by_status.entry(code.status()).or_default().push(code.as_str());
    }
    let reference = |codes: Vec<&str>| Ref::from_response_name(codes.join(&SEPARATOR.to_string()));
    by_status.into_iter().map(|(status, codes)| (status.to_string(), reference(codes).into())).collect()
}

/// The responses that operations refer to, by name.
pub(super) fn responses(paths: &Value) -> Map<String, Value> {
    let operations = paths.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object);
    let answers = operations.flat_map(Map::values).filter_map(|operation| operation["responses"].as_object());
    let names = answers.flat_map(Map::values).filter_map(|answer| answer["$ref"].as_str()?.rsplit('/').next());
    let names: BTreeSet<_> = names.collect();
    names.into_iter().map(|name| (name.to_owned(), response(name))).collect()
}

fn response(name: &str) -> Value {
    let is_named = |code: &&Code| name.split(SEPARATOR).any(|word| word == code.as_str());
    let codes: Vec<_> = Code::ALL.iter().copied().filter(|code| is_named(&code)).collect();
    let status = codes.first().map_or(500, |code| code.status());
    let lines: Vec<_> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title())).collect();
    let example = |code: &Code| (code.as_str().to_owned(), json!({ "value": Problem::new(*code, None) }));
    let words: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let mut response = json!({
        "description": lines.join("\n"),
        "content": { CONTENT_TYPE: {
            "schema": { "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "type": "object", "properties": { "code": { "enum": words }, "status": { "const": status } } },
            ] },
            "examples": codes.iter().map(example).collect::<Map<_, _>>(),
        } },
    });
    let header = match status {
        401 => Some(("WWW-Authenticate", "The scheme of the credentials: `Bearer`.", json!({ "type": "string" }))),
        429 | 503 => Some((
            "Retry-After",
            "After how many seconds another try may succeed.",
            json!({ "type": "integer", "minimum": 1 }),
        )),
        _ => None,
    };
    if let Some((name, about, schema)) = header {
        response["headers"] = json!({ name: { "description": about, "schema": schema } });
    }
    response
}

/// The body of a refusal.
pub(super) fn schema() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "Why a request was not carried out (RFC 9457). Decide by `code` alone: sentences change.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "const": "about:blank", "description": "The status and `code` say it all." },
            "title": { "type": "string", "description": "What went wrong, for people." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status." },
            "code": { "type": "string", "enum": codes, "description": "What went wrong, for programs: for ever." },
            "detail": { "type": "string", "description": "What is particular about this time, for people." },
            "id": { "$ref": "#/components/schemas/MediaId" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_what_its_schema_says() {
        let schema = schema();
        let problem = Problem { id: "0c1oft7ew7ojk".parse().ok(), ..Problem::new(Code::NotFound, Some("x".into())) };
        let problem = serde_json::to_value(problem).unwrap();
        let (said, known) = (problem.as_object().unwrap(), schema["properties"].as_object().unwrap());
        assert!(said.keys().eq(known.keys()), "{said:?} {known:?}");
        let needed = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str);
        let bare = serde_json::to_value(Problem::new(Code::NotFound, None)).unwrap();
        assert!(needed.collect::<BTreeSet<_>>().iter().all(|name| bare.get(name).is_some()));
    }

    #[test]
    fn the_codes_of_a_status_are_in_the_name_of_its_response() {
        let refused = refused(&BODY, &[Code::RoomNotFound]);
        let name = |status: &str| serde_json::to_value(&refused[status]).unwrap()["$ref"].clone();
        assert_eq!(name("400"), "#/components/responses/bad-request.invalid-json");
        assert_eq!(name("404"), "#/components/responses/room-not-found");
        let response = response("bad-request.invalid-json");
        let schema = &response["content"][CONTENT_TYPE]["schema"]["allOf"][1];
        assert_eq!(schema["properties"]["code"]["enum"], json!(["bad-request", "invalid-json"]));
        assert_eq!(schema["properties"]["status"]["const"], 400);
    }
}
