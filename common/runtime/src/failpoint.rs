//! Failpoints: named places on the arrows of the state machine where a test can
//! have the process killed, frozen or held up.
//!
//! They exist only where the feature `failpoints` is on, which is the tests'
//! build and no other; elsewhere [`failpoint!`](crate::failpoint!) is nothing.
//! What is to happen is in the environment of the process:
//!
//! ```text
//! HEIM_MEDIA_FAILPOINTS = point=action[@n][,…]
//! action                = kill | stop | panic | delay:MS
//! ```
//! `@n` lets the point pass until it is reached for the n-th time, and happens
//! then only; without it, it happens every time.

use std::{fmt, str::FromStr, time::Duration};

/// The variable that says what happens at which point.
pub const VARIABLE: &str = "HEIM_MEDIA_FAILPOINTS";

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $word:literal = $variant:ident),+ $(,)?) => {
        /// A place where a process can be stopped on its way, by the arrow that
        /// it has just taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Point {
            /// Every one, in the order of a media object's life.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in [`VARIABLE`].
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl FromStr for Point {
            type Err = InvalidPlan;

            fn from_str(word: &str) -> Result<Self, InvalidPlan> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(InvalidPlan(word.to_owned())),
                }
            }
        }
    };
}

points! {
    /// Coordinator: the row of a media object is committed, its handle not given out.
    "media-created" = MediaCreated,
    /// Coordinator: a writer to the store is open, no byte is written.
    "upload-begun" = UploadBegun,
    /// Coordinator: the last byte has come, the object is not in the store.
    "upload-streamed" = UploadStreamed,
    /// Coordinator: the object is in the store, no row says so.
    "upload-stored" = UploadStored,
    /// Coordinator: row, event and job are committed, nothing is announced.
    "upload-committed" = UploadCommitted,
    /// Coordinator: the original is announced, the client has no answer.
    "upload-announced" = UploadAnnounced,
    /// Coordinator: jobs are noted as dispatched, the queue has not got them.
    "jobs-chosen" = JobsChosen,
    /// Coordinator: the queue has the jobs.
    "jobs-pushed" = JobsPushed,
    /// Worker: a job's id is popped, the job is not claimed.
    "job-popped" = JobPopped,
    /// Coordinator: a claim is committed, the worker does not know it.
    "claim-committed" = ClaimCommitted,
    /// Worker: a job is claimed, nothing is done.
    "job-claimed" = JobClaimed,
    /// Worker: the original is in memory.
    "original-fetched" = OriginalFetched,
    /// Worker: a transcoding is made, and in memory alone.
    "pixels-made" = PixelsMade,
    /// Worker: a transcoding is in the store, no row says so.
    "transcoding-put" = TranscodingPut,
    /// Coordinator: a transcoding is registered, and not announced.
    "registration-committed" = RegistrationCommitted,
    /// Coordinator: a transcoding is announced, the worker has no answer.
    "registration-announced" = RegistrationAnnounced,
    /// Worker: a transcoding is registered.
    "transcoding-registered" = TranscodingRegistered,
    /// Coordinator: a verdict is carried out, and not announced.
    "verdict-committed" = VerdictCommitted,
    /// Worker: its verdict is taken.
    "verdict-told" = VerdictTold,
    /// Coordinator: a job is taken from a lost worker, and nothing announced.
    "jobs-reaped" = JobsReaped,
    /// Coordinator: handles have expired, and nothing is announced.
    "handles-expired" = HandlesExpired,
    /// Coordinator: media objects are gone for everybody, their files are there.
    "media-released" = MediaReleased,
    /// Coordinator: the files of a media object are deleted, its row is there.
    "files-removed" = FilesRemoved,
    /// Coordinator: an object that no row names is removed, and still noted.
    "orphan-removed" = OrphanRemoved,
    /// `admin store migrate`: an object is in the second store, and not counted.
    "object-moved" = ObjectMoved,
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The process kills itself as `kill -9` would.
    Kill,
    /// The process freezes itself as `kill -STOP` would.
    Stop,
    /// The task panics.
    Panic,
    /// The task waits.
    Delay(Duration),
}

/// A part of [`VARIABLE`] that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPlan(String);

impl fmt::Display for InvalidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VARIABLE}: `{}` is no failpoint, action or count", self.0)
    }
}

impl std::error::Error for InvalidPlan {}

/// What is to happen at one point, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Where.
    pub point: Point,
    /// What.
    pub action: Action,
    /// The one time at which it happens, 1 for the first; every time if `None`.
    pub only: Option<u32>,
}

impl FromStr for Planned {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let invalid = || InvalidPlan(text.to_owned());
        let (point, rest) = text.split_once('=').ok_or_else(invalid)?;
        let (action, only) = match rest.split_once('@') {
            Some((action, count)) => (action, Some(count.parse().map_err(|_| invalid())?)),
            None => (rest, None),
        };
        let action = match action.split_once(':') {
            Some(("delay", ms)) => Action::Delay(Duration::from_millis(ms.parse().map_err(|_| invalid())?)),
            None if action == "kill" => Action::Kill,
            None if action == "stop" => Action::Stop,
            None if action == "panic" => Action::Panic,
            _ => return Err(invalid()),
        };
        Ok(Self { point: point.parse()?, action, only })
    }
}

/// Whether this build has failpoints: whether [`VARIABLE`] means anything to it.
#[must_use]
pub fn are_armed() -> bool {
    cfg!(feature = "failpoints")
}

/// Marks a place where a test can have the process killed, frozen or held up.
/// It is awaited within, so it stands in `async` code only.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! failpoint {
    ($point:ident) => {
        $crate::failpoint::reached($crate::failpoint::Point::$point).await
    };
}

/// Marks a place where a test can have the process killed, frozen or held up:
/// nothing in this build, which is without the feature `failpoints`.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! failpoint {
    ($point:ident) => {
        let _ = $crate::failpoint::Point::$point;
    };
}

/// Does what is planned for this point. Called by [`failpoint!`](crate::failpoint!).
///
/// # Panics
/// If that is what is planned, or the plan cannot be read.
#[cfg(feature = "failpoints")]
pub async fn reached(point: Point) {
    armed::reached(point).await;
}

/// What a file ends with that is to harm whoever decodes it, before one of the
/// words `panic`, `abort`, `crash`, `kill`, `spin` and `spin-2s`.
pub const PLANTED: &str = "heim-media-failpoint:";

/// Does what is planted in a file: how a decoder goes wrong, where a test wants
/// it. Nothing in a build without the feature `failpoints`.
///
/// # Panics
/// If that is what is planted.
pub fn planted(file: &[u8]) {
    #[cfg(feature = "failpoints")]
    armed::planted(file);
    #[cfg(not(feature = "failpoints"))]
    let _ = file;
}

#[cfg(feature = "failpoints")]
mod armed {
    use super::{Action, PLANTED, Planned, Point, VARIABLE};
    use rustix::process::{Signal, getpid, kill_process};
    use std::{
        sync::{
            LazyLock,
            atomic::{AtomicU32, Ordering},
        },
        time::{Duration, Instant},
    };

    /// The plan of this process, with how often each place was reached.
    static PLAN: LazyLock<Vec<(Planned, AtomicU32)>> = LazyLock::new(|| {
        #[expect(clippy::disallowed_methods, reason = "a test's word to a process that has no key for it")]
        let text = std::env::var(VARIABLE).unwrap_or_default();
        let parts = text.split(',').filter(|part| !part.is_empty());
        let plan = parts.map(str::parse::<Planned>).collect::<Result<Vec<_>, _>>();
        match plan {
            Ok(plan) => plan.into_iter().map(|planned| (planned, AtomicU32::new(0))).collect(),
            Err(error) => panic!("{error}"),
        }
    });

    pub(super) async fn reached(point: Point) {
        for (planned, times) in PLAN.iter().filter(|(planned, _)| planned.point == point) {
            let time = times.fetch_add(1, Ordering::Relaxed) + 1;
            if planned.only.is_some_and(|only| only != time) {
                continue;
            }
            tracing::warn!(point = point.as_str(), action = ?planned.action, "failpoint");
            match planned.action {
                Action::Kill => signal(Signal::KILL),
                Action::Stop => signal(Signal::STOP),
                Action::Panic => panic!("failpoint {}", point.as_str()),
                Action::Delay(time) => tokio::time::sleep(time).await,
            }
        }
    }

    pub(super) fn planted(file: &[u8]) {
        let end = &file[file.len().saturating_sub(PLANTED.len() + 8)..];
        let Some(place) = end.windows(PLANTED.len()).position(|window| window == PLANTED.as_bytes()) else { return };
        match &end[place + PLANTED.len()..] {
            b"panic" => panic!("planted"),
            b"abort" => std::process::abort(),
            // Not SEGV: the standard library's handler lets the first one pass.
            b"crash" => signal(Signal::ILL),
            b"kill" => signal(Signal::KILL),
            b"spin" => loop {
                std::hint::spin_loop();
            },
            b"spin-2s" => {
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(2) {
                    std::hint::spin_loop();
                }
            }
            word => tracing::error!(?word, "this is planted, and means nothing"),
        }
    }

    fn signal(signal: Signal) {
        // A process can always signal itself.
        if let Err(error) = kill_process(getpid(), signal) {
            tracing::error!(%error, "a failpoint's signal could not be sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_reads_back() {
        for point in Point::ALL {
            assert_eq!(point.as_str().parse(), Ok(*point));
        }
    }

    #[test]
    fn a_plan_says_where_what_and_when() {
        let planned = |text: &str| text.parse::<Planned>();
        let kill = Planned { point: Point::UploadStored, action: Action::Kill, only: None };
        assert_eq!(planned("upload-stored=kill"), Ok(kill));
        let delay =
            Planned { point: Point::TranscodingPut, action: Action::Delay(Duration::from_millis(50)), only: Some(3) };
        assert_eq!(planned("transcoding-put=delay:50@3"), Ok(delay));
        for bad in ["", "upload-stored", "upload-stored=", "x=kill", "upload-stored=kill@x", "upload-stored=delay:"] {
            assert!(planned(bad).is_err(), "{bad}");
        }
    }
}
