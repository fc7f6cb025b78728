//! How an attempt goes wrong, and what follows from it. The one table of
//! verdicts: no other place decides between retry, snooze and discard.

use crate::{children::PixelFailure, coordinator::CallError};
use heim_common::{
    job::{Reason, Verdict},
    spec::OutputType,
};
use heim_store::StoreError;

/// How long a job rests at least that was handed back because of the coordinator,
/// or of this worker's build.
const SNOOZE_MS: u64 = 5_000;
/// The same, because of the store; it grows from one snooze to the next.
const STORE_SNOOZE_MS: u64 = 500;

/// Named by what was attempted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the original has {size} bytes, more than this worker takes")]
    TooLarge { size: u64 },
    #[error("reading the original")]
    Read(#[source] StoreError),
    #[error("the original has {found} bytes in the store and {expected} in its row")]
    WrongSize { found: u64, expected: u64 },
    #[error("the original in the store is not what was uploaded: its SHA-256 is another")]
    WrongBytes,
    #[error("taking memory for the original")]
    Memory(#[source] std::io::Error),
    #[error("making the pixels")]
    Pixels(#[source] PixelFailure),
    #[error("this worker's build writes no {}", .0.content_type())]
    CannotWrite(OutputType),
    #[error("storing a transcoding")]
    Put(#[source] StoreError),
    #[error("registering a transcoding")]
    Register(#[source] CallError),
    #[error("the worker is stopping")]
    Stopping,
    #[error("the lease was lost")]
    LeaseLost,
}

impl Trouble {
    /// What to tell the coordinator; `None` where it has no more to hear,
    /// because the job is somebody else's.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let discard = |reason| Some(Verdict::Discard { reason });
        let retry = |reason| Some(Verdict::Retry { reason });
        let snooze = |after_ms, reason| Some(Verdict::Snooze { after_ms, reason });
        match self {
            Self::TooLarge { .. } => discard(Reason::TooCostly),
            Self::Read(error) if error.is_not_found() => discard(Reason::OriginalLost),
            // Where a bit fell over on the way, another fetch brings the right one.
            Self::WrongBytes => retry(Reason::OriginalAltered),
            Self::Read(error) if error.is_tampered() => retry(Reason::OriginalAltered),
            // `Gone`: the media object was deleted meanwhile.
            Self::WrongSize { .. } | Self::Register(CallError::Gone) => discard(Reason::OriginalLost),
            // Away, overloaded, full: an outage is no fault of the file's.
            Self::Read(_) | Self::Put(_) => snooze(STORE_SNOOZE_MS, Some(Reason::StoreUnavailable)),
            Self::Pixels(failure) => match failure.reason() {
                reason @ (Reason::UnsupportedType | Reason::Damaged | Reason::TooManyPixels | Reason::TooCostly) => {
                    discard(reason)
                }
                reason => retry(reason),
            },
            // Another worker's build may; where there is none, the coordinator
            // gives it up after a day, for this reason.
            Self::CannotWrite(_) => snooze(SNOOZE_MS, Some(Reason::UnsupportedOutput)),
            Self::Register(CallError::LeaseLost | CallError::NotYours) | Self::LeaseLost => None,
            Self::Register(error) if error.is_transient() => snooze(SNOOZE_MS, Some(Reason::CoordinatorUnavailable)),
            Self::Memory(_) | Self::Register(_) => retry(Reason::Internal),
            Self::Stopping => snooze(0, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::Death;
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    fn pixels(failure: PixelFailure) -> Option<Verdict> {
        Trouble::Pixels(failure).verdict()
    }

    #[test]
    fn a_bad_file_is_discarded_and_a_dead_child_is_not_its_last_word() {
        let refused = |reason| pixels(PixelFailure::Refused { reason, detail: String::new() });
        for reason in [Reason::UnsupportedType, Reason::Damaged, Reason::TooManyPixels, Reason::TooCostly] {
            assert_eq!(refused(reason), Some(Verdict::Discard { reason }));
        }
        assert_eq!(refused(Reason::Internal), Some(Verdict::Retry { reason: Reason::Internal }));
        assert_eq!(pixels(PixelFailure::OutOfTime), Some(Verdict::Discard { reason: Reason::TooCostly }));
        let died = PixelFailure::Died(Death { status: ExitStatus::from_raw(11), words: String::new() });
        assert_eq!(pixels(died), Some(Verdict::Retry { reason: Reason::ChildDied }));
        let lied = PixelFailure::Lied(String::new());
        assert_eq!(pixels(lied), Some(Verdict::Retry { reason: Reason::ChildDied }));
    }

    #[test]
    fn what_is_not_the_files_fault_is_not_held_against_it() {
        assert_eq!(
            Trouble::Read(StoreError::NotFound).verdict(),
            Some(Verdict::Discard { reason: Reason::OriginalLost })
        );
        assert_eq!(
            Trouble::Read(StoreError::Tampered).verdict(),
            Some(Verdict::Retry { reason: Reason::OriginalAltered })
        );
        let down = Trouble::Put(StoreError::Broken).verdict();
        let snooze = |after_ms, reason| Some(Verdict::Snooze { after_ms, reason });
        assert_eq!(down, snooze(STORE_SNOOZE_MS, Some(Reason::StoreUnavailable)));
        assert_eq!(Trouble::Stopping.verdict(), snooze(0, None));
        let foreign = Trouble::CannotWrite(OutputType::Avif).verdict();
        assert_eq!(foreign, snooze(SNOOZE_MS, Some(Reason::UnsupportedOutput)));
        assert_eq!(Trouble::LeaseLost.verdict(), None);
        assert_eq!(Trouble::Register(CallError::LeaseLost).verdict(), None);
        let away = Trouble::Register(CallError::Unavailable(reqwest::StatusCode::BAD_GATEWAY));
        assert_eq!(away.verdict(), snooze(SNOOZE_MS, Some(Reason::CoordinatorUnavailable)));
    }
}
