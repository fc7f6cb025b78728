//! Our side: a coordinator over PostgreSQL, and workers that make no pixels.
//! Jobs are handed in as they always are, by uploads.

use crate::{Side, hands::Hands, worker};
use heim_tests::{
    fleet::Fleet,
    flood::{Uploader, flood},
    usage,
};
use std::time::Duration;
use tokio::process::Command;

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
