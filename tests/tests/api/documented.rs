//! The document: it is what was reviewed, and it is the routes.

use crate::{enter, is_kept, root, start};
use heim_common::problem::Code;
use heim_tests::{
    operator::Operator,
    web::{Answer, Web},
};
use reqwest::Method;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

const METHODS: [Method; 6] = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];

async fn document(base: &str) -> Value {
    let answer = Web::default().get(&format!("{base}/api/openapi.json")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "without credentials");
    answer.json()
}

/// The paths of the document, each with its methods.
fn documented(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().expect("paths").iter();
    let methods =
        |item: &Value| item.as_object().expect("methods").keys().map(|method| method.to_uppercase()).collect();
    paths.map(|(path, item)| (path.clone(), methods(item))).collect()
}

#[tokio::test]
async fn the_document_is_what_was_reviewed() {
    let (heim, _) = start(&[]).await;
    let text = serde_json::to_string_pretty(&document(heim.base()).await).expect("it is JSON");
    is_kept("docs/openapi.json", &(text + "\n"));
}

/// A path of the document with things in it that are nowhere, so that nothing is done.
pub(crate) fn filled(path: &str) -> String {
    let path = path.replace("{room}", "nowhere").replace("{agent}", "agent:9fX19fX19fU=");
    path.replace("{id}", "0c1oft7ew7ojk").replace("{lane}", "bulk").replace("{worker}", "nobody")
}

async fn ask(operator: &Operator, method: Method, path: &str) -> Answer {
    operator.call(method, path.strip_prefix("/api/v1/").expect("all are there")).await
}

#[tokio::test]
async fn every_route_is_in_the_document_and_the_reverse() {
    let (heim, operator) = start(&[]).await;
    let documented = documented(&document(heim.base()).await);
    assert!(documented.len() > 20, "{documented:?}");
    for (path, methods) in &documented {
        for method in METHODS {
            let answer = ask(&operator, method.clone(), &filled(path)).await;
            if methods.contains(method.as_str()) {
                // Where there is no route, nothing says what there is not.
                let is_none = answer.status == 404 && answer.code() == Code::NotFound.as_str();
                assert!(!is_none || answer.json()["detail"].is_string(), "{method} {path}: no route");
                assert_ne!(answer.status, 405, "{method} {path}: no route");
                continue;
            }
            assert_eq!(answer.refusal(), (405, "method-not-allowed".to_owned()), "{method} {path}");
            let allowed = answer.header("allow").split(',').map(str::to_owned);
            let allowed: BTreeSet<_> = allowed.filter(|method| method != "HEAD").collect();
            assert_eq!(&allowed, methods, "{path}: what its routes say");
        }
    }
    // Routes can be added in one way only, by which they are in the document.
    let folder = root().join("coordinator/src/routes/api");
    let read = |file: &str| fs::read_to_string(folder.join(file)).expect("a source");
    let table = read("mod.rs");
    let (_, table) = table.split_once("fn operations()").expect("the table of routes");
    assert!(!table.contains(".route(") && !table.contains("nest(") && !table.contains("merge("), "{table}");
    let files = fs::read_dir(&folder).expect("the sources").map(|entry| entry.expect("an entry").path());
    let sources: String = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect();
    let described = sources.matches("#[utoipa::path(").count();
    assert_eq!(described, documented.values().map(BTreeSet::len).sum::<usize>(), "each that is described is a route");
}

#[tokio::test]
async fn nothing_of_a_deployment_is_in_the_document() {
    let (heim, _) = start(&[]).await;
    enter(heim.base(), "secretroom", "ana").await;
    let text = document(heim.base()).await.to_string();
    for secret in ["secretroom", heim.base(), heim_tests::keyed::TOKEN, env!("CARGO_MANIFEST_DIR")] {
        assert!(!text.contains(secret), "{secret}");
    }
    for (path, item) in document(heim.base()).await["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let answers = operation["responses"].as_object().expect("answers");
            for status in ["400", "401", "403", "429", "500", "503"] {
                assert!(answers.contains_key(status), "{method} {path}: {status} can come");
            }
            assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
            for part in ["summary", "operationId", "tags"] {
                assert!(operation.get(part).is_some(), "{method} {path}: no {part}");
            }
        }
    }
}
