//! A coordinator of a later release.

use crate::{
    misbehaving_child::DESCRIPTION,
    scene::{Scene, original, sha256},
};
use heim_common::{job::Verdict, spec::default_specs};
use serde_json::{Value, json};

/// What a later coordinator says, read from the fixtures of the wire, about the
/// file of this scene.
fn foreign(name: &str, file: &[u8]) -> Value {
    let path = format!("{}/../tests/fixtures/wire/v2/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut claim: Value = serde_json::from_str(&text).unwrap();
    claim["media"]["key"] = json!(original());
    claim["media"]["size"] = json!(file.len());
    claim["media"]["sha256"] = json!(sha256(file));
    claim
}

#[tokio::test]
async fn a_claim_with_more_than_is_known_is_worked_on() {
    // One of one: the child says itself that it is done.
    let file = format!("work 1\nsay {{\"report\":\"done\",\"description\":{DESCRIPTION}}}");
    let scene = Scene::set(file.as_bytes(), |_| {}).await;
    *scene.coordinator.foreign.lock().unwrap() = Some(foreign("claim-reply", file.as_bytes()));
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), [Verdict::Done]);
    assert_eq!(scene.coordinator.hooks().len(), 1);
    assert_eq!(scene.coordinator.hooks()[0].name, default_specs()[0].name);
    let version = |kind| scene.coordinator.calls(kind)[0].headers["x-heim-version"].clone();
    assert_eq!([version("claim"), version("register"), version("finish")], ["1", "1", "1"]);
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_is_handed_back_and_counts_for_nothing() {
    let scene = Scene::set(b"work 1", |_| {}).await;
    *scene.coordinator.foreign.lock().unwrap() = Some(foreign("claim-reply-unknown-spec", b"work 1"));
    scene.play().await;
    assert_eq!(scene.coordinator.verdicts(), [Verdict::UNKNOWN]);
    assert_eq!(scene.coordinator.calls("finish")[0].body["fence"], 3);
    assert!(scene.coordinator.hooks().is_empty());
}
