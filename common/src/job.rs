//! Jobs: what Redis carries, how an attempt can end, and why.

use crate::{JobId, media::UnknownWord};
use serde::{Deserialize, Serialize};
use std::{str::FromStr, time::Duration};

/// The kind of every job so far. Kinds are for ever.
pub const KIND_TRANSCODE: &str = "transcode";

/// All that the transport ever carries of a job: its id. The row is the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRef {
    /// Version of this payload's form.
    pub v: u8,
    /// Which job.
    pub id: JobId,
}

impl JobRef {
    /// The version that this release writes.
    pub const VERSION: u8 = 1;

    /// The payload that stands for the job.
    #[must_use]
    pub fn new(id: JobId) -> Self {
        Self { v: Self::VERSION, id }
    }
}

macro_rules! words {
    ($name:ident: $($word:literal = $variant:ident),+ $(,)?) => {
        impl $name {
            /// Every one, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in rows and on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord(word.to_owned())),
                }
            }
        }
    };
}

pub(crate) use words;

/// Which queue a job waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Somebody is looking at the placeholder.
    Interactive,
    /// Large or animated work.
    Bulk,
    /// Work over what is already there.
    Backfill,
}

words!(Lane: "interactive" = Interactive, "bulk" = Bulk, "backfill" = Backfill);

/// Where a job is in its life.
///
/// ```text
/// pending ──claim──▶ running ──done──────▶ done
///    ▲                 │ │└────discard───▶ failed
///    └─retry, snooze,──┘ └─failures at the limit─▶ failed
///      lease run out
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Waits for a worker, perhaps until its `run_after`.
    Pending,
    /// A worker holds its lease.
    Running,
    /// Every transcoding is registered.
    Done,
    /// Given up for the job's `reason`.
    Failed,
}

words!(JobState: "pending" = Pending, "running" = Running, "done" = Done, "failed" = Failed);

/// Why an attempt ended badly or a media object failed. A closed list: people
/// are told its sentences, programs its codes. What a later release adds to it
/// reads as [`Self::Internal`] on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The upload was larger than allowed.
    TooLarge,
    /// The upload handle expired before anything came.
    NeverUploaded,
    /// The content is of no type that is decoded here.
    UnsupportedType,
    /// A transcoding of a type is asked for that this worker's build cannot write.
    UnsupportedOutput,
    /// The decoder found the content damaged or cut short.
    Damaged,
    /// More pixels than the limit.
    TooManyPixels,
    /// More time or memory than the limit.
    TooCostly,
    /// The pixel child died; which file is to blame is not known yet.
    ChildDied,
    /// The pixel child died of this file again and again.
    Poison,
    /// The store has no such object.
    OriginalLost,
    /// The store has it, but not as it was uploaded: it does not open with its
    /// key any more, or has another SHA-256.
    OriginalAltered,
    /// The store did not answer.
    StoreUnavailable,
    /// The keys of a private room could not be had.
    KeysUnavailable,
    /// The coordinator did not answer.
    CoordinatorUnavailable,
    /// The worker's lease ran out.
    WorkerLost,
    /// An operator gave it up.
    Discarded,
    /// The worker failed in a way that it has no word for.
    #[serde(other)]
    Internal,
}

words!(Reason:
    "too-large" = TooLarge,
    "never-uploaded" = NeverUploaded,
    "unsupported-type" = UnsupportedType,
    "unsupported-output" = UnsupportedOutput,
    "damaged" = Damaged,
    "too-many-pixels" = TooManyPixels,
    "too-costly" = TooCostly,
    "child-died" = ChildDied,
    "poison" = Poison,
    "original-lost" = OriginalLost,
    "original-altered" = OriginalAltered,
    "store-unavailable" = StoreUnavailable,
    "keys-unavailable" = KeysUnavailable,
    "coordinator-unavailable" = CoordinatorUnavailable,
    "worker-lost" = WorkerLost,
    "discarded" = Discarded,
    "internal" = Internal,
);

impl Reason {
    /// Whether it is a fault on our side, so that an operator has something to do: the file
    /// is not to blame, or has shown that a decoder is.
    #[must_use]
    pub fn is_ours(self) -> bool {
        match self {
            Self::UnsupportedOutput
            | Self::Poison
            | Self::OriginalLost
            | Self::OriginalAltered
            | Self::StoreUnavailable
            | Self::KeysUnavailable
            | Self::CoordinatorUnavailable
            | Self::WorkerLost
            | Self::Internal => true,
            Self::TooLarge
            | Self::NeverUploaded
            | Self::UnsupportedType
            | Self::Damaged
            | Self::TooManyPixels
            | Self::TooCostly
            | Self::ChildDied
            | Self::Discarded => false,
        }
    }

    /// The sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "This file is larger than allowed.",
            Self::NeverUploaded => "This file was never uploaded.",
            Self::UnsupportedType => "This file is not a picture of a kind that can be shown here.",
            Self::Damaged => "This picture is damaged or incomplete.",
            Self::TooManyPixels => "This picture has too many pixels.",
            Self::TooCostly => "This picture takes too long to process.",
            Self::ChildDied | Self::Poison => "This picture could not be processed.",
            Self::Discarded => "This picture was given up by whoever runs this service.",
            Self::OriginalLost => "The uploaded file is no longer there.",
            Self::OriginalAltered => "The uploaded file was damaged while it was stored.",
            Self::UnsupportedOutput
            | Self::StoreUnavailable
            | Self::KeysUnavailable
            | Self::CoordinatorUnavailable
            | Self::WorkerLost
            | Self::Internal => "This picture could not be processed because of a fault on our side.",
        }
    }
}

/// How a worker says that an attempt ended. What a later release adds to it reads
/// as [`Self::UNKNOWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", from = "Said")]
pub enum Verdict {
    /// Everything is registered.
    Done,
    /// It may go better another time; counts as a failure.
    Retry {
        /// What went wrong.
        reason: Reason,
    },
    /// Not the job's fault (shutdown, back-pressure, an outage); counts as
    /// nothing.
    Snooze {
        /// How long the job should rest at least.
        after_ms: u64,
        /// What is away, if something is: then the pauses grow from one to the
        /// next, and have an end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// It will never go better.
    Discard {
        /// What is wrong with it.
        reason: Reason,
    },
}

impl Verdict {
    /// Of a job that this release can say nothing about: it rests until one comes
    /// by that can.
    pub const UNKNOWN: Self = Self::Snooze { after_ms: 5_000, reason: None };
}

/// [`Verdict`], as another release may say it.
#[derive(Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
enum Said {
    Done,
    Retry {
        reason: Reason,
    },
    Snooze {
        after_ms: u64,
        #[serde(default)]
        reason: Option<Reason>,
    },
    Discard {
        reason: Reason,
    },
    #[serde(other)]
    Else,
}

impl From<Said> for Verdict {
    fn from(said: Said) -> Self {
        match said {
            Said::Done => Self::Done,
            Said::Retry { reason } => Self::Retry { reason },
            Said::Snooze { after_ms, reason } => Self::Snooze { after_ms, reason },
            Said::Discard { reason } => Self::Discard { reason },
            Said::Else => Self::UNKNOWN,
        }
    }
}

/// When a failing job is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Failures after which the job is discarded with its last reason.
    pub failures_max: u32,
    /// Deaths of a pixel child after which the file is [`Reason::Poison`].
    pub deaths_max: u32,
    /// How long a job is put off for what is away; then it is discarded with
    /// that reason.
    pub away_max: Duration,
}

/// What becomes of a job whose attempt ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Again, after a backoff.
    Again,
    /// Never again.
    GiveUp(Reason),
}

impl Attempts {
    /// Decides by the counts that include the failure at hand.
    #[must_use]
    pub fn after(&self, reason: Reason, failures: u32, deaths: u32) -> AfterFailure {
        if deaths >= self.deaths_max {
            AfterFailure::GiveUp(Reason::Poison)
        } else if failures >= self.failures_max {
            AfterFailure::GiveUp(reason)
        } else {
            AfterFailure::Again
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for lane in Lane::ALL {
            assert_eq!(serde_json::to_value(lane).unwrap(), lane.as_str());
        }
        assert!("bored".parse::<Reason>().is_err());
    }

    #[test]
    fn payload_is_an_id_and_nothing_else() {
        let job = JobRef::new("0c1ofy7941g5c".parse().unwrap());
        assert_eq!(serde_json::to_string(&job).unwrap(), r#"{"v":1,"id":"0c1ofy7941g5c"}"#);
    }

    #[test]
    fn verdicts_have_their_wire_form() {
        let discard = Verdict::Discard { reason: Reason::Damaged };
        let text = serde_json::to_string(&discard).unwrap();
        assert_eq!(text, r#"{"verdict":"discard","reason":"damaged"}"#);
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), discard);
        let snooze = Verdict::Snooze { after_ms: 5, reason: None };
        assert_eq!(serde_json::to_string(&snooze).unwrap(), r#"{"verdict":"snooze","after_ms":5}"#);
        assert_eq!(serde_json::from_str::<Verdict>(r#"{"verdict":"snooze","after_ms":5}"#).unwrap(), snooze);
    }

    #[test]
    fn the_third_death_is_poison_and_the_last_failure_keeps_its_reason() {
        let attempts = Attempts { failures_max: 5, deaths_max: 3, away_max: Duration::ZERO };
        assert_eq!(attempts.after(Reason::ChildDied, 2, 2), AfterFailure::Again);
        assert_eq!(attempts.after(Reason::ChildDied, 3, 3), AfterFailure::GiveUp(Reason::Poison));
        assert_eq!(attempts.after(Reason::StoreUnavailable, 4, 0), AfterFailure::Again);
        assert_eq!(attempts.after(Reason::StoreUnavailable, 5, 0), AfterFailure::GiveUp(Reason::StoreUnavailable));
    }
}
