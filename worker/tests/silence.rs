//! What the logs of a worker do not say. A test binary of its own, since a log
//! belongs to the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

#[path = "worker/fake_coordinator.rs"]
#[expect(dead_code, reason = "the other test binary uses all of it")]
mod fake_coordinator;
#[path = "worker/misbehaving_child.rs"]
mod misbehaving_child;
#[path = "worker/scene.rs"]
#[expect(dead_code, reason = "the other test binary uses all of it")]
mod scene;

use heim_common::{ObjectSecret, job::Verdict};
use scene::{Scene, Terms};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

const SECRET: &[u8; 32] = b"planted-secret-of-a-media-object";
const SECRET_BASE64: &str = "cGxhbnRlZC1zZWNyZXQtb2YtYS1tZWRpYS1vYmplY3Q=";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_of_any_level_shows_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();
    let private = |terms: &mut Terms| terms.claim.secret = Some(ObjectSecret::new(*SECRET));
    let done = Scene::set(b"work 4", private).await;
    let died = Scene::set(b"abort", private).await;
    let tampered = Scene::set(b"work 4", private).await;
    std::fs::write(tampered.file(&scene::original()), b"work 4").unwrap();
    for scene in [&done, &died, &tampered] {
        scene.play().await;
        tracing::info!(bench = ?scene.bench, "all that a bench shows of itself");
    }
    assert_eq!(done.coordinator.verdicts(), [Verdict::Done]);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("not done").count(), 2, "the log was not heard: {log}");
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let numbers = format!("{SECRET:?}");
    for planted in [str::from_utf8(SECRET).unwrap(), SECRET_BASE64, &hex, numbers.trim_matches(['[', ']']), "hunter2"] {
        assert!(!log.contains(planted), "{planted} is in the log: {log}");
    }
}
