//! What a coordinator counts. Labels are words of closed lists: never a room, an
//! agent or a media object. `docs/operations/telemetry.md` is the operators' page
//! of it.

mod list;

pub use list::MEASURES;

use heim_common::{
    Millis,
    job::{Lane, Reason, Verdict},
    problem::Code,
};
use heim_runtime::probe;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// What a part is that can fail.
const PARTS: [&str; 3] = ["database", "queue", "store"];

/// Begins with zeros, so that the first time is seen as an increase. A sweep that
/// never goes well is as old as this start.
pub(crate) fn begin(now: Millis) {
    gauge!("heim_coordinator_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for name in ["heim_upload_bytes_total", "heim_download_bytes_total", "heim_sockets_opened_total"] {
        counter!(name).absolute(0);
    }
    for name in ["heim_job_leases_lost_total", "heim_media_objects_removed_total", "heim_store_lost_total"] {
        counter!(name).absolute(0);
    }
    for name in ["heim_sockets", "heim_rooms", "heim_dispatch_failing", "heim_queue_evicts"] {
        gauge!(name).set(0.0);
    }
    for lane in Lane::ALL {
        let _ = histogram!("heim_job_wait_seconds", "lane" => lane.as_str());
        counter!("heim_jobs_arrived_total", "lane" => lane.as_str()).absolute(0);
        counter!("heim_jobs_redispatched_total", "lane" => lane.as_str()).absolute(0);
    }
    verdicts("done", NONE, 0);
    verdicts("snooze", NONE, 0);
    counter!("heim_jobs_ended_total", "end" => "done", "reason" => NONE).absolute(0);
    for reason in Reason::ALL {
        for verdict in ["retry", "snooze", "discard"] {
            verdicts(verdict, reason.as_str(), 0);
        }
        counter!("heim_jobs_ended_total", "end" => "failed", "reason" => reason.as_str()).absolute(0);
    }
    for code in Code::ALL.iter().filter(|code| code.status() >= 500) {
        counter!("heim_requests_failed_total", "code" => code.as_str()).absolute(0);
        counter!("heim_uploads_total", "outcome" => code.as_str()).absolute(0);
        counter!("heim_downloads_total", "outcome" => code.as_str()).absolute(0);
    }
    for outcome in ["stored", BROKEN_OFF] {
        counter!("heim_uploads_total", "outcome" => outcome).absolute(0);
    }
    for outcome in ["whole", "part", "unchanged", "redirected"] {
        counter!("heim_downloads_total", "outcome" => outcome).absolute(0);
    }
    for why in ["too-slow", "unread", "access-changed", "room-deleted"] {
        counter!("heim_sockets_ended_total", "why" => why).absolute(0);
    }
    for what in Swept::ALL {
        swept(*what, 0);
    }
    for name in SWEEPS {
        for outcome in [OK, FAILED] {
            counter!("heim_sweeps_total", "sweep" => name, "outcome" => outcome).absolute(0);
        }
        went_well(name, now);
    }
    for state in ["orphaned", "unfinished"] {
        counter!("heim_store_removed_total", "state" => state).absolute(0);
    }
}

/// The sweeps, and how one ends.
const SWEEPS: [&str; 5] = ["leases", "presence", "tidy", "retention", "reconcile"];
const OK: &str = "ok";
const FAILED: &str = "failed";
/// The label of what has no reason.
const NONE: &str = "none";
/// How an upload ended whose client went away.
const BROKEN_OFF: &str = "broken-off";

fn verdicts(verdict: &'static str, reason: &'static str, more: u64) {
    counter!("heim_job_verdicts_total", "verdict" => verdict, "reason" => reason).increment(more);
}

/// An attempt has ended.
pub(crate) fn ended(verdict: Verdict) {
    let (verdict, reason) = match verdict {
        Verdict::Done => ("done", None),
        Verdict::Retry { reason } => ("retry", Some(reason)),
        Verdict::Snooze { reason, .. } => ("snooze", reason),
        Verdict::Discard { reason } => ("discard", Some(reason)),
    };
    verdicts(verdict, reason.map_or(NONE, Reason::as_str), 1);
}

/// A worker fell silent.
pub(crate) fn lease_lost() {
    counter!("heim_job_leases_lost_total").increment(1);
    ended(Verdict::Retry { reason: Reason::WorkerLost });
}

/// A job has ended; with a reason, it has failed.
pub(crate) fn job_ended(reason: Option<Reason>) {
    let end = if reason.is_none() { "done" } else { "failed" };
    counter!("heim_jobs_ended_total", "end" => end, "reason" => reason.map_or(NONE, Reason::as_str)).increment(1);
}

/// A job was claimed that had waited for so long.
pub(crate) fn waited(lane: Lane, time: Duration) {
    histogram!("heim_job_wait_seconds", "lane" => lane.as_str()).record(time);
}

/// An upload that is under way; one that is dropped before its end was broken off.
pub(crate) struct Upload(&'static str);

impl Upload {
    pub(crate) fn begin() -> Self {
        Self(BROKEN_OFF)
    }

    pub(crate) fn end(mut self, failure: Option<Code>) {
        self.0 = failure.map_or("stored", Code::as_str);
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        counter!("heim_uploads_total", "outcome" => self.0).increment(1);
    }
}

/// A download was answered in this way.
pub(crate) fn downloaded(outcome: &'static str) {
    counter!("heim_downloads_total", "outcome" => outcome).increment(1);
}

/// A socket that is open until this is dropped.
pub(crate) struct Socket(());

impl Socket {
    pub(crate) fn open() -> Self {
        counter!("heim_sockets_opened_total").increment(1);
        gauge!("heim_sockets").increment(1.0);
        Self(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        gauge!("heim_sockets").decrement(1.0);
    }
}

/// What a sweep can do something about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Swept {
    /// A job was taken away from a worker that fell silent.
    Lease,
    /// A session of a coordinator that died was ended.
    Session,
    /// An upload handle that nobody used was ended.
    Handle,
    /// The row of a job that ended long ago was removed.
    Job,
    /// A deleted room was removed.
    Room,
    /// A media object that nobody is shown was given up.
    MediaObject,
    /// A deleted message was removed.
    Message,
    /// A file of what was given up was removed.
    File,
}

impl Swept {
    const ALL: &[Self] = &[
        Self::Lease,
        Self::Session,
        Self::Handle,
        Self::Job,
        Self::Room,
        Self::MediaObject,
        Self::Message,
        Self::File,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Session => "session",
            Self::Handle => "handle",
            Self::Job => "job",
            Self::Room => "room",
            Self::MediaObject => "media-object",
            Self::Message => "message",
            Self::File => "file",
        }
    }
}

/// So many more were removed or mended.
pub(crate) fn swept(what: Swept, more: u64) {
    counter!("heim_swept_total", "what" => what.as_str()).increment(more);
}

/// A sweep has ended.
pub(crate) fn sweep(name: &'static str, is_ok: bool, now: Millis) {
    let outcome = if is_ok { OK } else { FAILED };
    counter!("heim_sweeps_total", "sweep" => name, "outcome" => outcome).increment(1);
    if is_ok {
        went_well(name, now);
    }
}

fn went_well(name: &'static str, now: Millis) {
    let seconds = precise(now.seconds().unsigned_abs());
    gauge!("heim_sweep_last_success_timestamp_seconds", "sweep" => name).set(seconds);
}

/// How the parts are, each in a word.
pub(crate) fn parts(words: [&'static str; 3]) {
    for (part, word) in PARTS.into_iter().zip(words) {
        gauge!("heim_part_failing", "part" => part).set(f64::from(u8::from(word != probe::OK)));
    }
}

/// What a gauge says of a count.
pub(crate) fn precise(count: u64) -> f64 {
    // Counts are far below the 53 bits that are exact.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows and bytes are far below 2^53")]
    let precise = count as f64;
    precise
}
