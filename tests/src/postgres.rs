//! A PostgreSQL of a test's own: started on a free port with its data in a
//! temporary folder, stopped and removed with the test, however that ends.
//!
//! A small shell stands between: it reads commands from a pipe that only this
//! process holds open. When the process ends, by a panic or `kill -9` too, the
//! pipe breaks, and the shell stops the server and removes the folder.
//!
//! Tests kill its processes and never the machine, so what it has written is there
//! without being forced to the disk. Who measures what that costs asks for it.

use super::ports;
use std::{
    fs, io,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    databases: AtomicU32,
    log: PathBuf,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// `$1` programs, `$2` folder, `$3` port, `$4` whether what is written is forced to the
/// disk. Answers each order with a line.
const KEEPER: &str = r#"
server=
start() {
    [ -n "$server" ] && kill -0 "$server" 2>/dev/null && return
    "$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=400 -c shared_buffers=64MB -c logging_collector=off -c fsync="$4" \
        </dev/null >/dev/null 2>>"$2/log" &
    server=$!
}
stop() { [ -n "$server" ] && kill "-$1" "$server" 2>/dev/null && wait "$server"; server=; }
# Stopped first, so that it starts no more processes; then all of them at once,
# as when the power fails.
crash() {
    kill -STOP "$server"
    kill -KILL "$server" $(cat "/proc/$server/task/$server/children")
    wait "$server"
    server=
}
while read -r order; do
    case $order in
        start) start "$@" ;;
        stop) stop INT ;;
        crash) crash ;;
    esac
    echo "$order" 2>/dev/null
done
stop QUIT
rm -rf "$2"
"#;

impl Postgres {
    /// Makes a new cluster and starts it: about a second.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with("off")
    }

    /// One that forces each commit to the disk, as those that people rely on do.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn durable() -> Self {
        Self::with("on")
    }

    fn with(fsync: &str) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("heim-postgres-").tempdir().expect("a temporary folder").keep();
        if let Some((user, group)) = unprivileged() {
            chown(&folder, Some(user), Some(group)).expect("root may give a folder away");
        }
        let mut initdb = as_server(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"]);
        finished(initdb.arg(folder.join("data")));
        for _ in 0..5 {
            let port = ports::free(1);
            let keeper = Keeper::spawn(&programs, &folder, port, fsync);
            let (databases, log) = (AtomicU32::new(0), folder.join("log"));
            let postgres = Self { programs: programs.clone(), port, databases, log, keeper: keeper.into() };
            if postgres.is_ready_within(Duration::from_secs(20)) {
                return postgres;
            }
            // Somebody took the port in the meantime. The folder is still needed.
            postgres.keeper.lock().expect("no order panics").abandon();
        }
        panic!("PostgreSQL does not start; its log: {}", fs::read_to_string(folder.join("log")).unwrap_or_default());
    }

    /// The URL of a new, empty database.
    ///
    /// # Panics
    /// If the server does not make it.
    #[must_use]
    pub fn fresh_url(&self) -> String {
        let name = format!("heim_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut createdb = Command::new(self.programs.join("createdb"));
        finished(createdb.args(self.address()).args(["--template=template0", &name]));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Stops it as an operator would: connections are cut, what is committed is
    /// written. Its data stay.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Kills all of its processes at once. Its data stay.
    pub fn kill9(&self) {
        self.order("crash");
    }

    /// Starts it again on the same port, with the same data.
    ///
    /// # Panics
    /// If it does not come back.
    pub fn restart(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        // What was killed may not be gone yet, and holds the memory that it shared: then the
        // server ends at once, as it would under an operator's hands.
        while Instant::now() < end {
            self.order("start");
            if self.is_ready_within(Duration::from_secs(2)) {
                return;
            }
        }
        panic!("PostgreSQL did not come back; its log: {}", fs::read_to_string(&self.log).unwrap_or_default());
    }

    /// From now on lets nobody but its superuser in without a password, as Debian's does,
    /// and starts it again for that.
    ///
    /// # Panics
    /// If it does not come back.
    pub fn ask_for_passwords(&self) {
        let who = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.log.with_file_name("data").join("pg_hba.conf"), who).expect("its configuration can be written");
        self.stop();
        self.restart();
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is: host, port and superuser, as options of its programs.
    #[must_use]
    pub fn address(&self) -> [String; 3] {
        ["--host=127.0.0.1".to_owned(), format!("--port={}", self.port), "--username=postgres".to_owned()]
    }

    fn order(&self, order: &str) {
        self.keeper.lock().expect("no order panics").order(order).expect("the keeper of PostgreSQL answers");
    }

    fn is_ready_within(&self, bound: Duration) -> bool {
        let end = Instant::now() + bound;
        let mut probe = Command::new(self.programs.join("pg_isready"));
        probe.args(self.address()).stdout(Stdio::null()).stderr(Stdio::null());
        while Instant::now() < end {
            if probe.status().is_ok_and(|status| status.success()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Keeper {
    fn spawn(programs: &Path, folder: &Path, port: u16, fsync: &str) -> Self {
        let mut shell = as_server(Path::new("/bin/sh"))
            .args(["-c", KEEPER, "keeper"])
            .args([programs, folder])
            .args([&port.to_string(), fsync])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("it was piped"));
        let mut keeper = Self { shell, orders, answers };
        keeper.order("start").expect("the keeper of PostgreSQL answers");
        keeper
    }

    fn order(&mut self, order: &str) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(orders, "{order}")?;
        self.answers.read_line(&mut String::new()).map(drop)
    }

    fn abandon(&mut self) {
        let _ = self.order("stop");
        let _ = self.shell.kill();
        let _ = self.shell.wait();
        self.orders = None;
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.shell.wait();
    }
}

/// The folder with PostgreSQL's programs: Debian's newest, or what `PATH` has.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let on_path = Command::new("sh").args(["-c", "dirname \"$(readlink -f \"$(command -v initdb)\")\""]).output();
    if let Ok(Output { stdout, .. }) = on_path {
        folders.insert(0, PathBuf::from(String::from_utf8_lossy(&stdout).trim()));
    }
    folders.retain(|folder| {
        ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|program| folder.join(program).is_file())
    });
    folders.pop().expect(
        "PostgreSQL is not installed. `make test` installs it; by hand: apt-get install postgresql postgresql-client",
    )
}

/// PostgreSQL refuses to run as root; then the user `postgres` runs it, whom
/// its package makes.
fn unprivileged() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    is_root.then(|| {
        let users = fs::read_to_string("/etc/passwd").expect("the list of users can be read");
        let user = users.lines().find_map(|line| line.strip_prefix("postgres:"));
        let mut fields = user.expect("as root, the user `postgres` is needed").split(':').skip(1);
        let mut id = || fields.next().and_then(|id| id.parse().ok()).expect("users have numbers");
        (id(), id())
    })
}

/// A program as the user that the server runs as.
fn as_server(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = unprivileged() {
        // The folder we are in may be closed to that user.
        command.uid(user).gid(group).current_dir("/");
    }
    command
}

fn finished(command: &mut Command) {
    let Output { status, stderr, .. } =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
}
