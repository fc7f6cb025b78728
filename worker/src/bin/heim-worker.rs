//! `heim-worker`: one worker of the fleet. Reads its configuration, says that
//! it is ready, and works until it is told to stop. `heim-worker pixels` does
//! with files what a worker does with media objects.

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use heim_queue::Queue;
use heim_runtime::{Shutdown, clock, config, finding::Standing, forbid_core_dumps, telemetry, traces::Traces};
use heim_store::Store;
use heim_worker::{
    DEFAULTS, Listener, PIXEL_CHILD_ARG, Settings,
    children::{ChildCommand, Walls},
    doctor, files, pixel_child_main,
};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Makes transcodings: claims jobs, has their pixels made, registers them.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long)]
    config: Option<PathBuf>,
    /// Print the configuration that would be in force, and end.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Pixels(files::FilesArguments),
    /// Looks at coordinator, queue, store and the walls around pixel children from
    /// where the worker is, and says what is wrong and what to do. Ends with 1 if
    /// something is.
    Doctor {
        /// The configuration file (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == PIXEL_CHILD_ARG) {
        return Ok(pixel_child_main());
    }
    let arguments = Arguments::parse();
    if let Some(Command::Pixels(arguments)) = &arguments.command {
        forbid_core_dumps().context("forbidding core dumps")?;
        return Ok(files::main(arguments));
    }
    let file = match &arguments.command {
        Some(Command::Doctor { config, .. }) => config,
        _ => &arguments.config,
    };
    let mut settings: Settings = config::load(DEFAULTS, file.as_deref())?;
    settings.store = settings.store.or_aws(config::variable);
    if arguments.check_config {
        heim_runtime::ready::print(&toml::to_string(&settings)?);
        return Ok(ExitCode::SUCCESS);
    }
    forbid_core_dumps().context("forbidding core dumps")?;
    telemetry::init(&settings.log)?;
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(Command::Doctor { json, .. }) = arguments.command {
        let found = runtime.block_on(doctor::examine(&settings, ChildCommand::this_binary(), clock::system));
        heim_runtime::ready::print(&if json { found.json() } else { found.to_string() });
        return Ok(if found.worst() == Standing::Wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    // Ends after the runtime's last task.
    let traces = Traces::begin(&settings.traces, "heim-worker", env!("CARGO_PKG_VERSION"))?;
    runtime.block_on(work(settings))?;
    drop(runtime);
    drop(traces);
    Ok(ExitCode::SUCCESS)
}

async fn work(settings: Settings) -> anyhow::Result<()> {
    ensure!(settings.queue.url != "memory:", "queue.url: `memory:` is for heim-media, a fleet meets in Redis");
    let known = !settings.hooks.key.is_empty() && !settings.hooks.secret.is_empty();
    ensure!(known, "hooks.key and hooks.secret must be those of the coordinators");
    let shutdown = Shutdown::new();
    // Jobs that outlive their grace are handed back: that takes a moment more.
    shutdown.on_signals(Duration::from_millis(settings.worker.grace_ms) + Duration::from_secs(5))?;
    let queue = Queue::connect(&settings.queue).await?;
    let store = Store::open(&settings.store)?;
    let listener = Listener::open(&settings, &queue, &store).await?;
    let until = shutdown.clone();
    let ready = move |name: &str, walls: &Walls| {
        if let Some(listener) = listener {
            tokio::spawn(listener.serve(walls.clone(), until));
        }
        heim_runtime::ready::print(&format!("ready worker {name}\n"));
    };
    tokio::select! {
        end = heim_worker::run(settings.worker, settings.pixels, settings.hooks, queue, store, shutdown.soft, ready) => Ok(end?),
        () = shutdown.hard.cancelled() => Ok(()),
    }
}
