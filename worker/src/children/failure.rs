//! How pixel work ends badly, in the pool's words.

use super::last_words::Death;
use heim_common::job::Reason;
use rustix::process::Signal;

/// Why a file's pixels were not made.
#[derive(Debug, thiserror::Error)]
pub enum PixelFailure {
    /// The child looked at the file and said no. It lives on, unless it has decoded some
    /// of it.
    #[error("the pixel child refused the file ({}): {detail:?}", reason.as_str())]
    Refused {
        /// Why.
        reason: Reason,
        /// The child's own words.
        detail: String,
    },
    /// The file took longer than it may; its child was killed.
    #[error("the pixel child was killed at the deadline")]
    OutOfTime,
    /// The child died.
    #[error("the pixel child died: {0}")]
    Died(Death),
    /// The child said what cannot be; it was killed.
    #[error("the pixel child broke the protocol: {0}")]
    Lied(String),
    /// No child could be started.
    #[error("no pixel child could be started")]
    NotStarted,
    /// The kernel refused what the pool needs: memory, a wait, a kill.
    #[error("asking the kernel for what pixel work needs")]
    System(#[source] std::io::Error),
    /// The pool was stopped, or the work was dropped.
    #[error("the pixel work was called off")]
    CalledOff,
}

/// Signals by which people and supervisors stop processes. A decoder that goes
/// wrong dies of others, so these don't speak against the file.
const ASKED_TO_STOP: [Signal; 3] = [Signal::HUP, Signal::INT, Signal::TERM];

impl PixelFailure {
    /// What the child died of, or was killed for, if that was its own doing.
    #[must_use]
    pub(super) fn death(&self) -> Option<&'static str> {
        match self {
            Self::OutOfTime => Some("deadline"),
            Self::Lied(_) => Some("lied"),
            Self::Died(death) => Some(death.cause()),
            Self::Refused { .. } | Self::NotStarted | Self::System(_) | Self::CalledOff => None,
        }
    }

    /// The word for the verdict.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused { reason, .. } => *reason,
            Self::OutOfTime => Reason::TooCostly,
            Self::Died(death) if death.is_by(Signal::XCPU) => Reason::TooCostly,
            Self::Died(death) if ASKED_TO_STOP.iter().any(|signal| death.is_by(*signal)) => Reason::Internal,
            Self::Died(_) | Self::Lied(_) => Reason::ChildDied,
            Self::NotStarted | Self::System(_) | Self::CalledOff => Reason::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    #[test]
    fn only_deaths_of_its_own_speak_against_a_file() {
        let death = |raw| Death { status: ExitStatus::from_raw(raw), words: String::new() };
        let reason = |raw| PixelFailure::Died(death(raw)).reason();
        assert_eq!(reason(11), Reason::ChildDied);
        assert_eq!(reason(9), Reason::ChildDied);
        assert_eq!(reason(101 << 8), Reason::ChildDied);
        assert_eq!(reason(31), Reason::ChildDied);
        assert_eq!(reason(24), Reason::TooCostly);
        assert_eq!(reason(15), Reason::Internal);
        assert_eq!(reason(2), Reason::Internal);
    }
}
