//! Crate walls hold: which crate may use which, and which alone may name an
//! outside system. Read from `cargo metadata`, so a line in a manifest that
//! breaks the shape of the house breaks this test.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Every crate of the workspace, and the crates of the workspace it may use.
const EDGES: &[(&str, &[&str])] = &[
    ("heim-common", &[]),
    ("heim-runtime", &["heim-common"]),
    ("heim-store", &["heim-common", "heim-runtime"]),
    ("heim-queue", &["heim-common", "heim-runtime"]),
    ("heim-migrations", &[]),
    ("heim-db", &["heim-common", "heim-runtime", "heim-migrations"]),
    ("heim-pixels", &["heim-common"]),
    ("heim-coordinator", &["heim-common", "heim-runtime", "heim-store", "heim-queue", "heim-db"]),
    ("heim-worker", &["heim-common", "heim-runtime", "heim-store", "heim-queue", "heim-pixels"]),
    (
        "heim-media",
        &["heim-common", "heim-runtime", "heim-store", "heim-queue", "heim-db", "heim-coordinator", "heim-worker"],
    ),
];

/// Outside systems, and the only crates that may name them.
const DOORS: &[(&str, &[&str])] = &[
    ("sea-orm", &["heim-db"]),
    ("sea-orm-migration", &["heim-migrations"]),
    ("sqlx", &["heim-db"]),
    ("opentelemetry", &["heim-runtime"]),
    ("opentelemetry-otlp", &["heim-runtime"]),
    ("opentelemetry_sdk", &["heim-runtime"]),
    ("apalis", &["heim-queue"]),
    ("apalis-core", &["heim-queue"]),
    ("redis", &["heim-queue"]),
    ("object_store", &["heim-store"]),
    ("turbojpeg", &["heim-pixels"]),
    ("turbojpeg-sys", &["heim-pixels"]),
    ("libwebp-sys", &["heim-pixels"]),
    ("png", &["heim-pixels"]),
    ("gif", &["heim-pixels"]),
    ("image", &["heim-pixels"]),
    ("fast_image_resize", &["heim-pixels"]),
    ("moxcms", &["heim-pixels"]),
    ("thumbhash", &["heim-pixels"]),
    ("argon2", &["heim-coordinator"]),
    ("axum", &["heim-coordinator"]),
    ("utoipa", &["heim-coordinator"]),
    ("reqwest", &["heim-worker"]),
];

/// Crates that exist for tests alone.
const TEST_CRATES: &[&str] = &["heim-tests", "heim-pixels-bench"];

/// The manifests' own words: each crate with the names of what it uses when it
/// is built, without what only its tests use.
fn manifest_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("it lists packages");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("a list");
            let built = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
            (text(&package["name"]), built.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn crates_use_only_the_crates_below_them() {
    let found = manifest_dependencies();
    let known: BTreeSet<_> = EDGES.iter().map(|(name, _)| *name).chain(TEST_CRATES.iter().copied()).collect();
    let members: BTreeSet<_> = found.keys().map(String::as_str).collect();
    assert_eq!(members, known, "a crate was added or removed: say here what it may use");
    for (name, allowed) in EDGES {
        for dependency in found[*name].iter().filter(|dependency| members.contains(dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not use {dependency}");
        }
    }
}

#[test]
fn each_outside_system_has_one_door() {
    let found = manifest_dependencies();
    for (system, doors) in DOORS {
        for (name, dependencies) in found.iter().filter(|(name, _)| !TEST_CRATES.contains(&name.as_str())) {
            let names_it = dependencies.contains(*system);
            assert!(!names_it || doors.contains(&name.as_str()), "{name} must not name {system}");
        }
        assert!(doors.iter().all(|door| found[*door].contains(*system)), "{system} is not used any more: remove it");
    }
}
