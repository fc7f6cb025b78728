//! What is looked at again and again only to be shown: the backlog, who is here,
//! and whether the parts do their work.

use crate::{app::App, measures::precise};
use heim_db::Backlog;
use heim_runtime::{disk::Disk, telemetry::chain};
use metrics::gauge;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Often enough to scale on.
const BACKLOG_TICK: Duration = Duration::from_secs(5);
/// A look writes to the database and to the store.
const PARTS_TICK: Duration = Duration::from_secs(15);

/// Runs until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let (mut backlogs, mut parts) = (interval(BACKLOG_TICK), interval(PARTS_TICK));
    for ticks in [&mut backlogs, &mut parts] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let page = app.metrics.clone();
    let looks = async {
        loop {
            tokio::select! {
                never = page.keep() => match never {},
                _ = backlogs.tick() => backlog(&app).await,
                _ = parts.tick() => {
                    app.readiness.report(&app).await;
                    disks(&app).await;
                }
            }
        }
    };
    stop.run_until_cancelled(Box::pin(looks)).await;
}

async fn backlog(app: &App) {
    gauge!("heim_rooms").set(precise(app.rooms.hub.rooms_len() as u64));
    let backlogs = match app.db.backlog().await {
        Ok(backlogs) => backlogs,
        // What the gauges say is old by now; that the database fails, another one says.
        Err(error) => return tracing::debug!(error = chain(&error), "the backlog is not known"),
    };
    for (lane, Backlog { pending, running, oldest }) in backlogs {
        let lane = lane.as_str();
        gauge!("heim_jobs", "lane" => lane, "state" => "pending").set(precise(pending));
        gauge!("heim_jobs", "lane" => lane, "state" => "running").set(precise(running));
        gauge!("heim_jobs_oldest_age_seconds", "lane" => lane).set(oldest.as_secs_f64());
    }
}

/// A server and a bucket have no disk that they tell of.
async fn disks(app: &App) {
    match app.store.disk().await {
        Ok(disk) => tell("store", disk),
        Err(error) => tracing::debug!(error = chain(&error), "the store's disk does not say how full it is"),
    }
    match app.db.disk() {
        Ok(disk) => tell("database", disk),
        Err(error) => tracing::debug!(error = chain(&error), "the database's disk does not say how full it is"),
    }
}

fn tell(part: &'static str, disk: Option<Disk>) {
    if let Some(Disk { free, all }) = disk {
        gauge!("heim_disk_free_bytes", "part" => part).set(precise(free));
        gauge!("heim_disk_bytes", "part" => part).set(precise(all));
    }
}
