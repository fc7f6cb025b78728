//! A disk on which nothing can be written for good: what a process has forced to it
//! ends in EIO. `strace` says so in the kernel's place.

use crate::{process::Process, until::within};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

const CALLS: &str = "fsync,fdatasync";

/// One process has such a disk, until this ends.
#[derive(Debug)]
pub struct IoErrors(Child);

impl IoErrors {
    /// From when this returns.
    pub async fn of(process: &Process) -> Self {
        let mut command = Command::new("strace");
        command.args(["--follow-forks", "--output=/dev/null", "--trace", CALLS]);
        command.arg(format!("--inject={CALLS}:error=EIO")).arg(format!("--attach={}", process.pid().as_raw_nonzero()));
        command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut tracer = command.spawn().expect("strace is not installed: `scripts/require strace`");
        let mut lines = BufReader::new(tracer.stderr.take().expect("it was piped")).lines();
        within("strace is attached", async {
            let said = lines.next_line().await.expect("strace speaks text").unwrap_or_default();
            assert!(said.contains("attached"), "strace: {said}");
        })
        .await;
        // It goes on speaking of threads that come, and must not be held up by that.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self(tracer)
    }

    /// Returns when the disk is well again. Killed, for the kernel lets go of whatever was
    /// traced then; strace itself waits for each thread and child of it to stop first.
    pub async fn heal(mut self) {
        within("strace is gone", self.0.kill()).await.expect("a child can be killed");
    }
}
