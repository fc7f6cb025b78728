//! Steps 6 and 9: a worker claims a job, holds it, and says how it ended.

use crate::{app::App, failure::Failure, keys::KeyError, measures, rooms};
use data_encoding::HEXLOWER;
use heim_common::{
    JobId,
    job::{Reason, Verdict},
    key::ObjectKey,
    problem::Code,
    wire::{Account, ClaimReply, ClaimRequest, ClaimedMedia, ClaimedTranscoding, FinishRequest, LeaseReply},
};
use heim_db::{Claim, Claimed, Finished};
use heim_runtime::{failpoint, telemetry::chain};
use tracing::{Instrument, Span};

/// How long a job rests at least whose room's keys cannot be had.
const KEYS_AWAY_MS: u64 = 500;

/// Gives a job to a worker, or tells it to forget the job.
pub(crate) async fn claim(app: App, job: JobId, request: ClaimRequest) -> Result<ClaimReply, Failure> {
    let lease = app.settings.jobs.lease();
    let claimed =
        app.db.job_claim_once(job, &request.worker, request.engine, request.nonce, lease).await.or_else(|error| {
            // Made by a later release, most likely: it waits for a coordinator that
            // understands it, and the worker must not wait with it.
            if error.is_unreadable() {
                tracing::error!(%job, error = chain(&error), "a job's row cannot be read");
                return Ok(Claimed::NotTaken);
            }
            Err(error)
        })?;
    let claim = match claimed {
        Claimed::Taken(claim) => *claim,
        Claimed::Done => {
            measures::job_ended(None);
            return Err(Code::NotYours.into());
        }
        Claimed::NotTaken => return Err(Code::NotYours.into()),
    };
    failpoint!(ClaimCommitted);
    app.bell.claimed(app.queue.window());
    // From here on it is known for which request.
    let span = claim.trace.map_or_else(Span::current, |trace| tracing::error_span!("job", trace_id = %trace.id()));
    give(app, job, request.engine, claim).instrument(span).await
}

/// What a worker is told of a job that it has claimed.
async fn give(app: App, job: JobId, engine: u32, claim: Claim) -> Result<ClaimReply, Failure> {
    let Claim { fence, room, media, key, size, sha256, missing, encryption, waited, trace } = claim;
    if let Some((lane, time)) = waited {
        measures::waited(lane, time);
    }
    let secret = match app.keys.object_secret(&app.db, &room, media, encryption.as_ref()).await {
        Ok(secret) => secret,
        Err(error) => {
            tracing::error!(%job, error = chain(&error), "a job has not the keys of its room");
            let verdict = match error {
                // They will never open.
                KeyError::Altered(_) | KeyError::Gone => Verdict::Discard { reason: Reason::OriginalAltered },
                // They may be back soon, or another coordinator has them.
                _ => Verdict::Snooze { after_ms: KEYS_AWAY_MS, reason: Some(Reason::KeysUnavailable) },
            };
            let account = Account { error: Some(chain(&error)), ..Account::default() };
            finish(app, job, FinishRequest { fence, verdict, account }).await?;
            return Err(Code::NotYours.into());
        }
    };
    let mut transcodings: Vec<_> = missing
        .into_iter()
        .map(|spec| ClaimedTranscoding { key: ObjectKey::transcoding(media, &spec.name, engine), spec })
        .collect();
    transcodings.sort_by_key(|claimed| u64::from(claimed.spec.params.width) * u64::from(claimed.spec.params.height));
    let sha256 = sha256.map(|digest| HEXLOWER.encode(&digest));
    Ok(ClaimReply {
        fence,
        lease_ms: app.settings.jobs.lease_ms,
        media: ClaimedMedia { id: media, room, key, size, sha256 },
        secret,
        transcodings,
        pixels_max: app.settings.limits.pixels_max,
        animation_pixels_max: app.settings.limits.animation_pixels_max,
        animation_frames_max: app.settings.limits.animation_frames_max,
        deadline_ms: app.settings.limits.pixel_seconds * 1000,
        trace,
    })
}

/// Extends a lease.
pub(crate) async fn heartbeat(app: &App, job: JobId, fence: i64) -> Result<LeaseReply, Failure> {
    if app.db.job_heartbeat(job, fence, app.settings.jobs.lease()).await? {
        Ok(LeaseReply { lease_ms: app.settings.jobs.lease_ms })
    } else {
        Err(Code::LeaseLost.into())
    }
}

/// Carries out a verdict.
pub(crate) async fn finish(app: App, job: JobId, request: FinishRequest) -> Result<(), Failure> {
    let jobs = &app.settings.jobs;
    let FinishRequest { fence, verdict, account } = request;
    match verdict {
        Verdict::Done => {}
        verdict => tracing::info!(%job, ?verdict, "attempt ended"),
    }
    let finished = app.db.job_finish_told(job, fence, verdict, &account, &jobs.attempts(), &jobs.rest()).await?;
    failpoint!(VerdictCommitted);
    if finished != Finished::LeaseLost {
        measures::ended(verdict);
    }
    match finished {
        Finished::Done => {
            measures::job_ended(None);
            Ok(())
        }
        Finished::Again => {
            app.bell.ring();
            Ok(())
        }
        Finished::GaveUp(given_up) => {
            rooms::announce_given_up(&app, given_up).await;
            Ok(())
        }
        Finished::LeaseLost => Err(Code::LeaseLost.into()),
    }
}
