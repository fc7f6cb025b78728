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

use crate::{app::App, failure::Failure};
use heim_common::{MediaId, key::ObjectKey};
use heim_runtime::telemetry::chain;
use std::{collections::HashSet, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Rows in one statement.
const BATCH: usize = 256;
const LIMIT: u64 = BATCH as u64;
/// How long a row outlives its files: longer than a worker's lease and deadline,
/// and than an upload that no deadline stops may stand still.
const REST: Duration = Duration::from_mins(2);
/// How long an agent's leaving is remembered.
const DEPARTURES_KEPT: Duration = Duration::from_mins(5);

/// Runs until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let settings = &app.settings.retention;
    let mut sweeps = interval(Duration::from_millis(settings.sweep_ms));
    let mut orphans = interval(Duration::from_secs(settings.orphans_s));
    for ticks in [&mut sweeps, &mut orphans] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let (what, result) = tokio::select! {
            () = stop.cancelled() => return,
            _ = sweeps.tick() => ("what nobody is shown", stop.run_until_cancelled(sweep(&app)).await),
            () = app.sweep.notified() => ("what nobody is shown", stop.run_until_cancelled(sweep(&app)).await),
            _ = orphans.tick() => ("objects without a row", stop.run_until_cancelled(count_orphans(&app)).await),
        };
        if let Some(Err(Failure { cause, .. })) = result {
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
        while !app.db.room_sweep(&room, LIMIT).await? {
            // Its files go before its row does, so they are next.
            if remove(app).await? == 0 {
                break;
            }
        }
    }
    while !app.db.media_release(unattached, deleted, LIMIT).await?.is_empty() {}
    while app.db.messages_forget(deleted, LIMIT).await? > 0 {}
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

/// Deletes the files of objects that are gone, and their rows once they rested.
/// Returns how many objects were new to it.
async fn remove(app: &App) -> Result<u64, Failure> {
    let (mut after, mut news) = (None, 0);
    loop {
        let some = app.db.media_gone(after, LIMIT).await?;
        let Some(last) = some.last().map(|(id, _)| *id) else { return Ok(news) };
        for (id, _) in some {
            let files = app.store.delete_folder(&ObjectKey::folder(id)).await?;
            if files > 0 {
                news += 1;
                tracing::info!(media = %id, files, "files removed");
            }
            if app.db.media_forget(id, REST).await? {
                metrics::counter!("heim_media_objects_removed_total").increment(1);
            }
        }
        after = Some(last);
    }
}

/// Counts objects of the store whose media object has no row: an upload whose
/// coordinator died, or a commit whose answer was lost.
async fn count_orphans(app: &App) -> Result<(), Failure> {
    let mut orphans = 0;
    let all = app.store.list().await?;
    for some in all.chunks(BATCH) {
        let named: Vec<_> = some.iter().map(|(key, _)| key.media()).collect();
        let ids: HashSet<MediaId> = named.iter().copied().flatten().collect();
        let known = app.db.media_exist(&ids.into_iter().collect::<Vec<_>>()).await?;
        orphans += named.iter().filter(|media| media.is_none_or(|media| !known.contains(&media))).count() as u64;
    }
    set("heim_store_objects", "orphaned", orphans);
    set("heim_store_objects", "all", all.len() as u64);
    Ok(())
}

fn set(name: &'static str, state: &'static str, count: u64) {
    // Counts are far below the 53 bits that are exact.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
    metrics::gauge!(name, "state" => state).set(count as f64);
}
