//! Who may decode a picture: the pixel child, and nobody else. What a binary is
//! not built from, it cannot run.

use heim_tests::{standalone::Standalone, web::Web};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// Whatever turns bytes into pixels.
const DECODERS: [&str; 8] =
    ["heim-pixels", "turbojpeg", "libwebp-sys", "png", "gif", "image", "moxcms", "fast_image_resize"];
/// Whatever speaks to a database.
const DATABASES: [&str; 5] = ["heim-db", "sea-orm", "sqlx", "sqlx-core", "libsqlite3-sys"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// All that a crate of the workspace is built from, by name, without what only
/// its tests use.
fn built_from(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let names: BTreeMap<_, _> =
        list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let uses: BTreeMap<_, _> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let built = |edge: &Value| list(&edge["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let edges = list(&node["deps"]).into_iter().filter(|edge| built(edge));
            (text(&node["id"]), edges.map(|edge| text(&edge["pkg"])).collect::<Vec<_>>())
        })
        .collect();
    let first = names.iter().find(|(_, known)| *known == name).expect("a crate of the workspace").0;
    let (mut found, mut open) = (BTreeSet::from([first.clone()]), vec![first.clone()]);
    while let Some(id) = open.pop() {
        open.extend(uses[&id].iter().filter(|used| found.insert((*used).clone())).cloned());
    }
    found.iter().map(|id| names[id].clone()).collect()
}

#[test]
fn the_coordinator_never_decodes() {
    let coordinator = built_from("heim-coordinator");
    assert!(coordinator.contains("axum"), "the list is that of the coordinator");
    for decoder in DECODERS {
        assert!(!coordinator.contains(decoder), "heim-coordinator is built from {decoder}");
        assert!(built_from_worker(decoder), "{decoder} is used by nobody: remove it here");
    }
}

fn built_from_worker(name: &str) -> bool {
    built_from("heim-worker").contains(name)
}

#[test]
fn a_worker_is_built_without_a_database() {
    let worker = built_from("heim-worker");
    for database in DATABASES {
        assert!(!worker.contains(database), "heim-worker is built from {database}");
        assert!(built_from("heim-coordinator").contains(database), "{database} is used by nobody: remove it here");
    }
}

#[test]
fn only_the_pixel_child_runs_a_decoder() {
    let mut naming = Vec::new();
    let mut folders = vec![root().join("worker/src"), root().join("standalone/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && fs::read_to_string(&path).expect("a source file").contains("Transcoder")
            {
                naming.push(path.strip_prefix(root()).expect("it is in the workspace").display().to_string());
            }
        }
    }
    naming.sort();
    let inside = ["worker/src/children/inside.rs", "worker/src/children/warm_up.rs"];
    assert_eq!(naming, inside, "the files that run inside of the child");
}

#[tokio::test]
async fn heim_media_says_which_walls_are_around_its_children() {
    let heim = Standalone::with(&[("pixels.require_sandbox", "true")]).await;
    let ready = Web::default().get(&format!("{}/readyz", heim.base())).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    let body = ready.json();
    let walls = body["walls"].as_object().expect("it tells of walls");
    assert!(walls.contains_key("seccomp") && walls.contains_key("landlock") && walls.len() == 9, "{body}");
    assert!(walls.values().all(|wall| wall.as_str().is_some_and(|wall| wall.starts_with("up"))), "{body}");
    // The log says so too, before it serves anybody.
    let log = heim.process.log();
    let line = log.lines().find(|line| line.contains("the walls around a pixel child")).expect("a line on them");
    assert!(walls.keys().all(|wall| line.contains(wall.as_str())) && !log.contains("is missing"), "{log}");
}
