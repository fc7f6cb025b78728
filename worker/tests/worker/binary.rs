//! `heim-worker` as a command.

use std::process::{Command, Output};

fn heim_worker(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heim-worker"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn the_configuration_can_be_looked_at_without_its_secrets() {
    let environment = [
        ("HEIM_MEDIA__HOOKS__SECRET", "hunter2"),
        ("HEIM_MEDIA__WORKER__CONCURRENCY", "3"),
        ("HEIM_MEDIA__DATABASE__URL", "sqlite:somebody-else's"),
    ];
    let shown = heim_worker(&["--check-config"], &environment);
    assert!(shown.status.success(), "{shown:?}");
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("concurrency = 3") && !text.contains("hunter2"), "{text}");
}

#[test]
fn what_cannot_work_is_said_at_start() {
    for (key, value, word) in
        [("HEIM_MEDIA__WORKER__CONCURENCY", "3", "concurency"), ("HEIM_MEDIA__QUEUE__URL", "memory:", "heim-media")]
    {
        let refused = heim_worker(&[], &[(key, value)]);
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && text.contains(word), "{text}");
    }
}

#[test]
fn a_child_whose_parent_is_gone_ends() {
    // Its standard input is not even a socket.
    let child = Command::new(env!("CARGO_BIN_EXE_heim-worker"))
        .arg(heim_worker::PIXEL_CHILD_ARG)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!child.status.success());
}
