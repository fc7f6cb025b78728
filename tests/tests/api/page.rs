//! The page of the API for people, and `docs/api.md`: the codes in it are those of the
//! program, and its example is carried out.

use crate::{is_kept, root, start};
use heim_common::problem::Code;
use heim_tests::{
    corpus,
    keyed::TOKEN,
    until::{until, within},
    web::Web,
};
use std::{fs, process::Stdio};
use tokio::process::Command;

const DOCS: &str = "docs/api.md";
const HEAD: &str = "| code | status | title |\n|---|---|---|\n";

fn docs() -> String {
    fs::read_to_string(root().join(DOCS)).expect("docs/api.md is there")
}

#[test]
fn the_codes_of_refusals_are_those_that_were_reviewed() {
    let rows = Code::ALL.iter().map(|code| format!("| `{}` | {} | {} |\n", code.as_str(), code.status(), code.title()));
    let docs = docs();
    let (before, _) = docs.split_once(HEAD).expect("the table is the last thing on the page");
    is_kept(DOCS, &format!("{before}{HEAD}{}", rows.collect::<String>()));
}

#[tokio::test]
async fn the_example_of_the_docs_is_carried_out() {
    let (heim, operator) = start(&[]).await;
    let docs = docs();
    let example = docs.split_once("```sh example\n").and_then(|(_, rest)| rest.split_once("```"));
    let (example, _) = example.expect("the page has an example");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("picture.jpg"), corpus::read(corpus::SMALL)).expect("a picture can be written");
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", example]).current_dir(folder.path()).stdin(Stdio::null());
    shell.env("base", heim.base()).env("token", TOKEN).env("no_proxy", "127.0.0.1").kill_on_drop(true);
    let ended = within("the example ends", shell.output()).await.expect("bash can be started");
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{said}");
    for part in ["\"gallery\"", "\"width\": ", "\"dry_run\":true"] {
        assert!(said.contains(part), "no {part}: {said}");
    }
    let used = operator.look("usage?by=agent").await;
    assert_eq!(used["usage"][0]["name"], "bot:9fX19fX19fU=", "{used}");
    until("the picture is ready", async || (operator.look("overview").await["jobs"]["done"] == 1).then_some(())).await;
}

#[tokio::test]
async fn the_page_shows_every_operation_and_loads_nothing_but_its_style() {
    let (heim, _) = start(&[]).await;
    let web = Web::default();
    let page = web.get(&format!("{}/api/", heim.base())).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    let html = String::from_utf8(page.body).expect("a page is text");
    let document = web.get(&format!("{}/api/openapi.json", heim.base())).await.json();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("methods").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(html.contains(&format!("id=\"{id}\"")) && html.contains(&format!("href=\"#{id}\"")), "{path} {id}");
        }
    }
    for (name, _) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(html.contains(&format!("id=\"schema-{name}\"")), "{name}");
    }
    for target in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!("id=\"{target}\"")), "#{target} leads nowhere");
    }
    for never in ["<script", "<style", " style=", "<form", "<input", "http://", "src="] {
        assert!(!html.contains(never), "{never}");
    }
    for sheet in ["palette.css", "api.css"] {
        let sheet = web.get(&format!("{}/static/{sheet}", heim.base())).await;
        assert_eq!((sheet.status, sheet.header("content-type")), (200, "text/css; charset=utf-8"));
    }
    let moved = web.get(&format!("{}/api", heim.base())).await;
    assert_eq!((moved.status, moved.header("location")), (308, "/api/"));
}
