//! Step 5: the dispatcher feeds a bounded window of job ids into the queue. The
//! backlog waits in the database, and what is lost from the queue is
//! dispatched again from there.

use crate::app::App;
use heim_common::{JobRef, job::Lane};
use heim_runtime::{failpoint, telemetry::chain};
use std::{collections::BTreeMap, error::Error, time::Duration};
use tokio_util::sync::CancellationToken;

/// Runs until `stop`. It wakes when something was committed, and by itself
/// every sweep, because another coordinator may have committed and died.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let tick = Duration::from_millis(app.settings.jobs.sweep_ms);
    let mut failing = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.dispatch.notified() => {}
            () = tokio::time::sleep(tick) => {}
        }
        match dispatch(&app).await {
            Ok(()) => failing = false,
            // Said once an outage; the backlog is safe in the database.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(error = chain(error.as_ref()), "dispatch pauses");
            }
            Err(_) => {}
        }
    }
}

/// Fills the window once.
async fn dispatch(app: &App) -> Result<(), Box<dyn Error + Send + Sync>> {
    let jobs = &app.settings.jobs;
    let room = app.queue.window().saturating_sub(app.queue.len().await?);
    if room == 0 {
        return Ok(());
    }
    let stale = Duration::from_millis(jobs.redispatch_ms);
    let mut lanes: BTreeMap<Lane, Vec<JobRef>> = BTreeMap::new();
    for (job, lane) in app.db.jobs_due(room as u64, stale).await? {
        lanes.entry(lane).or_default().push(JobRef::new(job));
    }
    failpoint!(JobsChosen);
    for (lane, jobs) in lanes {
        app.queue.push(lane, &jobs).await?;
    }
    failpoint!(JobsPushed);
    Ok(())
}
