//! What processes have used so far, as the kernel counts it: memory and
//! processor time.

use heim_tests::process::Process;
use std::{fs, time::Duration};

/// Ticks in a second in `/proc`, for programs on every architecture that
/// heim-media is built for.
const TICKS_PER_SECOND: u32 = 100;

/// What of a process is in memory now.
pub(crate) fn resident_kib(process: &Process) -> u32 {
    status(process, "VmRSS:")
}

/// Most of a process that was ever in memory at once.
pub(crate) fn resident_max_kib(process: &Process) -> u32 {
    status(process, "VmHWM:")
}

fn status(process: &Process, field: &str) -> u32 {
    let text = read(&process.pid().as_raw_nonzero().to_string(), "status");
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.expect("the kernel tells it of every process")
}

/// Processor time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor {
    /// Of all coordinators together.
    pub(crate) coordinators: Duration,
    /// Of this process, which is all clients.
    pub(crate) clients: Duration,
}

impl Processor {
    /// What was used so far.
    pub(crate) fn so_far(coordinators: &[Process]) -> Self {
        let used = |process: &Process| used(&process.pid().as_raw_nonzero().to_string());
        Self { coordinators: coordinators.iter().map(used).sum(), clients: self::used("self") }
    }

    /// What was used since.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            coordinators: self.coordinators.saturating_sub(earlier.coordinators),
            clients: self.clients.saturating_sub(earlier.clients),
        }
    }
}

/// User and system time: the 14th and 15th field. The second is a name in
/// parentheses, and may hold anything.
fn used(process: &str) -> Duration {
    let text = read(process, "stat");
    let (_, fields) = text.rsplit_once(") ").expect("every process has a name");
    let times = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u32>().expect("times are numbers"));
    Duration::from_secs(1) * times.sum() / TICKS_PER_SECOND
}

fn read(process: &str, file: &str) -> String {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
