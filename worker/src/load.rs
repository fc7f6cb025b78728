//! What this process and its children take of the machine, as the kernel counts it.

use std::{fs, path::Path, time::Duration};
use tokio::time::Instant;

/// What they have taken until a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    at: Instant,
    cpu: Duration,
    /// Memory that the children hold, in bytes.
    pub(crate) child_memory: u64,
}

impl Load {
    /// Where the kernel does not tell, nothing was taken.
    pub(crate) fn now() -> Self {
        let own = Path::new("/proc/self");
        let mut load = Self { at: Instant::now(), cpu: cpu(own, 4), child_memory: 0 };
        for child in children(own) {
            let folder = Path::new("/proc").join(child);
            load.cpu += cpu(&folder, 2);
            load.child_memory += memory(&folder);
        }
        load
    }

    /// CPU time since an earlier moment, in percent of one core.
    pub(crate) fn percent_since(&self, before: &Self) -> u32 {
        let time = self.at.duration_since(before.at).as_millis().max(1);
        // A child that ended takes its time with it until it is counted as ours.
        let spent = self.cpu.saturating_sub(before.cpu).as_millis();
        u32::try_from(spent * 100 / time).unwrap_or(u32::MAX)
    }
}

/// The processes that each thread has started.
fn children(process: &Path) -> Vec<String> {
    let tasks = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let lines = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lines.flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// CPU time in user and kernel mode; with four fields, that of ended children too.
fn cpu(process: &Path, fields: usize) -> Duration {
    // The first field that counts is the 14th; the name before may contain anything.
    const FIRST: usize = 14 - 3;
    let text = fs::read_to_string(process.join("stat")).unwrap_or_default();
    let Some((_, rest)) = text.rsplit_once(") ") else { return Duration::ZERO };
    let ticks: u64 = rest.split(' ').skip(FIRST).take(fields).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(1_000) / rustix::param::clock_ticks_per_second().max(1))
}

fn memory(process: &Path) -> u64 {
    let text = fs::read_to_string(process.join("statm")).unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages.saturating_mul(rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        hint::black_box,
        process::{Command, Stdio},
    };

    #[test]
    fn work_and_children_are_counted() {
        let before = Load::now();
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        while Load::now().cpu < before.cpu + Duration::from_millis(30) {
            black_box((0..100_000_u64).sum::<u64>());
        }
        let after = Load::now();
        assert!(after.percent_since(&before) > 0);
        assert!(after.child_memory > 0);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
