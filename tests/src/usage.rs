//! What a process holds, as the kernel counts it.

use crate::process::Process;
use std::{fs, path::PathBuf};

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

/// How much of its memory is there, in KiB.
#[must_use]
pub fn resident_kib(process: &Process) -> u64 {
    let path = format!("/proc/{}/status", process.pid().as_raw_nonzero());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("the kernel tells it of every process")
}
