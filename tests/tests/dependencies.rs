//! `deny.toml` is kept: licences, banned crates and versions, sources. The
//! advisory database cannot be fetched everywhere, so known-bad versions are
//! bans.

use semver::VersionReq;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

struct Package {
    name: String,
    version: semver::Version,
    license: String,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
}

/// Every package of a lock file, with its versions.
fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lock: Lock = toml::from_str(&text).expect("a lock file");
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for Locked { name, version } in lock.package {
        versions.entry(name).or_default().insert(version);
    }
    versions
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn deny() -> Deny {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    toml::from_str(&text).expect("deny.toml is what this test understands")
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("it lists packages").iter();
    packages
        .map(|package| Package {
            name: text(&package["name"]),
            version: text(&package["version"]).parse().expect("a version"),
            license: text(&package["license"]),
            source: package["source"].as_str().map(str::to_owned),
        })
        .collect()
}

/// Whether an SPDX expression without parentheses is satisfied. `AND` binds
/// stronger than `OR`; `/` is the old way to write `OR`.
fn is_allowed(license: &str, allowed: &[String]) -> bool {
    let license = license.replace(['(', ')'], "").replace('/', " OR ");
    license.split(" OR ").any(|all| all.split(" AND ").all(|one| allowed.iter().any(|name| name == one.trim())))
}

#[test]
fn every_licence_is_allowed() {
    let allowed = deny().licenses.allow;
    for package in packages() {
        assert!(is_allowed(&package.license, &allowed), "{}: licence `{}`", package.name, package.license);
    }
}

#[test]
fn nothing_banned_is_in_the_tree() {
    for Ban { name, reason } in deny().bans.deny {
        let (name, versions) = name.split_once(':').unwrap_or((&name, "*"));
        let versions = VersionReq::parse(versions).expect("a version requirement");
        for package in packages().iter().filter(|package| package.name == name) {
            assert!(!versions.matches(&package.version), "{name} {}: {reason}", package.version);
        }
    }
}

#[test]
fn everything_comes_from_one_registry() {
    let sources: BTreeSet<_> = packages().into_iter().filter_map(|package| package.source).collect();
    assert!(sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
}

/// The fuzzers have a lock file of their own: no fleet runs what is in it beside.
#[test]
fn what_is_fuzzed_is_what_runs() {
    let run = locked("Cargo.lock");
    let fuzzed = locked("worker/pixels/fuzz/Cargo.lock");
    assert!(fuzzed.contains_key("turbojpeg-sys") && fuzzed.contains_key("libfuzzer-sys"));
    for (name, versions) in &fuzzed {
        let of_run = run.get(name).unwrap_or(versions);
        assert!(versions.is_subset(of_run), "{name}: {versions:?} are fuzzed, {of_run:?} run: see CONTRIBUTING.md");
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    assert!(is_allowed("MIT OR GPL-3.0", &allowed) && is_allowed("GPL-3.0/MIT", &allowed));
    assert!(is_allowed("MIT AND ISC", &allowed) && is_allowed("(MIT AND ISC)", &allowed));
    assert!(!is_allowed("MIT AND GPL-3.0", &allowed) && !is_allowed("", &allowed));
}
