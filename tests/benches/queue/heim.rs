//! Our side: a coordinator over PostgreSQL, and workers that make no pixels.
//! Jobs are handed in as they always are, by uploads.

use crate::{Side, hands::Hands, worker};
use heim_tests::{
    fleet::Fleet,
    flood::{Uploader, flood},
    usage,
};
use std::{fs, time::Duration};
use tokio::process::Command;

/// One transcoding of each picture, so that a job has something to register.
const CONFIG: &str = r#"
[[transcodings.image]]
name = "thumb-160"
content_type = "image/webp"
params = { fit = "inside", width = 160, height = 160 }
"#;

pub(crate) async fn fleet() -> Fleet {
    let mut fleet = Fleet::start(0, 0).await;
    let config = fleet.store().with_file_name("coordinator.toml");
    fs::write(&config, CONFIG).expect("a temp folder can be written to");
    let path = config.to_str().expect("temp folders have plain names");
    let coordinator = fleet.serving("127.0.0.1:0").arguments(&["--config", path]).start().await;
    fleet.coordinators.push(coordinator);
    fleet
}

pub(crate) struct Heim<'a> {
    fleet: &'a Fleet,
    uploader: Uploader,
}

impl<'a> Heim<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        Self { fleet, uploader: Uploader::new(fleet.base(0), "pickup") }
    }
}

impl Side for Heim<'_> {
    async fn hand_in(&mut self, jobs: usize) {
        if jobs == 1 {
            self.uploader.upload().await;
        } else {
            flood(&[self.fleet.base(0)], jobs, |_| {}).await;
        }
    }

    async fn workers(&mut self, count: usize) -> Hands {
        Hands::start(count, || {
            let mut command = Command::new(std::env::current_exe().expect("a process knows its own binary"));
            command.args([worker::ARGUMENT, &self.fleet.redis.url(), self.fleet.base(0)]);
            command
        })
        .await
    }

    fn spent(&self) -> Duration {
        usage::cpu(self.fleet.coordinators[0].pid())
    }
}
