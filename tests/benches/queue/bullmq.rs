//! The other side: `BullMQ` with its defaults, in Node.

use crate::{
    Side,
    hands::{Driven, Hands},
};
use heim_tests::until::within;
use std::{path::Path, time::Duration};
use tokio::{process::Command, sync::mpsc};

pub(crate) struct BullMq {
    port: u16,
    producer: Driven,
    answers: mpsc::Receiver<String>,
}

impl BullMq {
    pub(crate) async fn start(port: u16) -> Self {
        let (tell, answers) = mpsc::channel(1);
        let producer = Driven::start(script("producer.mjs", port), tell).await;
        Self { port, producer, answers }
    }
}

impl Side for BullMq {
    async fn hand_in(&mut self, jobs: usize) {
        self.producer.order(&format!("hand {jobs}")).await;
        assert_eq!(within("jobs are handed in", self.answers.recv()).await.as_deref(), Some("handed"));
    }

    async fn workers(&mut self, count: usize) -> Hands {
        Hands::start(count, || script("worker.mjs", self.port)).await
    }

    /// All of it is in its workers: whoever hands jobs in is no part of either side.
    fn spent(&self) -> Duration {
        Duration::ZERO
    }
}

fn script(name: &str, port: u16) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/queue/bullmq");
    assert!(folder.join("node_modules").is_dir(), "BullMQ is not installed: `make bench-queue` installs it");
    let mut node = Command::new("node");
    node.arg(folder.join(name)).arg(port.to_string());
    node
}
