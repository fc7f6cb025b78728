//! The routes of a coordinator, as its sources and its document have them: one that
//! is added later is among them.

use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// How a route is asked.
pub(super) enum Asked {
    /// By anybody. It needs no database.
    Alive,
    /// By anybody.
    Plainly,
    /// By a worker or another store, with this body.
    AsHook(Value),
    /// By an operator, with this body, if there is one.
    AsOperator(Option<Value>),
    /// By an operator. It needs no database.
    OfRedis,
    /// By the upload handle, or the link, that somebody has.
    ByHandle,
    /// By a client that wants to change to WebSocket.
    ForSocket,
    /// By whoever wants to know whether it can do its work.
    ForReadiness,
}

/// A route with values for what is in its path.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) asked: Asked,
}

fn read(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// All of them, for a media object that is there.
pub(super) fn all(media: &str) -> Vec<Route> {
    let (served, documented) = (served(media), documented(media));
    assert!(served.len() > 15 && documented.len() >= 30, "{} and {}", served.len(), documented.len());
    served.into_iter().chain(documented).collect()
}

/// What is no operation of the API.
fn served(media: &str) -> Vec<Route> {
    let source = read("coordinator/src/routes/mod.rs");
    let routes = source.split(".route(\"").skip(1).map(|rest| {
        let (path, rest) = rest.split_once("\", ").expect("a path, then its handler");
        let method = rest.split('(').next().expect("a method").to_uppercase();
        let asked = asked(&format!("{method} {path}"), media);
        let path = path.replace("{room}", "welcome").replace("{id}", media);
        let path = path.replace("{name}", "original").replace("{file}", "main.js");
        Route { method: method.parse().expect("a method"), path, asked }
    });
    routes.collect()
}

fn asked(route: &str, media: &str) -> Asked {
    match route {
        "GET /" | "GET /room/{room}" | "GET /room/{room}/" | "GET /static/{file}" | "GET /healthz" | "GET /metrics" => {
            Asked::Alive
        }
        "GET /readyz" => Asked::ForReadiness,
        "GET /room/{room}/ws" => Asked::ForSocket,
        "GET /room/{room}/media/{id}/{name}" => Asked::Plainly,
        "PUT /media/{id}" | "GET /media/{id}/{name}" => Asked::ByHandle,
        "POST /room/{room}/media" => Asked::AsHook(json!({
            "media_id": media, "name": "thumb-160", "content_type": "image/webp", "size": 1,
        })),
        "POST /room/{room}/media/{id}/uploaded" => {
            Asked::AsHook(json!({ "content_type": "image/png", "size": 1, "sha256": "" }))
        }
        "POST /store/jobs/{id}/claim" => Asked::AsHook(json!({ "worker": "w", "engine": 1 })),
        "POST /store/jobs/{id}/heartbeat" => Asked::AsHook(json!({ "fence": 1 })),
        "POST /store/jobs/{id}/finish" => Asked::AsHook(json!({ "fence": 1, "verdict": "done" })),
        "POST /store/workers" => Asked::AsHook(json!({ "worker": "w" })),
        other => panic!("{other} is new: say here how it is asked, and whether it needs the database"),
    }
}

/// The operations of the API, each with the document's own examples.
fn documented(media: &str) -> Vec<Route> {
    let document: Value = serde_json::from_str(&read("docs/openapi.json")).expect("it is JSON");
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let (mut path, mut query) = (path.replace("{id}", media), "");
            for parameter in parameters {
                let name = parameter["name"].as_str().expect("a name");
                if parameter["in"] == "path" {
                    path = path.replace(&format!("{{{name}}}"), example(name, &parameter["schema"]));
                } else if name == "all" {
                    query = "?all=true";
                }
            }
            let body = &operation["requestBody"]["content"]["application/json"];
            let first = body["examples"].as_object().and_then(|all| all.values().next()).map(|one| &one["value"]);
            let body = body.get("example").or(first).cloned();
            assert_eq!(body.is_some(), operation.get("requestBody").is_some(), "{method} {path}: no example");
            let method = method.to_uppercase().parse().expect("a method");
            let asked = if path == "/api/v1/queue" { Asked::OfRedis } else { Asked::AsOperator(body) };
            routes.push(Route { method, path: path + query, asked });
        }
    }
    routes
}

/// What the document says a parameter may be.
fn example<'a>(name: &str, schema: &'a Value) -> &'a str {
    let of = |list: &'a Value| list.as_array()?.first()?.as_str();
    match of(&schema["examples"]).or(of(&schema["enum"])) {
        Some(example) => example,
        None if name == "worker" => "worker-1",
        None => panic!("{name}: the document has no example"),
    }
}
