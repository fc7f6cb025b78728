//! What a child may use up: address space, and CPU time for each file.
//!
//! Set by the worker from outside, by the process id, so that no child can move
//! them: the calls for it are not among those that a child may make.

use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Resource, Rlimit, getrlimit, prlimit},
};
use std::{fs, io};

/// Bounds the address space of a child for the rest of its life.
pub(super) fn bound_memory(child: Pid, bytes: u64) -> io::Result<()> {
    // Whoever has a lower limit may not give a higher one.
    let bytes = getrlimit(Resource::As).maximum.map_or(bytes, |maximum| maximum.min(bytes));
    prlimit(Some(child), Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) })?;
    Ok(())
}

/// Gives a child so many seconds of CPU time from now on, and a part of one for
/// the limit's coarseness. It counts from a process's start, so it is set again
/// for each file. At the limit the kernel sends SIGXCPU, which kills.
pub(super) fn allow_cpu(child: Pid, seconds: u64) -> io::Result<()> {
    let maximum = getrlimit(Resource::Cpu).maximum;
    let seconds = used_cpu(child)?.saturating_add(seconds);
    let current = Some(maximum.map_or(seconds, |maximum| maximum.min(seconds)));
    prlimit(Some(child), Resource::Cpu, Rlimit { current, maximum })?;
    Ok(())
}

/// CPU time that a process has used, in whole seconds, rounded up.
fn used_cpu(process: Pid) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let unreadable = || io::Error::from(io::ErrorKind::InvalidData);
    // `pid (name) state …`, and a name may hold anything. Of what follows it,
    // the 12th and 13th are the ticks in user and in kernel mode.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(unreadable)?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().ok());
    let ticks = ticks.sum::<Option<u64>>().ok_or_else(unreadable)?;
    Ok(ticks.div_ceil(clock_ticks_per_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_of_a_process_is_known() {
        let own = rustix::process::getpid();
        let mut spun = 0u64;
        while used_cpu(own).unwrap() == 0 {
            spun = std::hint::black_box(spun + 1);
        }
        assert!(used_cpu(own).unwrap() < 3_600);
    }
}
