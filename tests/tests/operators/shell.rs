//! The shell of an operator.

use heim_common::{MediaId, media::MediaState, wire::MediaView};
use heim_tests::{client::Client, keyed::Keyed, until::until};
use serde_json::Value;

/// The answer of a command, which must be one JSON document.
pub(crate) async fn asked(keyed: &Keyed, words: &[&str]) -> Value {
    let said = keyed.admin(&[words, &["--json"]].concat(), "").await;
    assert!(said.success, "{words:?}: {said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{words:?}: {error}: {said:?}"))
}

/// A command that is refused with an exit code, and why.
pub(crate) async fn refused(keyed: &Keyed, words: &[&str]) -> String {
    let said = keyed.admin(words, "").await;
    assert!(!said.success && said.out.is_empty(), "{words:?}: {said:?}");
    said.error
}

/// The same command with `--dry-run`: it changes nothing that it is about.
pub(crate) async fn tried(keyed: &Keyed, words: &[&str]) -> Value {
    let database = keyed.fleet.database().await;
    let before = (heim_tests::truth::rows(&database).await, keyed.fleet.stored());
    let said = asked(keyed, &[words, &["--dry-run"]].concat()).await;
    assert_eq!(said["dry_run"], true, "{said}");
    let after = (heim_tests::truth::rows(&database).await, keyed.fleet.stored());
    assert_eq!(before, after, "{words:?} with --dry-run has changed something");
    said
}

/// The texts of an array.
pub(crate) fn texts(array: &Value) -> Vec<String> {
    let all = array.as_array().unwrap_or_else(|| panic!("no array: {array}"));
    all.iter().map(|text| text.as_str().unwrap_or_else(|| panic!("no text: {text}")).to_owned()).collect()
}

/// The lines of the audit, the oldest first: `who action subject dry affected`.
pub(crate) async fn audit(keyed: &Keyed) -> Vec<String> {
    let said = asked(keyed, &["audit", "list"]).await;
    let line = |row: &Value| {
        let word = |name: &str| row[name].as_str().expect("a text").to_owned();
        let dry = if row["dry_run"] == true { "dry " } else { "" };
        format!("{} {} {} {dry}{}", word("who"), word("action"), word("subject"), row["affected"])
    };
    said["audit"].as_array().expect("rows").iter().rev().map(line).collect()
}

/// Waits until a media object is in this state, as a session sees it.
pub(crate) async fn becomes(client: &Client, id: MediaId, state: MediaState) -> MediaView {
    until("the media object is in that state", async || {
        let media = client.media(id).await;
        (media.state == state).then_some(media)
    })
    .await
}

/// The job on a media object, as the shell shows it.
pub(crate) async fn job_of(keyed: &Keyed, id: MediaId) -> Value {
    asked(keyed, &["job", "show", "--media", &id.to_string()]).await
}
