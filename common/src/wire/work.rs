//! The calls of a worker to its coordinator, under `/store/jobs/{id}/`:
//! `claim`, `heartbeat`, `finish`; HTTP Basic credentials as for hooks.

use super::Account;
use crate::{
    MediaId, ObjectSecret, RoomName, Trace, job::Verdict, key::ObjectKey, limits::Limits, spec::TranscodingSpec, trace,
};
use serde::{Deserialize, Serialize};

/// Header of every call of a worker or another store, and of its answer: which
/// form the body has. Without it, 1.
pub const HEADER_VERSION: &str = "x-heim-version";
/// The form that this release writes. It grows when an addition will not do.
pub const VERSION: &str = "1";
/// Header of a hook call made under a job's lease: the job's id.
pub const HEADER_JOB: &str = "x-heim-job";
/// Header of a hook call made under a job's lease: the lease's fence.
pub const HEADER_FENCE: &str = "x-heim-fence";

/// "I take this job."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The worker's name, unique to each of its starts.
    pub worker: String,
    /// Version of its engine: decides which transcodings are missing.
    pub engine: u32,
    /// Drawn for each job that is popped. Who asks again under it, because the
    /// answer was lost on the way, gets the claim that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<i64>,
}

/// "It is yours": 200. Else 409 `not-yours`, or 404, and the worker forgets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimReply {
    /// Grows with every claim of the job; goes with every call about it.
    pub fence: i64,
    /// For how long the job is held, in milliseconds.
    pub lease_ms: u64,
    /// What to work on.
    pub media: ClaimedMedia,
    /// What the files of a private media object are encrypted with, original
    /// and transcodings alike. Held in memory, and for this job only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ObjectSecret>,
    /// What is still missing, smallest first. Never empty.
    pub transcodings: Vec<ClaimedTranscoding>,
    /// Most pixels that the original may declare.
    pub pixels_max: u64,
    /// Most pixels of all frames of an animation that goes on moving.
    #[serde(default = "animation_pixels_default")]
    pub animation_pixels_max: u64,
    /// Most frames of it.
    #[serde(default = "animation_frames_default")]
    pub animation_frames_max: u32,
    /// Wall time that the pixels may take, in milliseconds.
    pub deadline_ms: u64,
    /// The request that the job is done for. It goes with every call about it, in
    /// [`HEADER_TRACE`](crate::trace::HEADER_TRACE).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "trace::if_known")]
    pub trace: Option<Trace>,
}

fn animation_pixels_default() -> u64 {
    Limits::default().animation_pixels_max
}

fn animation_frames_default() -> u32 {
    Limits::default().animation_frames_max
}

/// The original of a claimed job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedMedia {
    /// The media object.
    pub id: MediaId,
    /// Its room.
    pub room: RoomName,
    /// Where the original's bytes are.
    pub key: ObjectKey,
    /// How many they are.
    pub size: u64,
    /// Lower-case hex: the SHA-256 that they must have, where it is known. Of a
    /// private original it is not: that opens with its secret or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A transcoding that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedTranscoding {
    /// What.
    pub spec: TranscodingSpec,
    /// Where its bytes go.
    pub key: ObjectKey,
}

/// "I am still at it."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceRequest {
    /// From the claim.
    pub fence: i64,
}

/// "Go on": 200. Else 409 `lease-lost`, and the worker drops the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseReply {
    /// For how long the job is held from now, in milliseconds.
    pub lease_ms: u64,
}

/// "This is how it ended."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishRequest {
    /// From the claim.
    pub fence: i64,
    /// What operators may want to know of it.
    #[serde(default, skip_serializing_if = "Account::is_empty")]
    pub account: Account,
    /// How.
    #[serde(flatten)]
    pub verdict: Verdict,
}
