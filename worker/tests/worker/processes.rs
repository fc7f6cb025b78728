//! The processes of this machine, as the kernel lists them.

use std::time::Duration;

/// Those that a process has started.
pub(crate) fn children(parent: u32) -> Vec<i32> {
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    processes.filter_map(|name| name.parse().ok()).filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

fn parent_of(pid: i32) -> Option<u32> {
    // `pid (name) state parent …`, and a name may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// CPU time that a process of one thread has used; none of one that is gone.
pub(crate) fn cpu_time(pid: i32) -> Duration {
    scheduled(pid, 0)
}

/// How long such a process was ready to run, and others ran instead.
pub(crate) fn waiting_time(pid: i32) -> Duration {
    scheduled(pid, 1)
}

fn scheduled(pid: i32, field: usize) -> Duration {
    let schedule = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    Duration::from_nanos(schedule.split_whitespace().nth(field).map_or(0, |nanos| nanos.parse().unwrap()))
}
