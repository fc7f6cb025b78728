//! What is in Redis, and what it looks like. All of it may be gone at any moment.
//!
//! | name | kind | content |
//! |---|---|---|
//! | `{prefix}:jobs:interactive` | list | JSON of a [`JobRef`] each, `{"v":1,"id":"…"}`; the oldest at the head |
//! | `{prefix}:jobs:bulk` | list | the same |
//! | `{prefix}:jobs:backfill` | list | the same |
//! | `{prefix}:rooms` | channel | JSON of a [`RoomEvent`](heim_common::room_event::RoomEvent) each |
//!
//! `RPUSH` adds, one blocking `BLPOP` over the three lists, the one whose turn
//! it is first, takes, `LPUSH` gives back. Nothing expires; the dispatcher
//! bounds each list by its window.

use heim_common::{JobRef, job::Lane};
use serde::Deserialize;

/// The names of one deployment.
pub(super) struct Layout {
    prefix: String,
}

impl Layout {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(super) fn lane(&self, lane: Lane) -> String {
        format!("{}:jobs:{}", self.prefix, lane.as_str())
    }

    pub(super) fn rooms(&self) -> String {
        format!("{}:rooms", self.prefix)
    }
}

/// What a payload is to this release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Job(JobRef),
    /// A job in a form that a later release knows.
    Later,
    Nothing,
}

/// Reads a payload.
pub(super) fn read_job(payload: &[u8]) -> Payload {
    #[derive(Deserialize)]
    struct Form {
        v: u64,
    }
    match serde_json::from_slice::<JobRef>(payload) {
        Ok(job) if job.v == JobRef::VERSION => Payload::Job(job),
        _ => match serde_json::from_slice::<Form>(payload) {
            Ok(Form { v }) if v > u64::from(JobRef::VERSION) => Payload::Later,
            _ => Payload::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_a_list() {
        let lists: Vec<_> = Lane::ALL.iter().map(|&lane| Layout::new("x").lane(lane)).collect();
        assert_eq!(lists, ["x:jobs:interactive", "x:jobs:bulk", "x:jobs:backfill"]);
    }

    #[test]
    fn only_this_version_is_read() {
        let job = JobRef::new("0c1ofy7941g5c".parse().unwrap());
        for ours in [&br#"{"v":1,"id":"0c1ofy7941g5c"}"#[..], br#"{"v":1,"id":"0c1ofy7941g5c","new":{}}"#] {
            assert_eq!(read_job(ours), Payload::Job(job));
        }
        for later in [&br#"{"v":2,"id":"0c1ofy7941g5c"}"#[..], br#"{"v":300,"jobs":[]}"#] {
            assert_eq!(read_job(later), Payload::Later);
        }
        for bad in [&br#"{"v":0,"id":"0c1ofy7941g5c"}"#[..], br#"{"id":"0c1ofy7941g5c"}"#, b"", b"\xff", b"[]"] {
            assert_eq!(read_job(bad), Payload::Nothing);
        }
    }
}
