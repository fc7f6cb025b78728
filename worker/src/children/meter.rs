//! What a child takes for one file, counted from outside: a child that lies or
//! is killed has a cost, too.

use std::{fs, time::Duration};

/// What one file took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// User and system time.
    pub cpu: Duration,
    /// The most bytes of memory that the child had at a time, with its program
    /// and what it keeps from file to file. Where the kernel does not let it be
    /// counted anew for each file: the most since it was started.
    pub memory_max: u64,
}

/// Counts from when it is started.
#[derive(Debug)]
pub(super) struct Meter {
    folder: String,
    begun: Option<Duration>,
}

impl Meter {
    pub(super) fn start(process: u32) -> Self {
        let folder = format!("/proc/{process}");
        // Resets the peak, by proc(5); refused to whoever may not trace the child.
        let _ = fs::write(format!("{folder}/clear_refs"), "5");
        let begun = cpu(&folder);
        Self { folder, begun }
    }

    /// What was taken since then; `None` where the child is gone, or the kernel
    /// keeps no such accounts.
    pub(super) fn read(&self) -> Option<Spent> {
        let cpu = cpu(&self.folder)?.saturating_sub(self.begun?);
        Some(Spent { cpu, memory_max: memory_max(&self.folder)? })
    }
}

/// Of its first thread, which is its only one. In nanoseconds; `stat` counts in
/// hundredths of a second.
fn cpu(folder: &str) -> Option<Duration> {
    let text = fs::read_to_string(format!("{folder}/schedstat")).ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

fn memory_max(folder: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("{folder}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn what_is_done_meanwhile_is_counted() {
        let meter = Meter::start(std::process::id());
        let memory = black_box(vec![1_u8; 64 << 20]);
        assert!(meter.read().is_some_and(|spent| spent.memory_max > 64 << 20));
        drop(memory);
        assert_eq!(Meter::start(u32::MAX).read(), None);
    }
}
