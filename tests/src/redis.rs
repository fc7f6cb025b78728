//! A Redis of one test's own: the real server on a free port of the loopback,
//! without persistence unless a test asks for it, that can be killed, frozen and
//! emptied.
//!
//! Only std and `tempfile`, so that other crates' tests can include this file
//! and `ports.rs` by their paths. It knows nothing of what is kept in Redis.

use super::ports;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A running Redis, killed when it is dropped, and also when the test process
/// dies in whatever way.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: tempfile::TempDir,
    persistence: Persistence,
    server: Option<Server>,
}

/// What a Redis keeps for its next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing.
    None,
    /// What Debian's configuration says: a snapshot now and then.
    SavePoints,
    /// Every write, before it is answered.
    AppendOnly,
}

impl Persistence {
    fn arguments(self) -> [&'static str; 6] {
        let (save, append_only) = match self {
            Self::None => ("", "no"),
            Self::SavePoints => ("3600 1 300 100 60 10000", "no"),
            Self::AppendOnly => ("", "yes"),
        };
        ["--save", save, "--appendonly", append_only, "--appendfsync", "always"]
    }
}

impl Redis {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If there is no `redis-server`, or it does not answer.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        for _ in 0..20 {
            let port = ports::free(0);
            // Somebody else may have taken the port in between: then it ends.
            let persistence = Persistence::None;
            if let Some(server) = Server::start(port, &folder, persistence) {
                return Self { port, folder, persistence, server: Some(server) };
            }
        }
        panic!("redis-server ends at its start: see what `redis-server --port 0` says");
    }

    /// The URL of this server, database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port of this server on the loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again, empty, to keep from now on what is said here.
    ///
    /// # Panics
    /// If it does not come back.
    pub fn persist(&mut self, persistence: Persistence) {
        self.persistence = persistence;
        self.restart();
    }

    /// Kills the server as a crash would. [`Self::restart`] brings it back, with what
    /// it has kept.
    pub fn kill9(&mut self) {
        self.server = None;
    }

    /// Kills the server if it still runs, and starts it again on the same port, with
    /// what it has kept: nothing, unless [`Self::persist`] said so.
    ///
    /// # Panics
    /// If it does not come back.
    pub fn restart(&mut self) {
        self.kill9();
        let server = Server::start(self.port, &self.folder, self.persistence);
        self.server = Some(server.expect("the port was this server's a moment ago"));
    }

    /// A copy of all files in which it keeps what it holds.
    ///
    /// # Panics
    /// If they cannot be copied.
    #[must_use]
    pub fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().expect("a temp folder can be made");
        copied(self.folder.path(), copy.path());
        copy
    }

    /// Kills it, puts the files of a copy in the place of its own, and starts it again.
    ///
    /// # Panics
    /// If it does not come back.
    pub fn bring_back(&mut self, copy: &tempfile::TempDir) {
        self.kill9();
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        copied(copy.path(), folder.path());
        self.folder = folder;
        self.restart();
    }

    /// Freezes the server: connections stay open and nothing answers.
    ///
    /// # Panics
    /// If the server does not run.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on.
    ///
    /// # Panics
    /// If the server does not run.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Takes the folder away in which it keeps what it holds.
    ///
    /// # Panics
    /// If it is gone already.
    pub fn lose_folder(&self) {
        std::fs::remove_dir_all(self.folder.path()).expect("it is there");
    }

    /// Empties it.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn flush(&self) {
        assert_eq!(self.command("FLUSHALL"), "+OK");
    }

    /// Sends one command, its words parted by spaces, and returns the first line of the reply.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn command(&self, line: &str) -> String {
        ask(self.port, line).expect("Redis answers")
    }

    /// Its process id.
    ///
    /// # Panics
    /// If the server does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("the server runs").pid
    }

    /// What it tells of itself, for whoever looks again and again.
    #[must_use]
    pub fn info(&self) -> Info {
        Info { port: self.port }
    }

    fn signal(&self, name: &str) {
        let server = self.server.as_ref().expect("the server runs");
        let kill = format!("kill -{name} {}", server.pid);
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh is there");
        assert!(status.success(), "{kill}");
    }
}

/// `cp`, which knows what to do with folders.
fn copied(from: &Path, to: &Path) {
    let copying = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().expect("cp is there");
    assert!(copying.success(), "{} cannot be copied", from.display());
}

/// The command `INFO` of one server.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    port: u16,
}

impl Info {
    /// A number that stands in this section.
    ///
    /// # Panics
    /// If the server does not tell it.
    #[must_use]
    pub fn number(self, section: &str, field: &str) -> u64 {
        let number = told(self.port, section, field).and_then(|text| text.parse().ok());
        number.unwrap_or_else(|| panic!("Redis does not tell {field}"))
    }
}

/// The process, held by a thread of its own: the kernel sends the death signal
/// that `setpriv` asks for when the *thread* that started the process ends.
#[derive(Debug)]
struct Server {
    pid: u32,
    /// Closing it lets the thread kill the process and end.
    hold: Option<mpsc::Sender<()>>,
    keeper: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// `None` if the process ended before it answered.
    fn start(port: u16, folder: &tempfile::TempDir, persistence: Persistence) -> Option<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "redis-server", "--bind", "127.0.0.1"]).args(persistence.arguments());
        command.args(["--port", &port.to_string(), "--dir"]).arg(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (hold, release) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let keeper = thread::spawn(move || {
            let mut child = command.spawn().expect("setpriv (util-linux) is there");
            tell.send(answers(&mut child, port).then(|| child.id())).expect("the starter waits for this");
            let _ = release.recv();
            let _ = child.kill();
            let _ = child.wait();
        });
        let pid = told.recv().expect("redis-server is not installed: `make test` installs it")?;
        Some(Self { pid, hold: Some(hold), keeper: Some(keeper) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.hold = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn answers(child: &mut Child, port: u16) -> bool {
    let began = Instant::now();
    while began.elapsed() < STARTS_WITHIN {
        if let Some(status) = child.try_wait().expect("the process is a child of this one") {
            assert_ne!(status.code(), Some(127), "redis-server is not installed: `make test` installs it");
            return false;
        }
        // The id, because another server may have had the port before.
        if ask(port, "PING").is_ok_and(|reply| reply == "+PONG") && owns(port, child.id()) {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("redis-server does not answer within {STARTS_WITHIN:?}");
}

fn owns(port: u16, pid: u32) -> bool {
    told(port, "server", "process_id").is_some_and(|id| id == pid.to_string())
}

/// What `INFO` says of a field, if it does.
fn told(port: u16, section: &str, field: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(format!("INFO {section}\r\nQUIT\r\n").as_bytes()).ok()?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.to_owned()))
}

fn ask(port: u16, line: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(STARTS_WITHIN))?;
    stream.write_all(format!("{line}\r\n").as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(reply.trim_end().to_owned())
}
