//! A side as a process: it says `ready`, reads an order a line, and answers each
//! with a line. It lives until nobody speaks to it any more.

use serde::Deserialize;
use serde_json::Value;
use std::{
    fmt,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// By which this binary knows that it is to be our side.
pub(crate) const OURS: &str = "ours";

/// Who is measured. In the order in which they take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Ours,
    SharpNaive,
    SharpSmart,
    Pillow,
}

impl Who {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::SharpNaive, Self::SharpSmart, Self::Pillow];

    fn command(self) -> Command {
        let (program, arguments) = match self {
            Self::Ours => (std::env::current_exe().expect("a process knows its own binary"), vec![OURS.into()]),
            Self::SharpNaive => ("node".into(), vec![peer("sharp.mjs"), "naive".into()]),
            Self::SharpSmart => ("node".into(), vec![peer("sharp.mjs"), "smart".into()]),
            Self::Pillow => (root().join(".venv/bin/python"), vec![peer("pillow.py")]),
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "heim-media",
            Self::SharpNaive => "sharp, naive",
            Self::SharpSmart => "sharp, smart",
            Self::Pillow => "Pillow",
        })
    }
}

/// The workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace")
}

fn peer(script: &str) -> PathBuf {
    root().join("tests/pixels/peers").join(script)
}

/// What came of an order.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// CPU and wall milliseconds of each iteration.
    pub(crate) took: Vec<(f64, f64)>,
    /// The most memory that the process ever had.
    pub(crate) peak_kib: u64,
    pub(crate) outputs: Vec<Output>,
}

/// One transcoding.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Output {
    /// Which of the specs.
    pub(crate) index: usize,
    pub(crate) bytes: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A process that takes orders.
pub(crate) struct Side {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Side {
    pub(crate) fn start(who: Who) -> Self {
        let mut command = who.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it was piped"));
        let mut side = Self { process, orders, answers };
        assert_eq!(side.listen(), "ready", "{command:?}: `make bench-pixels` installs what it needs");
        side
    }

    /// What it makes of an order, in its own words where it makes nothing.
    pub(crate) fn ask(&mut self, order: &Value) -> Result<Value, String> {
        let orders = self.orders.as_mut().expect("it is taken when the side ends");
        let sent = writeln!(orders, "{order}").and_then(|()| orders.flush());
        let line = if sent.is_ok() { self.listen() } else { String::new() };
        let answer: Value = serde_json::from_str(&line).map_err(|_| "its process died".to_owned())?;
        match answer["error"].as_str() {
            Some(error) => Err(error.lines().next().unwrap_or_default().to_owned()),
            None => Ok(answer),
        }
    }

    fn listen(&mut self) -> String {
        let mut line = String::new();
        // A process that is gone says nothing.
        let _ = self.answers.read_line(&mut line);
        line.trim_end().to_owned()
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
