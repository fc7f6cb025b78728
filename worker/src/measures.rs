//! What a worker counts. Labels are words of closed lists.
//! `docs/operations/telemetry.md` is the operators' page of it.

use crate::{
    children::{DEATHS, Spent, Standing, Walls},
    coordinator::CallError,
};
use heim_common::job::Verdict;
use heim_runtime::measure::{Kind, Measure};
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// A thumbnail takes 50 ms, what is just below every limit 20 s.
const TIMES: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 60.0];
/// From a child that has done nothing yet to its wall.
const BYTES: &[f64] = &[
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    201_326_592.0,
    268_435_456.0,
    402_653_184.0,
    536_870_912.0,
    805_306_368.0,
    1_073_741_824.0,
    1_610_612_736.0,
];

const fn counts(name: &'static str, meaning: &'static str) -> Measure {
    Measure { name, kind: Kind::Counter, meaning }
}

const fn is(name: &'static str, meaning: &'static str) -> Measure {
    Measure { name, kind: Kind::Gauge, meaning }
}

const fn spreads(name: &'static str, buckets: &'static [f64], meaning: &'static str) -> Measure {
    Measure { name, kind: Kind::Histogram(buckets), meaning }
}

/// All of it.
pub const MEASURES: &[Measure] = &[
    is("heim_worker_info", "1, with the version of this worker."),
    is("heim_worker_slots", "Jobs that this worker does at a time."),
    is("heim_worker_busy", "Jobs that this worker does now."),
    spreads("heim_attempt_seconds", TIMES, "How long an attempt took, from the claim to the verdict."),
    spreads("heim_stage_seconds", TIMES, "How long a stage of an attempt took."),
    counts("heim_worker_bytes_total", "Bytes of originals that were fetched, and of transcodings that were stored."),
    counts("heim_worker_leases_lost_total", "Attempts whose lease was lost."),
    counts("heim_worker_calls_failed_total", "Calls to the coordinator that were not answered with success."),
    spreads("heim_child_memory_bytes", BYTES, "The most memory that a pixel child had while it worked on one file."),
    spreads("heim_child_cpu_seconds", TIMES, "CPU time that a pixel child took for one file."),
    counts("heim_children_started_total", "Pixel children that were started."),
    counts("heim_child_deaths_total", "Pixel children that died or had to be killed, and of what."),
    is("heim_child_wall_up", "1 where the wall is up around the pixel children, else 0."),
];

/// The stages of an attempt. `put` and `register` come once for each transcoding,
/// the others once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Claim,
    Fetch,
    Pixels,
    Put,
    Register,
    Finish,
}

impl Stage {
    const ALL: [Self; 6] = [Self::Claim, Self::Fetch, Self::Pixels, Self::Put, Self::Register, Self::Finish];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Fetch => "fetch",
            Self::Pixels => "pixels",
            Self::Put => "put",
            Self::Register => "register",
            Self::Finish => "finish",
        }
    }
}

/// The label of an attempt of which nobody wants to hear a verdict.
const LEASE_LOST: &str = "lease-lost";
/// Calls to the coordinator, and how they fail.
const CALLS: [&str; 4] = ["claim", "heartbeat", "register", "finish"];
const FAILURES: [&str; 4] = ["unreachable", "unavailable", "refused", "unreadable"];

/// Begins with zeros, so that the first time is seen as an increase.
pub(crate) fn begin(slots: usize, walls: &Walls) {
    gauge!("heim_worker_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("heim_worker_slots").set(f64::from(u32::try_from(slots).unwrap_or(u32::MAX)));
    gauge!("heim_worker_busy").set(0.0);
    for verdict in ["done", "retry", "snooze", "discard", LEASE_LOST] {
        let _ = histogram!("heim_attempt_seconds", "verdict" => verdict);
    }
    for stage in Stage::ALL {
        let _ = histogram!("heim_stage_seconds", "stage" => stage.as_str());
    }
    for name in ["heim_child_memory_bytes", "heim_child_cpu_seconds"] {
        let _ = histogram!(name);
    }
    for bytes in ["fetched", "stored"] {
        counter!("heim_worker_bytes_total", "bytes" => bytes).absolute(0);
    }
    for name in ["heim_worker_leases_lost_total", "heim_children_started_total"] {
        counter!(name).absolute(0);
    }
    for (call, why) in CALLS.iter().flat_map(|call| FAILURES.map(|why| (*call, why))) {
        counter!("heim_worker_calls_failed_total", "call" => call, "why" => why).absolute(0);
    }
    for cause in DEATHS {
        counter!("heim_child_deaths_total", "cause" => *cause).absolute(0);
    }
    for (wall, standing) in walls.iter() {
        let up = f64::from(u8::from(matches!(standing, Standing::Up(_))));
        gauge!("heim_child_wall_up", "wall" => wall.as_str()).set(up);
    }
}

/// A stage took so long.
pub(crate) fn took(stage: Stage, time: Duration) {
    histogram!("heim_stage_seconds", "stage" => stage.as_str()).record(time);
}

/// An attempt took so long, and ended with this verdict.
pub(crate) fn attempt(verdict: Option<Verdict>, time: Duration) {
    let verdict = match verdict {
        Some(Verdict::Done) => "done",
        Some(Verdict::Retry { .. }) => "retry",
        Some(Verdict::Snooze { .. }) => "snooze",
        Some(Verdict::Discard { .. }) => "discard",
        None => {
            counter!("heim_worker_leases_lost_total").increment(1);
            LEASE_LOST
        }
    };
    histogram!("heim_attempt_seconds", "verdict" => verdict).record(time);
}

/// So many bytes of an original were fetched.
pub(crate) fn fetched(bytes: u64) {
    counter!("heim_worker_bytes_total", "bytes" => "fetched").increment(bytes);
}

/// So many bytes of a transcoding were stored.
pub(crate) fn stored(bytes: u64) {
    counter!("heim_worker_bytes_total", "bytes" => "stored").increment(bytes);
}

/// A job that is in work until this is dropped.
pub(crate) struct Busy(());

impl Busy {
    pub(crate) fn begin() -> Self {
        gauge!("heim_worker_busy").increment(1.0);
        Self(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        gauge!("heim_worker_busy").decrement(1.0);
    }
}

/// A call to the coordinator failed. That a job is somebody else's is an answer.
pub(crate) fn call_failed(call: &'static str, error: &CallError) {
    let why = match error {
        CallError::Unreachable(_) => "unreachable",
        CallError::Unavailable(_) => "unavailable",
        CallError::Refused(_) | CallError::Conflict => "refused",
        CallError::Unreadable | CallError::Foreign(_) => "unreadable",
        CallError::NotYours | CallError::LeaseLost | CallError::Gone => return,
    };
    counter!("heim_worker_calls_failed_total", "call" => call, "why" => why).increment(1);
}

/// A pixel child was started.
pub(crate) fn child_started() {
    counter!("heim_children_started_total").increment(1);
}

/// A pixel child died, or had to be killed.
pub(crate) fn child_died(cause: &'static str) {
    counter!("heim_child_deaths_total", "cause" => cause).increment(1);
}

/// A pixel child took this for one file.
pub(crate) fn child_took(spent: &Spent) {
    // Far below the 53 bits that are exact.
    #[expect(clippy::cast_precision_loss, reason = "nobody has petabytes of memory")]
    let bytes = spent.memory_max as f64;
    histogram!("heim_child_memory_bytes").record(bytes);
    histogram!("heim_child_cpu_seconds").record(spent.cpu);
}
