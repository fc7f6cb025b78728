//! Steering workers: they hear of it with their next report, within seconds.

use super::Tools;
use crate::failure::Failure;
use heim_common::{problem::Code, worker::WorkerState};
use heim_db::WorkerRow;

/// A worker that has said nothing for so long is not there, as far as anybody knows.
pub(crate) const SILENT_MS: i64 = 10_000;

/// Whether a worker takes part.
pub(crate) fn is_alive(worker: &WorkerRow) -> bool {
    worker.silent_ms < SILENT_MS && worker.state != WorkerState::Stopped
}

/// Says what is wanted of a worker, or of all that are alive; returns their names, or
/// those of whom it would be wanted.
pub(crate) async fn steer_workers(
    tools: Tools<'_>,
    name: Option<&str>,
    wish: WorkerState,
    dry_run: bool,
) -> Result<Vec<String>, Failure> {
    let action = match wish {
        WorkerState::Paused => "worker pause",
        WorkerState::Draining | WorkerState::Stopped => "worker drain",
        WorkerState::Running => "worker resume",
    };
    let work = async {
        let workers = tools.db.workers().await?;
        let meant = workers.iter().filter(|worker| name.map_or(is_alive(worker), |name| worker.name == name));
        let meant: Vec<_> = meant.collect();
        match (name, meant.first()) {
            (Some(name), None) => {
                return Err(Failure::with(Code::NotFound, format!("no worker {name} was heard of lately")));
            }
            (Some(name), Some(worker)) if !is_alive(worker) => {
                return Err(Failure::with(Code::BadRequest, format!("worker {name} is not there any more")));
            }
            (Some(name), Some(worker)) if worker.wish == WorkerState::Draining && wish != WorkerState::Draining => {
                return Err(Failure::with(Code::BadRequest, format!("worker {name} drains, and ends by itself")));
            }
            _ => {}
        }
        let mut steered = Vec::new();
        // Whoever has begun to end is let end.
        for worker in meant.iter().filter(|worker| worker.wish != WorkerState::Draining || name.is_some()) {
            if dry_run || tools.db.worker_wish(&worker.name, wish).await? {
                steered.push(worker.name.clone());
            }
        }
        let count = steered.len() as u64;
        Ok((steered, count))
    };
    tools.audited(action, name.unwrap_or("all"), dry_run, work).await
}
