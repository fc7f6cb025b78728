//! A pixel child of this test's own behind the real walls, which tries to do
//! what the "file" that it is given says. Whoever falls into a decoder's hands
//! would try the same.

use crate::misbehaving_child::{next_file, say};
use heim_worker::children::{ChildCommand, raise_walls};
use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, kill_process, setrlimit, test_kill_process};
use std::{
    fs::{self, File},
    io,
    net::{TcpStream, UdpSocket},
    os::unix::net::UnixStream,
    process::Command,
};

const ROLE: &str = "role=walled-child";

/// What it knows to try, none of which a child may do.
pub(crate) const ATTEMPTS: &[&str] = &[
    "open-own-environment",
    "open-a-file",
    "make-a-file",
    "remove-a-file",
    "list-a-folder",
    "look-at-a-file",
    "connect",
    "udp",
    "unix-socket",
    "replace-itself-by-a-program",
    "start-a-program",
    "start-a-thread",
    "be-traced",
    "kill-the-worker",
    "look-for-the-worker",
    "raise-a-limit",
    "change-its-name",
];

pub(crate) fn walled_child() -> ChildCommand {
    let arguments = ["--exact", "walled_child::child", "--nocapture", ROLE];
    ChildCommand { program: std::env::current_exe().unwrap(), args: arguments.map(Into::into).to_vec() }
}

/// Not a test of anything by itself.
#[test]
fn child() {
    if std::env::args().any(|argument| argument == ROLE) {
        // Even that is no call for a child to make.
        let parent = getppid().unwrap();
        let walls = serde_json::to_string(&raise_walls()).unwrap();
        say(&format!(r#"{{"report":"ready","walls":{walls}}}"#));
        while let Some((attempt, _area)) = next_file() {
            let end = attempt_to(&attempt, parent);
            let said = serde_json::to_string(&format!("{attempt}: {end:?}")).unwrap();
            say(&format!(r#"{{"report":"failed","reason":"internal","detail":{said}}}"#));
        }
    }
}

fn attempt_to(what: &str, parent: Pid) -> io::Result<()> {
    match what {
        "nothing" => Ok(()),
        "open-own-environment" => File::open("/proc/self/environ").map(drop),
        "open-a-file" => File::open("/etc/passwd").map(drop),
        "make-a-file" => File::create("/tmp/made-by-a-pixel-child").map(drop),
        "remove-a-file" => fs::remove_file("/tmp/made-by-a-pixel-child"),
        "list-a-folder" => fs::read_dir("/").map(drop),
        "look-at-a-file" => fs::metadata("/etc/passwd").map(drop),
        "connect" => TcpStream::connect("127.0.0.1:9").map(drop),
        "udp" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "unix-socket" => UnixStream::connect("/run/systemd/journal/socket").map(drop),
        "replace-itself-by-a-program" => Ok(nix::unistd::execv::<&std::ffi::CStr>(c"/bin/true", &[c"true"]).map(drop)?),
        "start-a-program" => Command::new("/bin/true").spawn().map(drop),
        "start-a-thread" => std::thread::Builder::new().spawn(|| {}).map(drop),
        "be-traced" => Ok(nix::sys::ptrace::traceme()?),
        "kill-the-worker" => Ok(kill_process(parent, Signal::KILL)?),
        "look-for-the-worker" => Ok(test_kill_process(parent)?),
        "raise-a-limit" => Ok(setrlimit(Resource::Cpu, Rlimit { current: None, maximum: None })?),
        "change-its-name" => Ok(rustix::thread::set_name(c"innocent")?),
        other => panic!("{other:?}"),
    }
}
