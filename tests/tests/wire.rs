//! What processes of neighbouring releases say to one another is understood:
//! `v0` says nothing that may be left out, `v2` says what this release does not
//! know. The rule: `docs/decisions/0006-versions.md`.

use heim_common::{
    JobRef,
    job::{Reason, Verdict},
    room_event::{News, RoomEvent},
    wire::{
        Account, ClaimReply, ClaimRequest, FenceRequest, FinishRequest, LeaseReply, TranscodedHook, WorkerOrders,
        WorkerReport,
    },
    worker::WorkerState,
};
use serde::de::DeserializeOwned;
use std::fs;

fn text(form: &str, name: &str) -> String {
    let path = format!("{}/fixtures/wire/{form}/{name}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read<T: DeserializeOwned>(form: &str, name: &str) -> T {
    serde_json::from_str(&text(form, name)).unwrap_or_else(|error| panic!("{form}/{name}: {error}"))
}

const BOTH: [&str; 2] = ["v0", "v2"];

#[test]
fn what_workers_of_both_other_releases_say_is_understood() {
    for form in BOTH {
        assert_eq!(read::<ClaimRequest>(form, "claim").engine, 1);
        assert_eq!(read::<FenceRequest>(form, "heartbeat").fence, 3);
        let hook: TranscodedHook = read(form, "transcoded");
        assert_eq!((hook.name.as_str(), hook.version, hook.description), ("thumb-160", 1, None), "{form}");
        let account = Account::default();
        assert_eq!(read::<FinishRequest>(form, "done"), FinishRequest { fence: 3, verdict: Verdict::Done, account });
        assert_eq!(read::<FinishRequest>(form, "retry").verdict, Verdict::Retry { reason: Reason::ChildDied });
        let report: WorkerReport = read(form, "worker");
        assert_eq!((report.state, report.jobs.len()), (WorkerState::Running, 0), "{form}");
    }
}

#[test]
fn what_coordinators_of_both_other_releases_say_is_understood() {
    for form in BOTH {
        let claim: ClaimReply = read(form, "claim-reply");
        assert_eq!((claim.fence, claim.lease_ms, claim.secret.is_none()), (3, 3_000, true), "{form}");
        assert_eq!((claim.media.size, claim.transcodings.len()), (5, 1), "{form}");
        assert_eq!(claim.media.sha256.is_some(), form == "v2", "{form}: the release before says nothing of it");
        assert_eq!(read::<LeaseReply>(form, "heartbeat-reply").lease_ms, 3_000);
        assert_eq!(read::<WorkerOrders>(form, "worker-reply").wish, WorkerState::Running, "{form}");
        let News::Sent { message, .. } = read::<RoomEvent>(form, "news-sent").news else { panic!("{form}") };
        let News::Edited { message: edited, previous, by, .. } = read::<RoomEvent>(form, "news-edited").news else {
            panic!("{form}")
        };
        assert_eq!((message, previous, by), (edited, None, None), "{form}");
    }
    assert_eq!(read::<RoomEvent>("v0", "news-sent").n, 0, "it does not count");
    assert_eq!(read::<JobRef>("v0", "job").v, JobRef::VERSION);
}

#[test]
fn unknown_words_read_as_what_harms_nobody() {
    assert_eq!(read::<FinishRequest>("v2", "unknown-verdict").verdict, Verdict::UNKNOWN);
    let internal = Verdict::Discard { reason: Reason::Internal };
    assert_eq!(read::<FinishRequest>("v2", "unknown-reason").verdict, internal);
}

#[test]
fn what_cannot_be_read_is_told_apart_from_what_can() {
    // A gap, which is healed from the rows.
    assert!(serde_json::from_str::<RoomEvent>(&text("v2", "news-unknown")).is_err());
    // Handed back by its fence.
    assert!(serde_json::from_str::<ClaimReply>(&text("v2", "claim-reply-unknown-spec")).is_err());
    assert_eq!(read::<FenceRequest>("v2", "claim-reply-unknown-spec").fence, 3);
    // Left for others.
    assert!(serde_json::from_str::<JobRef>(&text("v2", "job")).is_err());
}
