//! Step 5: the dispatcher feeds a bounded window of job ids of each lane into the
//! queue. The backlog waits in the database, and what is lost from the queue is
//! dispatched again from there.

use crate::app::App;
use heim_common::{JobId, JobRef, job::Lane};
use heim_db::{Choice, Cursors};
use heim_runtime::{failpoint, telemetry::chain};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Of this many parts of the window that workers have emptied, each wakes the
/// dispatcher while there is a backlog.
const PARTS_OF_WINDOW: usize = 8;

/// The bell of the dispatcher.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Notify,
    /// Whether jobs waited in the database when the window was full.
    backlog: AtomicBool,
    /// Jobs that were claimed since the bell was rung for that.
    claimed: AtomicUsize,
}

impl Bell {
    /// There is something to dispatch.
    pub(crate) fn ring(&self) {
        self.rung.notify_one();
    }

    /// A job was claimed, so that there is room for another in the window.
    pub(crate) fn claimed(&self, window: usize) {
        if !self.backlog.load(Ordering::Relaxed) {
            return;
        }
        if self.claimed.fetch_add(1, Ordering::Relaxed) + 1 >= window / PARTS_OF_WINDOW {
            self.claimed.store(0, Ordering::Relaxed);
            self.ring();
        }
    }
}

/// Runs until `stop`. It wakes when something was committed, and by itself
/// every sweep, because another coordinator may have committed and died.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let tick = Duration::from_millis(app.settings.jobs.sweep_ms);
    let mut cursors = Cursors::default();
    let mut failing = false;
    // What the transport lost, and pauses that ended, are looked for every tick.
    let mut sweep = Instant::now();
    loop {
        let now = Instant::now();
        let is_sweep = now >= sweep;
        if is_sweep {
            sweep = now + tick;
        }
        let mut wake = sweep;
        match dispatch(&app, &mut cursors, is_sweep).await {
            Ok(rests) => {
                failing = false;
                wake = rests.map_or(sweep, |rests| sweep.min(Instant::now() + rests));
            }
            // Said once an outage; the backlog is safe in the database.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(error = chain(error.as_ref()), "dispatch pauses");
            }
            Err(_) => {}
        }
        metrics::gauge!("heim_dispatch_failing").set(f64::from(u8::from(failing)));
        tokio::select! {
            () = stop.cancelled() => return,
            // While it fails, no upload makes it fail once more.
            () = app.bell.rung.notified(), if !failing => {}
            () = sleep_until(wake) => {}
        }
    }
}

/// Fills the windows once. Returns when the next job that rests has rested.
async fn dispatch(
    app: &App,
    cursors: &mut Cursors,
    is_sweep: bool,
) -> Result<Option<Duration>, Box<dyn Error + Send + Sync>> {
    let waiting = app.queue.waiting().await?;
    let paused = app.db.lanes_paused().await?;
    let rests = app.db.jobs_rested().await?;
    let mut wanted = BTreeMap::new();
    for &lane in Lane::ALL {
        let waiting = waiting.get(&lane).copied().unwrap_or(0);
        let is_paused = paused.contains_key(&lane);
        if is_sweep {
            report(lane, waiting, is_paused);
        }
        if is_paused {
            continue;
        }
        if is_sweep {
            let lost =
                app.db.jobs_retell(lane, waiting, Duration::from_millis(app.settings.jobs.redispatch_ms)).await?;
            if lost > 0 {
                metrics::counter!("heim_jobs_redispatched_total", "lane" => lane.as_str()).increment(lost);
                tracing::info!(lane = lane.as_str(), lost, "the queue lost jobs: they are dispatched again");
            }
        }
        let room = app.queue.window().saturating_sub(waiting);
        if room > 0 {
            wanted.insert(lane, room);
        }
    }
    let choice = if wanted.is_empty() { Choice::default() } else { app.db.jobs_choose(&wanted, cursors).await? };
    let is_full = wanted.len() + paused.len() < Lane::ALL.len();
    app.bell.backlog.store(choice.more || is_full, Ordering::Relaxed);
    if !wanted.is_empty() {
        cursors.clone_from(&choice.next);
    }
    if !choice.is_empty() {
        failpoint!(JobsChosen);
        push(app, choice.jobs).await?;
        failpoint!(JobsPushed);
    }
    Ok(rests)
}

/// Tells the queue. Where it does not listen, the rest waits again.
async fn push(app: &App, chosen: BTreeMap<Lane, Vec<JobId>>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut lanes = chosen.into_iter();
    while let Some((lane, jobs)) = lanes.next() {
        let payloads: Vec<_> = jobs.iter().copied().map(JobRef::new).collect();
        if let Err(error) = app.queue.push(lane, &payloads).await {
            // It may have listened all the same: an id that comes twice does no harm.
            let rest = jobs.into_iter().chain(lanes.flat_map(|(_, jobs)| jobs)).collect::<Vec<_>>();
            app.db.jobs_untell(&rest).await?;
            return Err(error.into());
        }
    }
    Ok(())
}

fn report(lane: Lane, waiting: usize, is_paused: bool) {
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    metrics::gauge!("heim_queue_waiting", "lane" => lane.as_str()).set(f64::from(waiting));
    metrics::gauge!("heim_lane_paused", "lane" => lane.as_str()).set(f64::from(u8::from(is_paused)));
}
