//! What can happen, and what is answered.

use heim_common::job::{Reason, Verdict};

/// A media object of the schedule, and its job: 0 or 1.
pub(crate) type Object = usize;
/// A transcoding's name: 0 is `original`.
pub(crate) type Name = usize;

/// Whose lease something is done under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) job: Object,
    pub(crate) fence: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A client.
    Create(Object),
    /// The number tells uploads to one handle apart.
    Upload(Object, u64),
    Refuse(Object, Reason),
    Send(Object),
    DeleteMessage(usize),
    RestoreMessage(usize),
    DeleteRoom,
    /// A worker.
    Claim(Object, u32),
    Heartbeat(Lease),
    Register {
        object: Object,
        name: Name,
        version: u32,
        altered: bool,
        lease: Option<Lease>,
    },
    Finish(Lease, Verdict),
    /// An operator.
    Retry(Object),
    Discard(Object),
    PauseLane,
    ResumeLane,
    Purge(Object),
    /// A coordinator.
    Dispatch,
    Reap,
    Expire,
    Release,
    ForgetMessages,
    Forget(Object),
    SweepRoom,
    /// The clock.
    LeaseEnds(Object),
    RestEnds(Object),
    HandleEnds(Object),
    HintIsLost(Object),
    Ages(Object),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is as asked; nothing is to be said.
    Yes,
    No,
    Closed,
    NotThere,
    Stored(i64),
    AlreadyUploaded,
    /// Handles that ended, and the events of those that a message shows.
    Ended(Vec<(Object, Option<i64>)>),
    These(Vec<Object>),
    Count(u64),
    Claimed {
        fence: i64,
        missing: Vec<Name>,
    },
    New(i64),
    Same,
    Older,
    Conflict,
    LeaseLost,
    Done,
    Again,
    GaveUp(Reason, Vec<(Name, i64)>),
    /// As if it were new, and the event that tells of it.
    Anew(Option<i64>),
    /// What is removed, and the messages that showed it: their changes, the one now
    /// and the one before, and whether each is deleted by that.
    Purged(Vec<Object>, Vec<(usize, u64, Option<u64>, bool)>),
    Reaped(Vec<(Object, Answer)>),
}
