//! What Redis takes, looked at the whole time.

use heim_tests::redis::{Info, Redis};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio_util::sync::{CancellationToken, DropGuard};

const LOOK: Duration = Duration::from_millis(200);

/// The most that was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peak {
    /// What it has asked for, in bytes. Redis keeps this peak itself, also
    /// between two looks.
    pub(crate) used: u64,
    /// What the process has of the machine's memory, in bytes.
    pub(crate) resident: u64,
    looks: u32,
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { used, resident, looks } = self;
        write!(f, "at most {used} bytes used, {resident} resident, in {looks} looks")
    }
}

/// Looks until it is dropped.
pub(crate) struct Memory {
    peak: Arc<Mutex<Peak>>,
    _watching: DropGuard,
}

impl Memory {
    pub(crate) fn watch(redis: &Redis) -> Self {
        let (peak, stop) = (Arc::new(Mutex::new(Peak::default())), CancellationToken::new());
        let (seen, stopped, info) = (Arc::clone(&peak), stop.clone(), redis.info());
        thread::spawn(move || {
            while !stopped.is_cancelled() {
                look(info, &seen);
                thread::sleep(LOOK);
            }
        });
        Self { peak, _watching: stop.drop_guard() }
    }

    pub(crate) fn peak(&self) -> Peak {
        *self.peak.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With a last look.
    pub(crate) fn end(self, redis: &Redis) -> Peak {
        look(redis.info(), &self.peak);
        self.peak()
    }
}

fn look(info: Info, peak: &Mutex<Peak>) {
    let [used, resident] = ["used_memory_peak", "used_memory_rss"].map(|field| info.number("memory", field));
    let mut peak = peak.lock().unwrap_or_else(PoisonError::into_inner);
    *peak = Peak { used: used.max(peak.used), resident: resident.max(peak.resident), looks: peak.looks + 1 };
}
