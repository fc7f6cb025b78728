//! A client of others as a process: commands go in, observations come out.

use heim_tests::{
    strict,
    until::{BOUND, within},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::watch,
};

/// Whose client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Kareliapy,
    Doclib,
    EuphoriaConnection,
}

pub(crate) const ALL: [Kind; 3] = [Kind::Kareliapy, Kind::Doclib, Kind::EuphoriaConnection];

/// A client that is somewhere in a room.
pub(crate) struct Driven {
    pub(crate) kind: Kind,
    pub(crate) nick: String,
    stdin: ChildStdin,
    observed: Arc<Observed>,
    process: Child,
    _folder: tempfile::TempDir,
}

/// The observations so far, and whether more can come.
struct Observed {
    all: Mutex<Vec<Value>>,
    state: watch::Sender<(usize, bool)>,
}

impl Driven {
    /// Starts it, and returns when it is in the room and has its nick.
    pub(crate) async fn enter(kind: Kind, base: &str, room: &str, nick: &str) -> Self {
        Self::enter_with(kind, &[base, room, nick]).await
    }

    /// As [`Self::enter`], in a private room. Only doclib knows passcodes.
    pub(crate) async fn enter_private(base: &str, room: &str, nick: &str, passcode: &str) -> Self {
        Self::enter_with(Kind::Doclib, &[base, room, nick, passcode]).await
    }

    async fn enter_with(kind: Kind, arguments: &[&str]) -> Self {
        // kareliapy leaves its log where it is started.
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        let mut command = command(kind);
        command.args(arguments).current_dir(folder.path()).kill_on_drop(true);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process =
            spawned.unwrap_or_else(|error| panic!("{error}: `make test-tools` installs what {kind:?} needs"));
        let observed = Arc::new(Observed { all: Mutex::default(), state: watch::channel((0, false)).0 });
        let stdin = process.stdin.take().expect("it is piped");
        tokio::spawn(read(process.stdout.take().expect("it is piped"), Arc::clone(&observed)));
        let nick = arguments[2].to_owned();
        let client = Self { kind, nick, stdin, observed, process, _folder: folder };
        client.heard_since(0, "nick-reply").await;
        client
    }

    /// Says something, and returns the message as the server has it.
    pub(crate) async fn say(&mut self, content: &str, parent: Option<&str>) -> Value {
        let mut say = json!({ "do": "say", "content": content });
        if let Some(parent) = parent {
            say["parent"] = json!(parent);
        }
        self.command(say, "send-reply").await
    }

    /// Takes another nick.
    pub(crate) async fn rename(&mut self, nick: &str) {
        let reply = self.command(json!({ "do": "nick", "name": nick }), "nick-reply").await;
        assert_eq!((&reply["from"], &reply["to"]), (&json!(self.nick), &json!(nick)), "{:?}", self.kind);
        nick.clone_into(&mut self.nick);
    }

    /// Who is there, by nick.
    pub(crate) async fn who(&mut self) -> Vec<String> {
        let reply = self.command(json!({ "do": "who" }), "who-reply").await;
        let listing = reply["listing"].as_array().expect("a listing is a list").iter();
        let mut nicks: Vec<_> = listing.map(|view| view["name"].as_str().expect("a nick").to_owned()).collect();
        nicks.sort();
        nicks
    }

    /// The whole log, in pages of this size, oldest first.
    pub(crate) async fn whole_log(&mut self, size: usize) -> Vec<Value> {
        let mut log: Vec<Value> = Vec::new();
        loop {
            let before = log.first().map(|message| message["id"].clone());
            let mut page = json!({ "do": "page", "n": size });
            if let Some(before) = before {
                page["before"] = before;
            }
            let mut page: Vec<_> = self.command(page, "log-reply").await["log"].as_array().expect("a list").clone();
            assert!(page.len() <= size, "{page:?}");
            if page.is_empty() {
                return log;
            }
            page.append(&mut log);
            log = page;
        }
    }

    /// Leaves and comes back as the same agent; returns the new snapshot.
    pub(crate) async fn reconnect(&mut self) -> Value {
        let known = self.observed.count();
        let agent = self.of("hello-event")[0]["id"].clone();
        self.write(json!({ "do": "reconnect" })).await;
        assert_eq!(self.heard_since(known, "hello-event").await["id"], agent, "{:?}: the same cookie", self.kind);
        let snapshot = self.heard_since(known, "snapshot-event").await;
        self.heard_since(known, "nick-reply").await;
        snapshot
    }

    /// A command that is only said to be carried out.
    pub(crate) async fn tell(&mut self, command: Value) {
        self.write(command).await;
    }

    async fn command(&mut self, command: Value, reply: &str) -> Value {
        let known = self.observed.count();
        self.write(command).await;
        self.heard_since(known, reply).await
    }

    async fn write(&mut self, command: Value) {
        let line = format!("{command}\n");
        let written = within("the driver reads", self.stdin.write_all(line.as_bytes())).await;
        assert!(written.is_ok(), "{:?} is gone before {command}; {}", self.kind, self.observed.last());
    }

    /// The fields of the first packet of this type that it heard after it had
    /// made so many observations.
    async fn heard_since(&self, known: usize, kind: &str) -> Value {
        let heard = |all: &[Value]| {
            let heard = all[known..].iter().map(|seen| &seen["heard"]);
            heard.into_iter().find(|packet| packet["type"] == kind).map(|packet| packet["data"].clone())
        };
        self.wait_for(kind, heard).await
    }

    /// Waits until there is something to return in what was observed.
    pub(crate) async fn wait_for<T>(&self, what: &str, mut find: impl FnMut(&[Value]) -> Option<T>) -> T {
        let mut state = self.observed.state.subscribe();
        let end = tokio::time::Instant::now() + BOUND;
        loop {
            let (_, has_ended) = *state.borrow_and_update();
            if let Some(found) = self.observed.look(&mut find) {
                return found;
            }
            self.assert_untroubled();
            assert!(!has_ended, "{:?} ended before: {what}; {}", self.kind, self.observed.last());
            let changed = tokio::time::timeout_at(end, state.changed()).await;
            assert!(changed.is_ok(), "{:?}, not within {BOUND:?}: {what}; {}", self.kind, self.observed.last());
        }
    }

    /// Waits until its own code was given the message with this id.
    pub(crate) async fn sees(&self, id: &Value) {
        let seen = |all: &[Value]| all.iter().any(|seen| &seen["saw"]["id"] == id).then_some(());
        self.wait_for("a message that was sent", seen).await;
    }

    /// The messages of others that its own code was given, in order.
    pub(crate) fn saw(&self) -> Vec<Value> {
        self.observed.of(&|seen| seen.get("saw").cloned())
    }

    /// The fields of all packets of a type that it has heard.
    pub(crate) fn of(&self, kind: &str) -> Vec<Value> {
        self.observed.of(&|seen| (seen["heard"]["type"] == kind).then(|| seen["heard"]["data"].clone()))
    }

    fn assert_untroubled(&self) {
        for trouble in ["failed", "complained", "closed"] {
            let all = self.observed.of(&|seen| seen.get(trouble).cloned());
            assert!(all.is_empty(), "{:?} {trouble}: {all:?}; {}", self.kind, self.observed.last());
        }
    }

    /// No exception, no complaint, no connection that it was not told to make
    /// and none that ended by itself, and no packet that stock heim has not.
    pub(crate) fn assert_noticed_nothing(&mut self, connections: usize) {
        self.assert_untroubled();
        assert_eq!(self.observed.of(&|seen| seen.get("opened").cloned()).len(), connections, "{:?}", self.kind);
        self.observed.of(&|seen| seen.get("heard").cloned()).iter().for_each(strict::understand);
        assert!(self.process.try_wait().expect("a child can be asked").is_none(), "{:?} has ended", self.kind);
    }
}

impl Observed {
    fn look<T>(&self, find: &mut impl FnMut(&[Value]) -> Option<T>) -> Option<T> {
        find(&self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self) -> usize {
        self.look(&mut |all| Some(all.len())).unwrap_or_default()
    }

    fn of(&self, pick: &impl Fn(&Value) -> Option<Value>) -> Vec<Value> {
        self.look(&mut |all| Some(all.iter().filter_map(pick).collect())).unwrap_or_default()
    }

    fn last(&self) -> String {
        let line = |seen: &Value| format!("\n  {:.400}", seen.to_string());
        let last =
            |all: &[Value]| Some(all.iter().skip(all.len().saturating_sub(12)).map(line).collect::<Vec<_>>().concat());
        self.look(&mut { last }).unwrap_or_default()
    }
}

async fn read(stdout: ChildStdout, observed: Arc<Observed>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let seen = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        observed.all.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        observed.state.send_modify(|(count, _)| *count += 1);
    }
    observed.state.send_modify(|(_, ended)| *ended = true);
}

/// How its driver is started; fails with a sentence if it is not installed.
fn command(kind: Kind) -> Command {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clients = tests.join("clients");
    if kind == Kind::EuphoriaConnection {
        let installed = clients.join("node_modules/euphoria-connection").is_dir();
        assert!(installed, "`make test-tools` installs euphoria-connection, and Node.js where it is missing");
        let mut node = Command::new("node");
        node.arg(clients.join("drive_euphoria_connection.mjs"));
        return node;
    }
    let environment = tests.parent().expect("the workspace").join(".venv");
    let text = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let is_installed = text(environment.join("clients.txt")) == text(clients.join("requirements.txt"));
    assert!(is_installed, "`make test-tools` installs kareliapy and doclib as tests/clients/requirements.txt has them");
    let mut python = Command::new(environment.join("bin/python"));
    let driver = if kind == Kind::Doclib { "drive_doclib.py" } else { "drive_kareliapy.py" };
    // Nothing is written beside the sources.
    python.arg("-B").arg(clients.join(driver));
    python
}
