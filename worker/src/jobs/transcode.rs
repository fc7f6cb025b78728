//! The job `transcode`: makes the missing transcodings of one media object.
//!
//! ```text
//! claim ▶ fetch ▶ pixels ▶ put ▶ register ▶ … ▶ finish
//!                   └── the next output is made meanwhile
//! ```
//!
//! **Promises.** Each transcoding is registered as soon as it is stored, the
//! smallest first. The coordinator hears one verdict, or nothing at all where
//! the job is not this worker's any more.
//!
//! **Running twice is safe.** A claim lists only what is still missing. An
//! object's key is a pure function of media object, transcoding and engine
//! version, so a second run writes the same bytes to the same place. Whoever
//! has lost the lease can register and finish nothing: every call carries the
//! claim's fence. So a worker may be killed between any two lines of this file.
//!
//! **Discards** what can never go better: content of no known type, damaged
//! content, too many pixels, too costly, an original that is not in the store, or
//! not of its size.
//!
//! **Retries** the death of a child (the coordinator counts deaths, and calls the file poison), and an
//! original of another SHA-256 than the upload's, or that does not open with its secret: no pixel is made of
//! it, and where it stays so, the last attempt says that it was altered.
//!
//! **Private rooms.** The claim carries the object's secret; original and
//! transcodings are decrypted and encrypted with it on their way. It lives as
//! long as the claim, and nowhere else. The original's plaintext is in memory
//! that has no name on any disk.
//!
//! **Snoozes**, which counts as nothing, when the worker stops, or the store or
//! the coordinator does not do its part, or when all is made but what this
//! worker's build cannot write. The coordinator lets the pauses grow, and gives
//! up what has waited for a day.

use super::{account::Stages, fetch::fetch, trouble::Trouble};
use crate::{
    bench::Bench,
    children::{PixelOutput, PixelWork, Step},
    coordinator::{CallError, Fence},
    lease::Lease,
    measures::{self, Stage},
    report::Listed,
};
use heim_common::{
    JobId, JobRef,
    job::Verdict,
    wire::{Account, ClaimReply, ClaimRequest, ClaimedTranscoding, TranscodedHook},
};
use heim_runtime::{
    failpoint,
    traces::{self, Part},
};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// How long a stopping worker tries to hand a job back; after that its lease
/// runs out by itself.
const HAND_BACK: Duration = Duration::from_secs(2);

/// Before the next job, where the coordinator refuses a claim for good: wrong
/// credentials refuse every job of the queue.
const AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// How often a claim is asked for again that was heard late.
const LATE_MAX: u32 = 3;

/// A job that is held.
struct Held {
    fence: Fence,
    claim: ClaimReply,
    lease: Lease,
    /// When it was asked for.
    asked: Instant,
    /// Of all that is logged about it.
    span: Span,
    /// What a collector is sent of the attempt.
    sent: traces::Span,
    stages: Stages,
    _listed: Listed,
    _busy: measures::Busy,
}

/// Does a job, from claim to verdict.
pub(crate) async fn run(bench: &Bench, job: JobRef) {
    if job.v != JobRef::VERSION {
        // A release that knows this form will be given it by the sweep.
        tracing::warn!(job = %job.id, version = job.v, "a job in a form that this release does not know");
        return;
    }
    failpoint!(JobPopped);
    let Some(held) = claim(bench, job.id).await else { return };
    let span = held.span.clone();
    do_held(bench, held).instrument(span).await;
}

async fn do_held(bench: &Bench, mut held: Held) {
    let end = tokio::select! {
        biased;
        () = held.lease.lost() => Err(Trouble::LeaseLost),
        end = work(bench, &held) => end,
        () = out_of_grace(bench) => Err(Trouble::Stopping),
    };
    // What the work held (the child's attention, memory) is gone by here.
    let verdict = match &end {
        Ok(()) => Some(Verdict::Done),
        Err(trouble) if bench.stop.is_cancelled() => verdict_after_stop(trouble),
        Err(trouble) => trouble.verdict(),
    };
    log_end(&held, &end, verdict);
    let account = held.stages.account(&end, held.claim.secret.is_some());
    if let Some(error) = &account.error {
        held.sent.fail(|| error.clone());
    }
    if let Some(verdict) = verdict {
        finish(bench, &held, verdict, &account).await;
        failpoint!(VerdictTold);
    }
    measures::attempt(verdict, held.asked.elapsed());
}

/// Takes the job; `None` means: forget it, the sweep sees to it.
///
/// A coordinator that is away is asked about this one job until it is back or
/// the worker stops, so that its absence neither empties the queue nor makes
/// the worker spin.
async fn claim(bench: &Bench, job: JobId) -> Option<Held> {
    // A claim whose answer was lost is asked for again, and not doubled.
    let nonce = Some((bench.nonce)());
    let request = ClaimRequest { worker: bench.name.clone(), engine: heim_pixels::ENGINE_VERSION, nonce };
    let mut failures = 0;
    // A call that is under way is never dropped: it may be carried out, and
    // nobody would know that the job is held.
    while !bench.stop.is_cancelled() {
        let (asked, answer) = ask(bench, job, &request).await;
        let error = match answer {
            Ok(claim) => {
                measures::took(Stage::Claim, asked.elapsed());
                return Some(hold(bench, job, claim, asked));
            }
            Err(CallError::NotYours | CallError::Gone) => return None,
            Err(CallError::Foreign(fence)) => {
                leave_to_others(bench, Fence { job, fence, trace: None }).await;
                return None;
            }
            Err(error) => error,
        };
        failures += 1;
        tracing::warn!(%job, error = &error as &dyn std::error::Error, failures, "a job could not be claimed");
        let wait = if error.is_transient() { bench.persistence.wait(failures) } else { AFTER_REFUSAL };
        tokio::select! {
            () = bench.stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        if !error.is_transient() {
            return None;
        }
    }
    None
}

/// One call for a claim, and when it began. Where the answer was so long on its way that
/// half of the lease is over, or all of it, a few: under its nonce the claim is given
/// again, with a fresh lease.
async fn ask(bench: &Bench, job: JobId, request: &ClaimRequest) -> (Instant, Result<ClaimReply, CallError>) {
    let mut late = 0;
    loop {
        let asked = Instant::now();
        let answer = bench.coordinator.claim(job, request).await;
        match &answer {
            Ok(claim) if late < LATE_MAX && asked.elapsed() > Duration::from_millis(claim.lease_ms) / 2 => late += 1,
            _ => return (asked, answer),
        }
    }
}

/// Hands back what only a later release can do.
async fn leave_to_others(bench: &Bench, held: Fence) {
    tracing::warn!(job = %held.job, "a job is left to workers of a later release");
    let account = Account::default();
    let tell = || bench.coordinator.finish(held, Verdict::UNKNOWN, &account);
    if let Err(error) = bench.persistence.call(Instant::now() + HAND_BACK, tell).await {
        tracing::warn!(job = %held.job, error = &error as &dyn std::error::Error, "it could not be handed back");
    }
}

fn hold(bench: &Bench, job: JobId, claim: ClaimReply, asked: Instant) -> Held {
    let mut sent = traces::Span::begin("attempt", Part::Consumer, claim.trace);
    sent.note("heim.job", job.to_string());
    sent.note("heim.media", claim.media.id.to_string());
    let fence = Fence { job, fence: claim.fence, trace: sent.trace().or(claim.trace) };
    let lease = Duration::from_millis(claim.lease_ms);
    // Of the highest level, so that whatever is logged at all is logged within it.
    let span = tracing::error_span!("job", trace_id = fence.trace.map(|trace| display(trace.id())));
    let lease = span.in_scope(|| Lease::keep(&bench.heart, fence, asked, lease));
    Held {
        fence,
        claim,
        lease,
        asked,
        span,
        sent,
        stages: Stages::default(),
        _listed: bench.held.list(job),
        _busy: measures::Busy::begin(),
    }
}

async fn work(bench: &Bench, held: &Held) -> Result<(), Trouble> {
    let claim = &held.claim;
    failpoint!(JobClaimed);
    // What this build cannot write is left to one that can, but not the rest.
    let can_write = |todo: &&ClaimedTranscoding| heim_pixels::can_write(todo.spec.content_type);
    let (ours, others): (Vec<_>, Vec<_>) = claim.transcodings.iter().partition(can_write);
    let left = || others.first().map_or(Ok(()), |todo| Err(Trouble::CannotWrite(todo.spec.content_type)));
    if ours.is_empty() {
        return left();
    }
    let stages = &held.stages;
    let fetched = timed(held, Stage::Fetch, fetch(bench, &claim.media, claim.secret.as_ref()));
    let original = stages.time("fetch", fetched).await?;
    measures::fetched(claim.media.size);
    failpoint!(OriginalFetched);
    let specs = ours.iter().map(|todo| todo.spec.clone()).collect();
    let deadline = Duration::from_millis(claim.deadline_ms);
    let ClaimReply { pixels_max, animation_pixels_max, animation_frames_max, .. } = *claim;
    let work = PixelWork { original, specs, pixels_max, animation_pixels_max, animation_frames_max, deadline };
    let mut run = stages.time("child", bench.pool.run(work)).await;
    let _sent = traces::Span::begin(Stage::Pixels.as_str(), Part::Stage, held.fence.trace);
    loop {
        match stages.time("pixels", run.next()).await.map_err(Trouble::Pixels)? {
            Step::Output(output) => register(bench, held, ours[output.index], output).await?,
            Step::Done(_) => return left(),
        }
    }
}

/// Stores a transcoding, then tells of it.
async fn register(
    bench: &Bench,
    held: &Held,
    transcoding: &ClaimedTranscoding,
    output: PixelOutput,
) -> Result<(), Trouble> {
    let hook = TranscodedHook {
        media_id: held.claim.media.id,
        name: transcoding.spec.name.clone(),
        content_type: transcoding.spec.content_type.content_type().to_owned(),
        size: output.bytes.len() as u64,
        width: Some(output.width),
        height: Some(output.height),
        version: heim_pixels::ENGINE_VERSION,
        description: output.description,
    };
    failpoint!(PixelsMade);
    let put = bench.store.put(&transcoding.key, held.claim.secret.as_ref(), output.bytes);
    held.stages.time("put", timed(held, Stage::Put, put)).await.map_err(Trouble::Put)?;
    measures::stored(hook.size);
    failpoint!(TranscodingPut);
    let register = || bench.coordinator.register(held.fence, &held.claim.media.room, &hook);
    let register = bench.persistence.call(Instant::now() + bench.patience, register);
    held.stages.time("register", timed(held, Stage::Register, register)).await.map_err(Trouble::Register)?;
    failpoint!(TranscodingRegistered);
    Ok(())
}

/// Does it, and notes how long that took, however it ended.
async fn timed<T>(held: &Held, stage: Stage, work: impl Future<Output = T>) -> T {
    let _sent = traces::Span::begin(stage.as_str(), Part::Stage, held.fence.trace);
    let begun = Instant::now();
    let end = work.await;
    measures::took(stage, begun.elapsed());
    end
}

/// Tells the verdict. If it does not get through, the lease runs out and the
/// coordinator decides without it.
async fn finish(bench: &Bench, held: &Held, verdict: Verdict, account: &Account) {
    let patience = if bench.stop.is_cancelled() { HAND_BACK } else { bench.patience };
    let tell = || bench.coordinator.finish(held.fence, verdict, account);
    let told = tokio::select! {
        told = timed(held, Stage::Finish, bench.persistence.call(Instant::now() + patience, tell)) => told,
        () = held.lease.lost() => Err(CallError::LeaseLost),
    };
    if let Err(error) = told {
        tracing::warn!(job = %held.fence.job, error = &error as &dyn std::error::Error, "a verdict was not taken");
    }
}

/// Returns when a job must be handed back, so that it is when the grace is over.
async fn out_of_grace(bench: &Bench) {
    bench.stop.cancelled().await;
    tokio::time::sleep(bench.grace.saturating_sub(HAND_BACK)).await;
}

/// A supervisor that stops a whole group of processes stops the children too:
/// so a failure in a stopping worker says nothing, unless it is about the file.
fn verdict_after_stop(trouble: &Trouble) -> Option<Verdict> {
    match trouble.verdict() {
        Some(Verdict::Retry { .. }) => Trouble::Stopping.verdict(),
        verdict => verdict,
    }
}

fn log_end(held: &Held, end: &Result<(), Trouble>, verdict: Option<Verdict>) {
    let (job, media, millis) = (held.fence.job, held.claim.media.id, held.asked.elapsed().as_millis());
    match end {
        Ok(()) => tracing::info!(%job, %media, millis, "done"),
        Err(trouble) => {
            tracing::warn!(%job, %media, millis, ?verdict, error = trouble as &dyn std::error::Error, "not done");
        }
    }
}
