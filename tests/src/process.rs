//! The project's own binaries as processes: started, awaited, signalled, and
//! gone when the test is over, however it ends.

use crate::{
    until::{until, within},
    usage,
};
use heim_runtime::failpoint::{self, Planned};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    iter,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};
use tokio::sync::oneshot;

/// Log lines that are shown when a test fails.
const LOG_LINES_SHOWN: usize = 60;
/// What gives a process another time, of Debian's package `libfaketime`; the loader
/// knows what `$LIB` is on this machine.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";
/// What that leaves in memory of a process that is killed; its id follows.
const FAKETIME_LEAVES: [&str; 2] = ["/dev/shm/faketime_shm_", "/dev/shm/sem.faketime_sem_"];

/// A process that is to be started.
#[derive(Debug)]
pub struct Launch {
    program: &'static str,
    command: Command,
    log: PathBuf,
    /// Whether its clock is right.
    is_in_time: bool,
}

/// How a process ended that was not meant to stay.
#[derive(Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it logged.
    pub log: String,
}

/// A process that said that it is ready. Killed when it is dropped, and also
/// when the test's thread ends in another way.
#[derive(Debug)]
pub struct Process {
    program: &'static str,
    child: Child,
    log: PathBuf,
    is_in_time: bool,
    /// What it said behind the word `ready`.
    pub ready: String,
}

impl Launch {
    /// A binary of this workspace. Its log goes into `folder`, and it sees no
    /// environment but what is given to it here.
    #[must_use]
    pub fn new(program: &'static str, folder: &Path) -> Self {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let log = folder.join(format!("{program}-{}.log", STARTS.fetch_add(1, Ordering::Relaxed)));
        let stderr = File::create(&log).expect("a log file can be made in a temp folder");
        // The kernel sends the death signal when the *thread* that started the
        // process ends: that of the test.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binary(program));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("RUST_BACKTRACE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        Self { program, command, log, is_in_time: true }
    }

    /// Lets the process have no more open files than this, from its first line on.
    #[must_use]
    pub fn open_files(self, most: u32) -> Self {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={most}:{most}")).arg(self.command.get_program()).args(self.command.get_args());
        self.around(command)
    }

    /// This command, which starts it, in its place.
    fn around(self, mut command: Command) -> Self {
        let environment = self.command.get_envs().filter_map(|(key, value)| Some((key, value?)));
        command.env_clear().envs(environment);
        let stderr = File::options().append(true).open(&self.log).expect("the log file is there");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        Self { command, ..self }
    }

    /// Adds command line arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a key of the configuration, such as `limits.pixels_max`.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.command.env(format!("HEIM_MEDIA__{}", key.to_uppercase().replace('.', "__")), value);
        self
    }

    /// Sets a variable of its environment that is no key of the configuration.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets its clock wrong by so many seconds, for itself alone. How long something
    /// takes is still measured right: that clock is another one.
    #[must_use]
    pub fn clock_off_by(self, seconds: i64) -> Self {
        let launch = self.variable("LD_PRELOAD", FAKETIME).variable("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self { is_in_time: false, ..launch.variable("FAKETIME", &format!("{seconds:+}")) }
    }

    /// Gives the process a terminal, 100 columns wide, which `script` makes: what is seen
    /// there is its standard output.
    #[must_use]
    pub fn on_a_terminal(self) -> Self {
        let words = iter::once(self.command.get_program()).chain(self.command.get_args());
        let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().expect("a plain word"))).collect();
        let typed = format!("stty cols 100 rows 24; exec {}", words.join(" "));
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "script", "-qec", &typed, "/dev/null"]);
        self.around(command).variable("TERM", "xterm")
    }

    /// Has the process killed, frozen or held up at named places: see
    /// [`heim_runtime::failpoint!`].
    #[must_use]
    pub fn failpoints(mut self, plan: &str) -> Self {
        assert!(failpoint::are_armed(), "built without failpoints: `make test` builds with them");
        for planned in plan.split(',') {
            planned.parse::<Planned>().expect("a plan that the process can read");
        }
        self.command.env(failpoint::VARIABLE, plan);
        self
    }

    /// Sets several keys of the configuration.
    #[must_use]
    pub fn settings(self, settings: &[(&str, &str)]) -> Self {
        settings.iter().fold(self, |launch, (key, value)| launch.setting(key, value))
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> Process {
        let is_in_time = self.is_in_time;
        let (mut child, program, log) = self.spawn();
        let ready = listen(child.stdout.take().expect("it was piped"));
        let Ok(ready) = within(&format!("{program} is ready"), ready).await else {
            let _ = child.kill();
            let status = child.wait().expect("a child can be awaited");
            panic!("{program} ended before it was ready ({status}); its log:\n{}", tail(&log));
        };
        Process { program, child, log, is_in_time, ready }
    }

    /// Starts it and waits until it ends by itself.
    pub async fn run(self) -> Ended {
        let is_in_time = self.is_in_time;
        let (mut child, program, log) = self.spawn();
        let mut out = child.stdout.take().expect("it was piped");
        let printed = thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).map(|_| text)
        });
        let mut process = Process { program, child, log, is_in_time, ready: String::new() };
        let status = process.ended().await;
        let stdout = printed.join().expect("reading does not panic").expect("standard output is text");
        Ended { status, stdout, log: process.log() }
    }

    fn spawn(mut self) -> (Child, &'static str, PathBuf) {
        let child = self.command.spawn().expect("`setpriv` is there: it belongs to util-linux");
        (child, self.program, self.log)
    }
}

impl Process {
    /// Its process id, which is also its first thread's.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Kills it as the kernel does when memory is short. Returns when it is gone.
    pub async fn kill9(&mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Freezes it: its connections stay open, and nothing moves.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a child that was not awaited can be signalled");
    }

    /// Waits until it ends.
    pub async fn ended(&mut self) -> ExitStatus {
        until(&format!("{} ends", self.program), async || self.child.try_wait().expect("a child can be awaited")).await
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child can be awaited").is_none()
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The processes that it has started: its pixel children.
    #[must_use]
    pub fn children(&self) -> Vec<Pid> {
        usage::children(self.pid())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.is_in_time {
            // Who ended well has left nothing.
            for left in FAKETIME_LEAVES {
                let _ = fs::remove_file(format!("{left}{}", self.child.id()));
            }
        }
        if thread::panicking() {
            show(&format!("--- the log of {} ends with\n{}\n", self.program, tail(&self.log)));
        }
    }
}

/// Whether a process is there and not a zombie.
#[must_use]
pub fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Where a binary of this workspace is: beside the test that asks.
#[must_use]
pub fn binary(program: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its own binary");
    let folder = own.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps");
    let binary = folder.join(program);
    assert!(
        binary.is_file(),
        "{} is not there. Build it first: cargo build --workspace --bins (`make test` does)",
        binary.display()
    );
    binary
}

/// Reads standard output until it ends, so that its writer is never held up,
/// and tells what stood behind `ready`.
fn listen(out: ChildStdout) -> oneshot::Receiver<String> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let mut tell = Some(tell);
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix("ready ")
                && let Some(tell) = tell.take()
            {
                let _ = tell.send(rest.to_owned());
            }
        }
    });
    told
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

#[expect(clippy::print_stderr, reason = "the test harness shows it with the test that failed")]
fn show(text: &str) {
    eprint!("{text}");
}
