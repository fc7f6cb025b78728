//! What nobody is shown any more, and how it goes.
//!
//! ```text
//! unattached for a day ─┐
//! only deleted messages ├─▶ gone (nobody can see it) ─▶ files deleted ─▶ row deleted
//! room deleted ─────────┘
//! ```
//! Every step is idempotent, any number of coordinators may take it, and a crash
//! between two of them is made up for by the next sweep. An object's row goes
//! last, after a rest in which whoever was still at work on it has ended; what
//! they stored meanwhile goes with it.

use crate::{
    app::App,
    failure::Failure,
    measures::{self, Swept},
    reconcile::{Place, reconcile},
};
use heim_common::key::ObjectKey;
use heim_runtime::{failpoint, telemetry::chain};
use std::time::Duration;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

/// Rows in one statement.
const LIMIT: u64 = 256;
/// How long a row outlives its files: longer than a worker's lease and deadline,
/// and than an upload that no deadline stops may stand still.
const REST: Duration = Duration::from_mins(2);
/// For how long the files of an object that is gone are looked for at every
/// sweep: about as long as a worker may still be at it.
const FRESH: Duration = Duration::from_secs(30);
/// How long an agent's leaving is remembered.
const DEPARTURES_KEPT: Duration = Duration::from_mins(5);

/// Runs until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let settings = &app.settings.retention;
    let (place, period) = (Place::default(), Duration::from_secs(settings.orphans_s));
    let orphans = every(&app, period, "reconcile", || reconcile(&app, &place), None);
    let sweeps = every(&app, Duration::from_millis(settings.sweep_ms), "retention", || sweep(&app), Some(&app.sweep));
    tokio::select! {
        () = stop.cancelled() => {}
        () = orphans => {}
        () = sweeps => {}
    }
}

/// Does something again and again, for ever: after each period, and when it is
/// woken. Dropped anywhere, it is taken up again by the next who does it.
async fn every<F>(app: &App, period: Duration, what: &'static str, mut work: impl FnMut() -> F, woken: Option<&Notify>)
where
    F: Future<Output = Result<(), Failure>>,
{
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let woken = async {
            match woken {
                Some(woken) => woken.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = ticks.tick() => {}
            () = woken => {}
        }
        let ended = work().await;
        measures::sweep(what, ended.is_ok(), app.now());
        if let Err(Failure { cause, .. }) = ended {
            let cause = cause.as_deref().map(|cause| chain(cause));
            tracing::warn!(what, cause, "sweep failed; it comes again");
        }
    }
}

async fn sweep(app: &App) -> Result<(), Failure> {
    let settings = &app.settings.retention;
    let deleted = Duration::from_secs(settings.deleted_s);
    let unattached = Duration::from_secs(settings.unattached_s);
    for room in app.db.rooms_deleted(LIMIT).await? {
        // Each batch is less to do: it ends when the room is gone.
        while !app.db.room_sweep(&room, LIMIT).await? {}
        measures::swept(Swept::Room, 1);
    }
    loop {
        let released = app.db.media_release(unattached, deleted, LIMIT).await?;
        if released.is_empty() {
            break;
        }
        failpoint!(MediaReleased);
        measures::swept(Swept::MediaObject, released.len() as u64);
    }
    loop {
        let forgotten = app.db.messages_forget(deleted, LIMIT).await?;
        if forgotten == 0 {
            break;
        }
        measures::swept(Swept::Message, forgotten);
    }
    remove(app).await?;
    app.db.departures_trim(DEPARTURES_KEPT).await?;
    app.keys.forget(None);
    let counts = app.db.media_counts().await?;
    for (state, count) in [("unattached", counts.unattached), ("withheld", counts.withheld), ("removing", counts.gone)]
    {
        set("heim_media_objects_unseen", state, count);
    }
    Ok(())
}

/// Deletes the files of objects that are gone: at once, and with their rows when
/// they have rested, what was stored in between.
async fn remove(app: &App) -> Result<(), Failure> {
    let (now, sweep) = (app.db.now().await?, Duration::from_millis(app.settings.retention.sweep_ms));
    let (fresh, rested) = (now.before(FRESH + sweep * 2), now.before(REST));
    let mut after = None;
    loop {
        let some = app.db.media_gone(after, LIMIT).await?;
        let Some(last) = some.last().map(|(id, _)| *id) else { return Ok(()) };
        for (id, _) in some.into_iter().filter(|(_, since)| *since > fresh || *since < rested) {
            let files = app.store.delete_folder(&ObjectKey::folder(id)).await?;
            measures::swept(Swept::File, files);
            if files > 0 {
                tracing::info!(media = %id, files, "files removed");
            }
            failpoint!(FilesRemoved);
            if app.db.media_forget(id, REST).await? {
                metrics::counter!("heim_media_objects_removed_total").increment(1);
            }
        }
        after = Some(last);
    }
}

/// Tells how many of something there are.
pub(crate) fn set(name: &'static str, state: &'static str, count: u64) {
    metrics::gauge!(name, "state" => state).set(measures::precise(count));
}
