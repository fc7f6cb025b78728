//! How pixel work ends badly, in the pool's words.

use heim_common::job::Reason;
use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

/// Why a file's pixels were not made.
#[derive(Debug, thiserror::Error)]
pub enum PixelFailure {
    /// The child looked at the file and said no. The child lives on.
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
    #[error("the pixel child died: {status}")]
    Died {
        /// How.
        status: ExitStatus,
    },
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
const ASKED_TO_STOP: [i32; 3] = [
    rustix::process::Signal::HUP.as_raw(),
    rustix::process::Signal::INT.as_raw(),
    rustix::process::Signal::TERM.as_raw(),
];

impl PixelFailure {
    /// The word for the verdict.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused { reason, .. } => *reason,
            Self::OutOfTime => Reason::TooCostly,
            Self::Died { status } if status.signal().is_some_and(|signal| ASKED_TO_STOP.contains(&signal)) => {
                Reason::Internal
            }
            Self::Died { .. } | Self::Lied(_) => Reason::ChildDied,
            Self::NotStarted | Self::System(_) | Self::CalledOff => Reason::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deaths_of_its_own_speak_against_a_file() {
        let reason = |raw| PixelFailure::Died { status: ExitStatus::from_raw(raw) }.reason();
        assert_eq!(reason(11), Reason::ChildDied);
        assert_eq!(reason(9), Reason::ChildDied);
        assert_eq!(reason(101 << 8), Reason::ChildDied);
        assert_eq!(reason(15), Reason::Internal);
        assert_eq!(reason(2), Reason::Internal);
    }
}
