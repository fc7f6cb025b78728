//! `scripts/demo-fleet` as a process, with all that it has started.

use heim_tests::{
    ports,
    process::{binary, is_running},
    until::{until, within},
    usage,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// Where scripts are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// A folder and ports for a deployment, which is removed with this, its database too.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    port: u16,
    ops: u16,
}

impl Place {
    pub(crate) fn new() -> Self {
        // The script starts what was built last; the tests, what was built with them.
        assert!(
            binary("examples/bucket").starts_with(root().join("target/debug")),
            "`make demo-fleet` is not optimised"
        );
        let ops = (0..100).map(|_| ports::free(2)).find(|port| TcpListener::bind(("127.0.0.1", port + 1)).is_ok());
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        Self { folder, port: ports::free(2), ops: ops.expect("two ports in a row") }
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The two dashboards.
    pub(crate) fn dashboards(&self) -> [String; 2] {
        [self.ops, self.ops + 1].map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// The balancer.
    pub(crate) fn page(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What an operator's shell is told, by the names of the configuration.
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.data().join("coordinator.env")).expect("it was written");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
    }

    /// The log of a part.
    pub(crate) fn log(&self, part: &str) -> String {
        fs::read_to_string(self.data().join(format!("logs/{part}.log"))).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // PostgreSQL's own folder is elsewhere, and the link says where.
        let database = fs::read_link(self.data().join("postgres")).unwrap_or_else(|_| PathBuf::from("/nonexistent"));
        if database.starts_with("/var/tmp/") {
            let _ = fs::remove_dir_all(database);
        }
    }
}

/// A running deployment. Killed when it is dropped, and its processes with it.
pub(crate) struct Deployment {
    script: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Deployment {
    /// Starts it, and returns when it has said all that it says.
    pub(crate) async fn start(place: &Place) -> Self {
        let mut command = Command::new(root().join("scripts/demo-fleet"));
        command.args(["--port", &place.port.to_string(), "--ops-port", &place.ops.to_string(), "--data"]);
        command.arg(place.data()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut script = command.spawn().expect("scripts/demo-fleet starts");
        let mut lines = BufReader::new(script.stdout.take().expect("it was piped")).lines();
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.starts_with("something to do")) {
            let line = within("the fleet is ready", lines.next_line()).await.expect("it speaks text");
            said.push(line.unwrap_or_else(|| panic!("it ended early: {said:?}; {}", place.log("coordinator-1"))));
        }
        let said = said.join("\n");
        for address in [format!("{}/room/welcome/", place.page()), format!("{}/ops/", place.dashboards()[0])] {
            assert!(said.contains(&address), "{address} is not in: {said}");
        }
        Self { script, lines }
    }

    /// What it says next.
    pub(crate) async fn says(&mut self) -> String {
        let line = within("it says something", self.lines.next_line()).await.expect("it speaks text");
        line.expect("it has not ended")
    }

    /// All that it has started and that still runs, and the children of that.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let parts = usage::children(self.pid());
        parts.iter().flat_map(|part| usage::children(*part)).chain(parts.iter().copied()).collect()
    }

    fn pid(&self) -> Pid {
        let id = self.script.id().expect("it was not awaited");
        Pid::from_raw(id.cast_signed()).expect("a pid")
    }

    /// Ends it by a signal. Returns how the script ended when nothing of all that it had
    /// started runs any more.
    pub(crate) async fn end(mut self, by: Signal) -> ExitStatus {
        let processes = self.processes();
        assert!(processes.len() > 8, "PostgreSQL, Redis, the S3 server, the balancer, two coordinators, three workers");
        kill_process(self.pid(), by).expect("it can be told");
        let status = within("the script ends", self.script.wait()).await.expect("its end");
        until("nothing stays behind", async || {
            let left: Vec<_> = processes.iter().filter(|process| is_running(**process)).collect();
            left.is_empty().then_some(())
        })
        .await;
        status
    }
}
