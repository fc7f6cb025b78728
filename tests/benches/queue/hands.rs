//! Workers of either side, as processes that are driven by lines of text: each
//! says `ready`, begins when it is told `go`, and tells of the jobs that it has
//! done. It ends when nobody speaks to it any more.

use heim_tests::until::within;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
};

/// How often a worker tells of its jobs: rarely enough to cost nothing.
pub(crate) const TELL: Duration = Duration::from_millis(25);

/// A job that is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    /// When it was handed in, in milliseconds of a clock that the side has in all
    /// of its processes.
    handed: f64,
    /// When a worker had it and could begin.
    pub(crate) begun: f64,
}

impl Took {
    /// How long it waited, in milliseconds.
    pub(crate) fn waited(&self) -> f64 {
        self.begun - self.handed
    }
}

/// A process that says `ready` and reads its orders.
pub(crate) struct Driven {
    child: Child,
    orders: ChildStdin,
}

impl Driven {
    /// Starts it and waits until it is ready; what it says from then on comes
    /// through the channel.
    pub(crate) async fn start(mut command: Command, tell: mpsc::Sender<String>) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let orders = child.stdin.take().expect("it was piped");
        let mut lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        let first = within("it is ready", lines.next_line()).await.expect("it speaks text");
        assert_eq!(first.as_deref(), Some("ready"), "{command:?}");
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if tell.send(line).await.is_err() {
                    return;
                }
            }
        });
        Self { child, orders }
    }

    pub(crate) async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("it reads its orders");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }
}

/// Workers of one side.
pub(crate) struct Hands {
    workers: Vec<Driven>,
    told: mpsc::Receiver<String>,
    taken: Vec<Took>,
}

impl Hands {
    pub(crate) async fn start(count: usize, command: impl Fn() -> Command) -> Self {
        let (tell, told) = mpsc::channel(1_024);
        let mut workers = Vec::new();
        for _ in 0..count {
            workers.push(Driven::start(command(), tell.clone()).await);
        }
        Self { workers, told, taken: Vec::new() }
    }

    /// Lets all of them begin.
    pub(crate) async fn begin(&mut self) {
        for worker in &mut self.workers {
            worker.order("go").await;
        }
    }

    /// Waits until so many jobs are done.
    pub(crate) async fn take(&mut self, jobs: usize) -> Vec<Took> {
        while self.taken.len() < jobs {
            let line = within("a job is done", self.told.recv()).await.expect("the workers run");
            let told: Vec<(f64, f64)> = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            self.taken.extend(told.into_iter().map(|(handed, begun)| Took { handed, begun }));
        }
        self.taken.drain(..jobs).collect()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.workers.iter().map(Driven::id)
    }
}
