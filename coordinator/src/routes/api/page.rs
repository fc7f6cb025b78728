//! The document as a page, for people: made here, without a script, without anything
//! from elsewhere, and without a field that a token could be typed into.

mod shape;

use super::document::TAGS;
use heim_common::problem::Code;
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;
use shape::{kind, limits, said, shape};

/// Nothing but the page's own style.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An operation and where it is.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    about: &'a Value,
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(&self.about["operationId"])
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The entries of an object, or none.
fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The operations of one part, in the order of their paths.
fn operations<'a>(document: &'a Value, tag: &str) -> Vec<Operation<'a>> {
    let all = entries(&document["paths"]).flat_map(|(path, methods)| {
        let of_path = ["get", "post", "put", "delete"].into_iter();
        of_path.filter_map(move |method| Some(Operation { method, path, about: methods.get(method)? }))
    });
    all.filter(|operation| items(&operation.about["tags"]).iter().any(|name| name == tag)).collect()
}

/// The whole page.
pub(super) fn page(document: &Value) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "HTTP API · heim-media" }
                link rel="icon" href="/static/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/static/palette.css";
                link rel="stylesheet" href="/static/api.css";
            }
            body {
                a .skip href="#main" { "Skip to content" }
                header {
                    h1 { "heim-media: HTTP API" }
                    p .muted { "version " (text(&document["info"]["version"])) ", as " a href="/api/openapi.json" { "OpenAPI document" } }
                }
                nav aria-label="Operations" { @for (tag, _) in TAGS { (contents(document, tag)) } }
                main #main tabindex="-1" {
                    (said(text(&document["info"]["description"])))
                    @for (tag, about) in TAGS {
                        section aria-labelledby=(format!("tag-{tag}")) {
                            h2 id=(format!("tag-{tag}")) { (tag) }
                            p { (about) }
                            @for operation in operations(document, tag) { (article(document, &operation)) }
                        }
                    }
                    (schemas(document))
                    (codes())
                }
            }
        }
    }
}

fn contents(document: &Value, tag: &str) -> Markup {
    html! {
        h2 { a href=(format!("#tag-{tag}")) { (tag) } }
        ul {
            @for operation in operations(document, tag) {
                li { a href=(format!("#{}", operation.id())) { (text(&operation.about["summary"])) } }
            }
        }
    }
}

fn article(document: &Value, operation: &Operation<'_>) -> Markup {
    let Operation { method, path, about } = operation;
    html! {
        article id=(operation.id()) {
            h3 { span .method .(*method) { (method.to_uppercase()) } " " code { (path) } }
            p { strong { (text(&about["summary"])) } }
            (said(text(&about["description"])))
            (parameters(&about["parameters"]))
            @if let Some(body) = about.get("requestBody") { (request_body(body)) }
            (answers(document, &about["responses"]))
            details { summary { "curl" } pre { code { (curl(operation)) } } }
        }
    }
}

fn parameters(parameters: &Value) -> Markup {
    html! {
        @if !items(parameters).is_empty() {
            div .wide {
                table {
                    caption { "Parameters" }
                    thead { tr { th scope="col" { "name" } th scope="col" { "in" } th scope="col" { "what" } th scope="col" { "about" } } }
                    tbody {
                        @for one in items(parameters) {
                            tr {
                                th scope="row" {
                                    code { (text(&one["name"])) }
                                    @if one["required"] == true { " " span .muted { "required" } }
                                }
                                td { (text(&one["in"])) }
                                td { (kind(&one["schema"])) " " (limits(&one["schema"])) }
                                td { (said(text(&one["description"]))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn request_body(body: &Value) -> Markup {
    html! {
        @for (kind_of_body, content) in entries(&body["content"]) {
            p { "Body: " code { (kind_of_body) } ", " (kind(&content["schema"])) }
            @for example in examples(content) { pre { code { (example) } } }
        }
    }
}

/// One example or several.
fn examples(content: &Value) -> Vec<String> {
    let several = entries(&content["examples"]).map(|(_, example)| &example["value"]);
    let all = content.get("example").into_iter().chain(several);
    all.map(|example| serde_json::to_string_pretty(example).unwrap_or_default()).collect()
}

fn answers(document: &Value, responses: &Value) -> Markup {
    html! {
        div .wide {
            table {
                caption { "Answers" }
                thead { tr { th scope="col" { "status" } th scope="col" { "about" } th scope="col" { "body" } } }
                tbody {
                    @for (status, response) in entries(responses) {
                        @let response = resolved(document, response);
                        tr {
                            th scope="row" { (status) }
                            td { (said(text(&response["description"]))) }
                            td { @for (_, content) in entries(&response["content"]) { (kind(&content["schema"])) } }
                        }
                    }
                }
            }
        }
    }
}

/// What a reference refers to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(|target| document.pointer(text(target).strip_prefix('#')?));
    target.unwrap_or(value)
}

fn curl(operation: &Operation<'_>) -> String {
    let Operation { method, path, about } = operation;
    let mut line = String::from("curl -H \"Authorization: Bearer $token\"");
    if *method != "get" {
        line = format!("{line} -X {}", method.to_uppercase());
    }
    let mut path = (*path).to_owned();
    for one in items(&about["parameters"]).iter().filter(|one| one["in"] == "path") {
        let example = one["schema"]["examples"].get(0).or_else(|| one["schema"]["enum"].get(0)).map_or("all", text);
        path = path.replace(&format!("{{{}}}", text(&one["name"])), example);
    }
    let content = &about["requestBody"]["content"]["application/json"];
    let example = content.get("example").or_else(|| entries(&content["examples"]).next().map(|(_, one)| &one["value"]));
    if let Some(example) = example {
        line = format!("{line} \\\n  -H 'Content-Type: application/json' -d '{example}'");
    }
    format!("{line} \\\n  https://media.example{path}")
}

fn schemas(document: &Value) -> Markup {
    html! {
        section aria-labelledby="schemas" {
            h2 #schemas { "Schemas" }
            @for (name, schema) in entries(&document["components"]["schemas"]) {
                article id=(format!("schema-{name}")) {
                    h3 { code { (name) } }
                    (shape(schema))
                }
            }
        }
    }
}

fn codes() -> Markup {
    html! {
        section aria-labelledby="codes" {
            h2 #codes { "Codes" }
            div .wide {
                table {
                    caption { "Every code that a refusal can have, here and elsewhere on this server" }
                    thead { tr { th scope="col" { "code" } th scope="col" { "status" } th scope="col" { "title" } } }
                    tbody {
                        @for code in Code::ALL {
                            tr { th scope="row" { code { (code.as_str()) } } td { (code.status()) } td { (code.title()) } }
                        }
                    }
                }
            }
        }
    }
}
