//! What a child has of its parent, and that it does not outlive it.

use crate::{
    corpus::{pool, real_child},
    processes::children,
};
use heim_worker::PixelsConfig;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{FdFlags, fcntl_setfd},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write, stdout},
    process::{Child, Command, Stdio},
};

const ROLE: &str = "role=parent";
const UP: &str = "two children are up";

/// Not a test of anything by itself: the parent that is killed below.
#[test]
fn parent() {
    if std::env::args().any(|argument| argument == ROLE) {
        // Things that a child must not inherit.
        let _file = std::fs::File::open("/proc/self/exe").unwrap();
        // As `make` leaves its job server, and a supervisor its sockets.
        let left_open = std::fs::File::open("/proc/self/environ").unwrap();
        fcntl_setfd(&left_open, FdFlags::empty()).unwrap();
        let _port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _pool = pool(&real_child(), 2);
        writeln!(stdout(), "{UP}").unwrap();
        loop {
            std::thread::park();
        }
    }
}

fn descriptors(pid: u32) -> BTreeSet<String> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    open.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn closes_on_exec(pid: u32, fd: &str) -> bool {
    const O_CLOEXEC: u32 = 0o2_000_000;
    let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    u32::from_str_radix(flags.trim(), 8).unwrap() & O_CLOEXEC != 0
}

/// What the kernel lets a process have at the most, in its own words of it.
fn hard_limit(pid: i32, name: &str) -> u64 {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limit = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    limit.split_whitespace().nth(1).unwrap().parse().unwrap_or(u64::MAX)
}

/// What the kernel says of a process's state.
fn status(pid: i32, name: &str) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok()).unwrap()
}

/// A parent, and its two children.
fn start_parent() -> (Child, Vec<i32>) {
    let arguments = ["--exact", "parent_death::parent", "--nocapture", ROLE];
    let mut parent =
        Command::new(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains(UP)));
    let children = children(parent.id());
    assert_eq!(children.len(), 2);
    (parent, children)
}

/// Asked of the kernel, and not of the child, which says itself how its walls stand.
#[test]
fn the_kernel_holds_a_child_to_its_bounds() {
    const SECCOMP_FILTER: u32 = 2;
    let (mut parent, children) = start_parent();
    let bounds = |pid: i32| {
        let limits = ["Max open files", "Max file size", "Max address space"].map(|name| hard_limit(pid, name));
        (limits, ["NoNewPrivs", "Seccomp"].map(|name| status(pid, name)))
    };
    let found: Vec<_> = children.iter().map(|&pid| bounds(pid)).collect();
    parent.kill().unwrap();
    parent.wait().unwrap();
    let address_space = PixelsConfig::default().address_space_bytes;
    assert_eq!(found, [([5, 64 << 20, address_space], [1, SECCOMP_FILTER]); 2]);
}

#[test]
fn a_child_inherits_nothing_and_dies_with_its_parent() {
    let (mut parent, children) = start_parent();
    let handed_down = descriptors(parent.id()).into_iter().filter(|fd| !closes_on_exec(parent.id(), fd));
    assert!(handed_down.count() > 3, "the parent hands down more than it must");
    let expected = BTreeSet::from(["0", "1", "2"].map(String::from));
    let mut handles = Vec::new();
    for &pid in &children {
        assert_eq!(descriptors(pid.cast_unsigned()), expected);
        assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
        assert!(hard_limit(pid, "Max core file size") <= 1);
        let pid = Pid::from_raw(pid).unwrap();
        handles.push(pidfd_open(pid, PidfdFlags::empty()).unwrap());
        // A stopped child sees no end of its socket: only the kernel ends it.
        kill_process(pid, Signal::STOP).unwrap();
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    for handle in handles {
        let timeout = Timespec { tv_sec: 5, tv_nsec: 0 };
        let gone = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&timeout)).unwrap();
        assert_eq!(gone, 1, "a child outlived its parent by five seconds");
    }
}
