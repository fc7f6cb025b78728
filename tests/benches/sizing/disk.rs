//! How long the disk keeps waiting what is forced to it while something is measured, so that
//! its pauses can be told from ours.

use std::{
    io::Write,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often it is asked: seldom enough to take nothing from what is measured.
const EVERY: Duration = Duration::from_millis(50);

/// Writes a page where the databases are, again and again.
pub(crate) struct Disk {
    stop: mpsc::Sender<()>,
    writer: JoinHandle<Duration>,
}

impl Disk {
    pub(crate) fn watch() -> Self {
        let (stop, stopped) = mpsc::channel();
        let writer = thread::spawn(move || {
            let mut file = tempfile::tempfile().expect("a temp file can be made");
            let mut worst = Duration::ZERO;
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let began = Instant::now();
                file.write_all(&[1; 8192]).and_then(|()| file.sync_data()).expect("the disk takes a page");
                worst = worst.max(began.elapsed());
            }
            worst
        });
        Self { stop, writer }
    }

    /// The longest that a page took.
    pub(crate) fn worst(self) -> Duration {
        drop(self.stop);
        self.writer.join().expect("the disk takes every page")
    }
}
