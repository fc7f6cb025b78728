//! schemathesis tries the API out by its document: what fits is understood, what does
//! not fit is refused, and every answer is one that the document names.

use crate::{enter, python, root, start};
use heim_tests::{
    corpus,
    keyed::TOKEN,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    web::Web,
};
use serde_json::{Map, Value};
use std::{process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

/// How long it may take, also where others want the machine.
const AT_MOST: Duration = Duration::from_mins(4);

async fn tries(heim: &Standalone) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(python().with_file_name("schemathesis"));
    command.arg("--config-file").arg(root().join("tests/openapi/schemathesis.toml"));
    command.args(["run", &format!("{}/api/openapi.json", heim.base()), "--no-color", "--checks", "all"]);
    command
        .env("HEIM_MEDIA_TOKEN", TOKEN)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("no_proxy", "127.0.0.1")
        .env("COLUMNS", "160");
    command.current_dir(folder.path()).stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(AT_MOST, command.output()).await.expect("schemathesis ends").expect("it can be started");
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    (ended.status.success(), said)
}

#[tokio::test]
async fn schemathesis_finds_nothing() {
    let (heim, _) = start(&[]).await;
    // So that lists are not empty. What is destroyed is the test's own.
    let (ana, _) = enter(heim.base(), "welcome", "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let (found_nothing, said) = tries(&heim).await;
    assert!(found_nothing, "{said}");
    let paths = Web::default().get(&format!("{}/api/openapi.json", heim.base())).await.json()["paths"].take();
    let operations =
        paths.as_object().expect("paths").values().filter_map(Value::as_object).map(Map::len).sum::<usize>();
    assert!(said.contains(&format!("Tested: {operations}\n")), "all {operations} operations: {said}");
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅ {phase}\n")), "{phase}: {said}");
    }
}
