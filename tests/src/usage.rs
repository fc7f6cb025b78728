//! What a process holds and takes, as the kernel counts it.

use crate::{process::Process, sql};
use rustix::process::Pid;
use std::{fs, path::PathBuf, time::Duration};

/// The kernel's unit of CPU time, the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// What each of its open files is: a path, or `socket:[…]` and the like.
#[must_use]
pub fn open_files(process: &Process) -> Vec<PathBuf> {
    let folder = format!("/proc/{}/fd", process.pid().as_raw_nonzero());
    // What is closed while we look is not there.
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|file| fs::read_link(file.path()).ok()).collect()
}

/// How many of them are sockets.
#[must_use]
pub fn open_sockets(process: &Process) -> usize {
    open_files(process).iter().filter(|file| file.to_string_lossy().starts_with("socket:")).count()
}

/// How many connections of this machine to a port of it are open.
#[must_use]
pub fn connections_to(port: u16) -> usize {
    let text = fs::read_to_string("/proc/net/tcp").expect("the kernel tells of connections");
    let to = format!(":{port:04X}");
    let is_open = |line: &str| {
        let mut fields = line.split_whitespace().skip(2);
        fields.next().is_some_and(|remote| remote.ends_with(&to)) && fields.next() == Some("01")
    };
    text.lines().filter(|line| is_open(line)).count()
}

/// How much of its memory is there, in KiB.
#[must_use]
pub fn resident_kib(process: &Process) -> u64 {
    let path = format!("/proc/{}/status", process.pid().as_raw_nonzero());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("the kernel tells it of every process")
}

/// The processes that it has started, and that are still there.
#[must_use]
pub fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).into_iter().flatten().flatten();
    let lines = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let of = |line: String| line.split_whitespace().map(process_of).collect::<Vec<_>>();
    lines.flat_map(of).collect()
}

/// CPU time that it has taken itself, in user and kernel mode.
#[must_use]
pub fn cpu(process: Pid) -> Duration {
    ticks(process, [14, 15])
}

/// CPU time that the processes have taken which it has started: those that are
/// still there, and those whose end it has seen.
#[must_use]
pub fn cpu_of_children(process: Pid) -> Duration {
    let living = children(process).into_iter().map(|child| cpu(child) + ticks(child, [16, 17]));
    living.sum::<Duration>() + ticks(process, [16, 17])
}

/// CPU time that a whole PostgreSQL has taken: that one in which this database is.
pub async fn cpu_of_postgres(url: &str) -> Duration {
    let checkpointer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    let checkpointer = process_of(&sql::sql(url, checkpointer).await);
    let server = process_of(&stat(checkpointer).expect("it runs as long as the server")[4 - 3]);
    cpu(server) + cpu_of_children(server)
}

/// By its id as text.
#[must_use]
pub fn process_of(id: &str) -> Pid {
    id.parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| panic!("{id} is no process"))
}

/// The sum of two fields of a process' state, by their numbers in proc(5). What
/// ended meanwhile has none.
fn ticks(process: Pid, fields: [usize; 2]) -> Duration {
    let Some(stat) = stat(process) else { return Duration::ZERO };
    let ticks = fields.into_iter().map(|field| stat[field - 3].parse::<u32>().expect("a number of ticks"));
    TICK * ticks.sum::<u32>()
}

/// What stands behind the name, which is the second field and may contain anything.
fn stat(process: Pid) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(|field| field.trim_end().to_owned()).collect())
}
