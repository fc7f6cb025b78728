//! Schemas in words, and the little of Markdown that the document's sentences have.

use super::{entries, items, text};
use maud::{Markup, html};
use serde_json::Value;

/// What a value is, in a few words.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        return html! { a href=(format!("#schema-{name}")) { (name) } };
    }
    let several = [&schema["oneOf"], &schema["anyOf"]].into_iter().flat_map(items).collect::<Vec<_>>();
    if !several.is_empty() {
        return html! { @for (place, one) in several.iter().enumerate() { @if place > 0 { " or " } (kind(one)) } };
    }
    if let Some(first) = items(&schema["allOf"]).first() {
        return kind(first);
    }
    let mut words: Vec<_> = items(&schema["type"]).iter().map(text).collect();
    words.extend(schema["type"].as_str());
    html! {
        (words.join(" or "))
        @if schema.get("items").is_some() { " of " (kind(&schema["items"])) }
        @if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) { " of " (kind(values)) " by name" }
    }
}

/// Which values it may have.
pub(super) fn limits(schema: &Value) -> Markup {
    let bounds = [
        ("minimum", "at least "),
        ("maximum", "at most "),
        ("minLength", "characters at least "),
        ("maxLength", "characters at most "),
        ("minItems", "items at least "),
        ("maxItems", "items at most "),
        ("default", "else "),
    ];
    html! {
        @let words = items(&schema["enum"]);
        @if !words.is_empty() {
            @for (place, word) in words.iter().enumerate() {
                @if place > 0 { ", " }
                code { @if let Some(word) = word.as_str() { (word) } @else { (word.to_string()) } }
            }
        }
        @if let Some(pattern) = schema["pattern"].as_str() { code { (pattern) } " " }
        @for (key, words) in bounds { @if let Some(bound) = schema.get(key) { span .bound { (words) (bound.to_string()) } " " } }
    }
}

/// A schema with all its properties.
pub(super) fn shape(schema: &Value) -> Markup {
    let needed = |name: &str| items(&schema["required"]).iter().any(|one| one == name);
    html! {
        (said(text(&schema["description"])))
        @if schema.get("properties").is_some() {
            div .wide {
                table {
                    thead { tr { th scope="col" { "name" } th scope="col" { "what" } th scope="col" { "about" } } }
                    tbody {
                        @for (name, property) in entries(&schema["properties"]) {
                            tr {
                                th scope="row" {
                                    code { (name) }
                                    @if !needed(name) { " " span .muted { "may be missing" } }
                                }
                                td { (kind(property)) " " (limits(property)) }
                                td { (said(text(&property["description"]))) }
                            }
                        }
                    }
                }
            }
        } @else if schema.get("oneOf").is_some() || schema.get("allOf").is_some() {
            @for one in items(&schema["oneOf"]).iter().chain(items(&schema["allOf"])) {
                @if one.get("$ref").is_some() { p { (kind(one)) } } @else { (shape(one)) }
            }
        } @else {
            p { (kind(schema)) " " (limits(schema)) }
        }
    }
}

/// Sentences: paragraphs, lists, `code` and **strong**.
pub(super) fn said(words: &str) -> Markup {
    let paragraphs = words.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    html! {
        @for paragraph in paragraphs {
            @if paragraph.starts_with("* ") {
                ul { @for line in paragraph.lines() { li { (line_of(line.trim_start_matches("* "))) } } }
            } @else {
                p { @for (place, line) in paragraph.lines().enumerate() { @if place > 0 { " " } (line_of(line)) } }
            }
        }
    }
}

fn line_of(line: &str) -> Markup {
    html! {
        @for (place, part) in line.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else {
                @for (place, part) in part.split("**").enumerate() {
                    @if place % 2 == 1 { strong { (part) } } @else { (part) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sentences_become_paragraphs_and_lists_and_nothing_else() {
        let html = said("One `a<b>` and\ntwo.\n\n* **x**: y\n* z").into_string();
        assert_eq!(
            html,
            "<p>One <code>a&lt;b&gt;</code> and two.</p><ul><li><strong>x</strong>: y</li><li>z</li></ul>"
        );
    }

    #[test]
    fn kinds_are_told_in_words() {
        let told = |schema: Value| kind(&schema).into_string();
        assert_eq!(told(json!({ "type": ["integer", "null"] })), "integer or null");
        assert_eq!(told(json!({ "type": "array", "items": { "type": "string" } })), "array of string");
        let page = r##"<a href="#schema-Job">Job</a>"##;
        assert_eq!(told(json!({ "$ref": "#/components/schemas/Job" })), page);
        assert_eq!(told(json!({ "oneOf": [{ "type": "null" }, { "$ref": "/Job" }] })), format!("null or {page}"));
    }
}
