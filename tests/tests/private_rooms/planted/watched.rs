//! Processes that may write only where the test looks afterwards: each has a
//! folder for its log, its temporary files and its core dumps, which the shell's
//! limit allows.

use heim_tests::{
    process::binary,
    until::{until, within},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What a folder for temporary files holds from the beginning.
pub(super) const CONTROL: &str = "a control that lies where nothing should be";

/// A running process.
pub(super) struct Watched {
    child: Child,
    /// What it said behind the word `ready`.
    pub(super) ready: String,
}

/// A command in this folder, which is made, with nothing in its environment but
/// these settings.
fn command(program: &str, folder: &Path, arguments: &[&str], settings: &[(String, String)]) -> Command {
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).expect("a process of the test's own, in a folder of its own");
    fs::write(temporary.join("control"), CONTROL).expect("a process of the test's own, in a folder of its own");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "sh", "-c", "ulimit -c unlimited && exec \"$@\"", "sh"]);
    command.arg(binary(program)).args(arguments).current_dir(folder).env_clear();
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", temporary)
        .env("RUST_BACKTRACE", "1");
    for (key, value) in settings {
        command.env(format!("HEIM_MEDIA__{}", key.to_uppercase().replace('.', "__")), value);
    }
    let log = |name| {
        File::options()
            .append(true)
            .create(true)
            .open(folder.join(name))
            .expect("a process of the test's own, in a folder of its own")
    };
    command.stdin(Stdio::null()).stdout(log("stdout")).stderr(log("log"));
    command
}

impl Watched {
    /// Starts a process that stays, and waits until it is ready.
    pub(super) async fn start(program: &str, folder: &Path, arguments: &[&str], settings: &[(String, String)]) -> Self {
        fs::create_dir_all(folder).expect("a process of the test's own, in a folder of its own");
        // One that ran here before said so, too.
        let _ = fs::remove_file(folder.join("stdout"));
        let child = command(program, folder, arguments, settings).spawn().expect("setpriv belongs to util-linux");
        let mut watched = Self { child, ready: String::new() };
        let out = folder.join("stdout");
        watched.ready = until(&format!("{program} is ready"), async || {
            assert!(
                watched.child.try_wait().expect("a process of the test's own, in a folder of its own").is_none(),
                "{}",
                fs::read_to_string(folder.join("log")).expect("a process of the test's own, in a folder of its own")
            );
            let text = fs::read_to_string(&out).unwrap_or_default();
            text.lines().find_map(|line| line.strip_prefix("ready ")).map(str::to_owned)
        })
        .await;
        watched.assert_dumps_nothing();
        watched
    }

    /// Runs a command that ends, with this text on its standard input.
    pub(super) async fn run(
        program: &str,
        folder: &Path,
        arguments: &[&str],
        settings: &[(String, String)],
        input: &str,
    ) {
        fs::create_dir_all(folder).expect("a process of the test's own, in a folder of its own");
        let mut command = command(program, folder, arguments, settings);
        let (reader, mut writer) = std::io::pipe().expect("a process of the test's own, in a folder of its own");
        std::io::Write::write_all(&mut writer, input.as_bytes())
            .expect("a process of the test's own, in a folder of its own");
        drop(writer);
        let mut child = command.stdin(reader).spawn().expect("setpriv belongs to util-linux");
        let ended = until(&format!("{arguments:?} ends"), async || {
            child.try_wait().expect("a process of the test's own, in a folder of its own")
        })
        .await;
        assert!(
            ended.success(),
            "{arguments:?}: {}",
            fs::read_to_string(folder.join("log")).expect("a process of the test's own, in a folder of its own")
        );
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whatever the shell allows, neither the process nor a child of its may
    /// dump its memory.
    fn assert_dumps_nothing(&self) {
        let own = self.pid().as_raw_nonzero().get();
        let threads = fs::read_dir(format!("/proc/{own}/task")).into_iter().flatten().flatten();
        let children: String =
            threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()).collect();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        for pid in children.chain([own]) {
            let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
            let limit = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap_or("0 0");
            let bytes = |word: &str| word.parse::<u64>().is_ok_and(|bytes| bytes <= 1);
            assert!(limit.split_whitespace().take(2).all(bytes), "{pid} may dump its memory:{limit}");
        }
    }

    /// Sends it a signal that ends it.
    pub(super) async fn end(mut self, signal: Signal) {
        self.assert_dumps_nothing();
        kill_process(self.pid(), signal).expect("a child that was not awaited can be signalled");
        until("it ends", async || self.child.try_wait().expect("a process of the test's own, in a folder of its own"))
            .await;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Crashes a process with [`CONTROL`] in its memory under the same limit; returns
/// whether its core was dumped beside it, as ours would be.
pub(super) async fn crash_on_purpose(folder: &Path) -> bool {
    fs::create_dir_all(folder).expect("a process of the test's own, in a folder of its own");
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", "ulimit -c unlimited && kill -SEGV $$"]).env("CONTROL", CONTROL).current_dir(folder);
    within("a shell crashes", shell.status()).await.expect("a process of the test's own, in a folder of its own");
    fs::read_dir(folder)
        .expect("a process of the test's own, in a folder of its own")
        .flatten()
        .any(|file| file.file_name().to_string_lossy().starts_with("core"))
}

/// Runs a program of the system and returns what it printed.
pub(super) async fn printed(program: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = tokio::process::Command::new(program);
    let output = within(program, command.args(arguments).output()).await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: `make test` installs it"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The folders of processes in a deployment's folder.
pub(super) fn folder(root: &Path, name: &str) -> PathBuf {
    root.join("processes").join(name)
}
