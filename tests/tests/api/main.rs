//! The HTTP API: what its document says of it, media objects by it, what operators do
//! by it beside the shell, what it refuses, and what schemathesis finds.

mod answers;
mod documented;
mod listed;
mod media;
mod page;
mod refused;
mod steered;
mod tried_out;

use heim_tests::{
    client::{Client, Entrance},
    keyed::TOKEN,
    operator::Operator,
    standalone::Standalone,
};
use std::path::{Path, PathBuf};

/// The whole in one process, with the API, and whoever holds its token.
async fn start(settings: &[(&str, &str)]) -> (Standalone, Operator) {
    let settings: Vec<_> = [("admin.token", TOKEN)].iter().chain(settings).copied().collect();
    let heim = Standalone::with(&settings).await;
    let operator = Operator::of(heim.base());
    (heim, operator)
}

/// Somebody in a room, and the agent that they are.
async fn enter(base: &str, room: &str, nick: &str) -> (Client, String) {
    let client = Client::enter(base, room, Entrance::aware(), nick).await;
    let agent = client.event("hello-event").await["session"]["id"].as_str().expect("an id").to_owned();
    (client, agent)
}

/// The Python that has schemathesis.
fn python() -> PathBuf {
    let environment = root().join(".venv");
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    let is_installed = text(environment.join("openapi.txt")) == text(root().join("tests/openapi/requirements.txt"));
    assert!(is_installed, "`make test-tools` installs schemathesis as tests/openapi/requirements.txt has it");
    environment.join("bin/python")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Compares a file of the repository with what it should be; with `HEIM_MEDIA_REWRITE`
/// in the environment, makes it so.
fn is_kept(file: &str, text: &str) {
    let path: PathBuf = root().join(file);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept != text && std::env::var_os("HEIM_MEDIA_REWRITE").is_some() {
        std::fs::write(&path, text).expect("the repository can be written");
        return;
    }
    let difference = kept.lines().zip(text.lines()).position(|(kept, new)| kept != new);
    assert!(
        kept == text,
        "{file} is not what the code says, from line {} on: look at what HEIM_MEDIA_REWRITE=1 changes, and commit it",
        difference.unwrap_or_else(|| kept.lines().count().min(text.lines().count())) + 1,
    );
}
