//! `heim-coordinator admin worker …`

use super::CommandError;
use crate::admin::{
    Tools,
    said::{Said, counted, json, lasting, or_dash, table},
    worker::{is_alive, steer_workers},
};
use clap::{Args, Subcommand};
use heim_common::worker::WorkerState;
use heim_db::WorkerRow;
use serde_json::json;

/// `admin worker …`
#[derive(Clone, Debug, Subcommand)]
pub enum WorkerCommand {
    /// Lists the workers that were heard of lately.
    List,
    /// Lets a worker take no more jobs, until it is resumed. What it holds goes on.
    Pause(WorkerArguments),
    /// Lets a worker take jobs again.
    Resume(WorkerArguments),
    /// Lets a worker take no more jobs, and end when what it holds is done.
    Drain(WorkerArguments),
}

/// Which worker.
#[derive(Clone, Debug, Args)]
pub struct WorkerArguments {
    /// Its name, or `all`.
    worker: String,
    /// Says which workers it would be.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(command: WorkerCommand, tools: Tools<'_>) -> Result<Said, CommandError> {
    match command {
        WorkerCommand::List => Ok(list(&tools.db.workers().await?)),
        WorkerCommand::Pause(arguments) => set(tools, arguments, WorkerState::Paused).await,
        WorkerCommand::Resume(arguments) => set(tools, arguments, WorkerState::Running).await,
        WorkerCommand::Drain(arguments) => set(tools, arguments, WorkerState::Draining).await,
    }
}

async fn set(tools: Tools<'_>, arguments: WorkerArguments, wish: WorkerState) -> Result<Said, CommandError> {
    let WorkerArguments { worker, dry_run } = arguments;
    let name = (worker != "all").then_some(worker.as_str());
    let workers = steer_workers(tools, name, wish, dry_run).await?;
    let verb = match (wish, dry_run) {
        (WorkerState::Running, false) => "go on with their next report",
        (WorkerState::Paused, false) => "take no more jobs from their next report on",
        (_, false) => "end when what they hold is done",
        (WorkerState::Running, true) => "would go on",
        (WorkerState::Paused, true) => "would be paused",
        (_, true) => "would be drained",
    };
    let text = counted(&workers, &format!("workers {verb}"));
    let json = json!({ "dry_run": dry_run, "wish": wish, "workers": workers, "count": workers.len() });
    Ok(Said::new(text, json))
}

fn list(workers: &[WorkerRow]) -> Said {
    let row = |worker: &WorkerRow| {
        let state = match (is_alive(worker), worker.state) {
            (_, WorkerState::Stopped) => "stopped".to_owned(),
            (false, _) => "silent".to_owned(),
            (true, state) if state == worker.wish => state.as_str().to_owned(),
            (true, state) => format!("{}, to be {}", state.as_str(), worker.wish.as_str()),
        };
        // What it last said of its load is past.
        let is_alive = is_alive(worker);
        let down: Vec<_> = worker.missing_walls().map(|(wall, _)| wall).collect();
        [
            worker.name.clone(),
            state,
            worker.version.clone(),
            worker.host.clone(),
            lasting(worker.silent_ms),
            if is_alive {
                format!("{}/{}", worker.jobs.len(), worker.concurrency)
            } else {
                or_dash((!worker.jobs.is_empty()).then(|| format!("had {}", worker.jobs.len())))
            },
            or_dash(is_alive.then(|| format!("{} %", worker.cpu_percent))),
            or_dash(is_alive.then(|| format!("{} MiB", worker.child_memory_bytes >> 20))),
            if down.is_empty() { "all up".to_owned() } else { format!("no {}", down.join(", ")) },
        ]
    };
    let rows: Vec<_> = workers.iter().map(row).collect();
    let headings = ["worker", "state", "version", "host", "heard", "jobs", "cpu", "children", "walls"];
    let all: Vec<_> = workers
        .iter()
        .map(|worker| {
            let mut all = json(worker);
            all["alive"] = is_alive(worker).into();
            all
        })
        .collect();
    Said::new(table(headings, &rows), json!({ "workers": all }))
}
