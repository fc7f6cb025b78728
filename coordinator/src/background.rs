//! What a coordinator does by itself: keeps its number and its sessions alive,
//! and sweeps. Every sweep is idempotent, and any number of coordinators may
//! run it.

use crate::{
    app::App,
    measures::{self, Swept},
    rooms,
};
use heim_common::room_event::News;
use heim_db::{DbError, Reaped};
use heim_queue::QueueError;
use heim_runtime::{failpoint, telemetry::chain};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How long a session or a coordinator's number outlives its coordinator.
pub(crate) const PRESENCE_LEASE: Duration = Duration::from_secs(30);
const PRESENCE_TICK: Duration = Duration::from_secs(5);
const TRIM_TICK: Duration = Duration::from_mins(1);
const EVICTION_TICK: Duration = Duration::from_secs(10);
/// Most calls that one sweep of finished jobs takes; what is left waits for the next.
const TRIM_CALLS_MAX: usize = 100;
/// How long rows of `event` are kept.
const EVENTS_KEPT: Duration = Duration::from_hours(24);

/// Runs until `stop`. `number` is the one this coordinator leases.
pub(crate) async fn run(app: App, number: u16, stop: CancellationToken) {
    let mut sweep = interval(Duration::from_millis(app.settings.jobs.sweep_ms));
    let mut presence = interval(PRESENCE_TICK);
    let mut trim = interval(TRIM_TICK);
    let mut eviction = interval(EVICTION_TICK);
    let mut evicts = false;
    for ticks in [&mut sweep, &mut presence, &mut trim, &mut eviction] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let (what, result) = tokio::select! {
            () = stop.cancelled() => return,
            _ = sweep.tick() => ("leases", reap(&app).await),
            _ = presence.tick() => ("presence", renew(&app, number).await),
            _ = trim.tick() => ("tidy", tidy(&app).await),
            _ = eviction.tick() => {
                look_at_eviction(&app, &mut evicts).await;
                continue;
            }
        };
        measures::sweep(what, result.is_ok(), app.now());
        if let Err(error) = result {
            tracing::warn!(what, error = chain(&error), "sweep failed; it comes again");
        }
    }
}

/// Jobs whose worker fell silent.
async fn reap(app: &App) -> Result<(), DbError> {
    let jobs = &app.settings.jobs;
    let reaped = app.db.job_reap(&jobs.attempts(), &jobs.rest()).await?;
    if reaped.is_empty() {
        return Ok(());
    }
    failpoint!(JobsReaped);
    app.bell.ring();
    measures::swept(Swept::Lease, reaped.len() as u64);
    for job in reaped {
        measures::lease_lost();
        match job {
            Reaped::Again(job) => tracing::warn!(%job, "lease ran out"),
            Reaped::GaveUp(given_up) => rooms::announce_given_up(app, given_up).await,
        }
    }
    Ok(())
}

/// The leases of this coordinator, and the sessions of one that died.
async fn renew(app: &App, number: u16) -> Result<(), DbError> {
    if !app.db.renew_number(number, &app.server_era, PRESENCE_LEASE).await? {
        tracing::error!(number, "another coordinator holds this one's number: ids may collide; restart this one");
    }
    rooms::keep_sessions(app).await?;
    // Whoever lives renews all of its sessions at once: where some expired, their
    // coordinator is dead, or as good as dead.
    let expired = app.db.sessions_expire().await?;
    measures::swept(Swept::Session, expired.len() as u64);
    let lost: BTreeSet<_> =
        expired.into_iter().map(|(room, session)| (room, session.server_id, session.server_era)).collect();
    for (room, server_id, server_era) in lost {
        tracing::warn!(%room, server_id, server_era, "a coordinator died with sessions in this room");
        rooms::announce(app, &room, News::Partition { server_id, server_era }).await;
    }
    Ok(())
}

/// Whether the queue would drop what waits in it. Refused at the start, but an
/// operator may set it at any time.
async fn look_at_eviction(app: &App, evicts: &mut bool) {
    match app.queue.keeps().await {
        Ok(()) => *evicts = false,
        Err(error @ QueueError::Evicts { .. }) => {
            if !*evicts {
                tracing::error!(error = chain(&error), "waiting jobs may be dropped, and take seconds longer then");
            }
            *evicts = true;
        }
        // An outage is the dispatcher's to report.
        Err(_) => return,
    }
    metrics::gauge!("heim_queue_evicts").set(f64::from(u8::from(*evicts)));
}

/// Handles that nobody used, events that everybody has had, and what ended long ago:
/// jobs, attempts, workers, and what operators did.
async fn tidy(app: &App) -> Result<(), DbError> {
    let upload_time_max = Duration::from_millis(app.settings.limits.body_timeout_ms);
    loop {
        let some = app.db.handles_expire(upload_time_max).await?;
        if some.is_empty() {
            break;
        }
        failpoint!(HandlesExpired);
        measures::swept(Swept::Handle, some.len() as u64);
        for expired in some {
            rooms::announce_expired(app, expired).await;
        }
    }
    app.db.events_trim(app.now().before(EVENTS_KEPT)).await?;
    for _ in 0..TRIM_CALLS_MAX {
        let trimmed = app.db.jobs_trim(Duration::from_secs(app.settings.jobs.kept_s)).await?;
        measures::swept(Swept::Job, trimmed);
        if trimmed == 0 {
            break;
        }
    }
    // Before what it counts is removed.
    for _ in 0..TRIM_CALLS_MAX {
        if !app.db.day_count().await? {
            break;
        }
    }
    for _ in 0..TRIM_CALLS_MAX {
        if app.db.attempts_trim(Duration::from_secs(app.settings.jobs.attempts_kept_s)).await? == 0 {
            break;
        }
    }
    app.db.workers_trim(Duration::from_secs(app.settings.jobs.workers_kept_s)).await?;
    app.db.audits_trim(Duration::from_secs(app.settings.retention.audit_kept_s)).await?;
    Ok(())
}
