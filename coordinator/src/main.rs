//! `heim-coordinator`: serves, migrates its database, and is administered.

use anyhow::Context;
use clap::{Parser, Subcommand};
use heim_coordinator::{Capabilities, ConfigFile, DEFAULT_CONFIG, Elsewhere, admin};
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::{
    Shutdown, clock, config, finding::Standing, forbid_core_dumps, measure, ready, telemetry, traces::Traces,
};
use heim_store::Store;
use std::{path::PathBuf, process::ExitCode, time::Duration};
use tokio::net::TcpListener;

/// The coordinator of heim-media.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// TOML; every key also as `HEIM_MEDIA__SECTION__KEY` in the environment.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves rooms, uploads, downloads, hooks and workers.
    Serve {
        /// Where to listen, instead of `coordinator.listen`.
        #[arg(long)]
        listen: Option<String>,
        /// Print the effective configuration and exit.
        #[arg(long)]
        check_config: bool,
    },
    /// Brings the database's schema up to date.
    Migrate,
    /// Looks after a deployment by hand.
    Admin {
        /// Answer with one JSON document, for programs.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: Admin,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Looks at database, queue, store, keys and clocks, and says what is wrong
    /// and what to do. Ends with 1 if something is.
    Doctor,
    /// Says how Redis is: memory, policy, what it keeps, and what waits in it.
    Queue,
    /// Where the bytes are.
    #[command(subcommand)]
    Store(admin::store::StoreCommand),
    #[command(flatten)]
    By(admin::Command),
}

fn main() -> anyhow::Result<ExitCode> {
    forbid_core_dumps()?;
    let Arguments { command, config } = Arguments::parse();
    let mut file: ConfigFile<Elsewhere> = config::load(DEFAULT_CONFIG, config.as_deref())?;
    file.store = file.store.or_aws(config::variable);
    telemetry::init(&file.log)?;
    let is_served = matches!(command, Command::Serve { check_config: false, .. });
    let begin = || Traces::begin(&file.traces, "heim-coordinator", env!("CARGO_PKG_VERSION"));
    let _traces = is_served.then(begin).transpose()?;
    tokio::runtime::Runtime::new()?.block_on(run(command, file))
}

async fn run(command: Command, mut file: ConfigFile<Elsewhere>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Migrate => Database::connect(&file.database).await?.migrate().await?,
        Command::Admin { json, command: Admin::Doctor } => {
            let found = admin::doctor::examine(&file, clock::system).await;
            ready::print(&if json { found.json() } else { found.to_string() });
            return Ok(if found.worst() == Standing::Wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        Command::Admin { json, command: Admin::Queue } => ready::print(&admin::queue::tell(&file.queue, json).await?),
        Command::Admin { json, command: Admin::Store(command) } => {
            let db = Database::connect(&file.database).await?;
            let done = admin::store::run(command, &file.store, config::variable, &db, &user()).await?;
            ready::print(&done.print(json));
            return Ok(if done.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Admin { json, command: Admin::By(command) } => {
            let settings = file.settings()?;
            let db = Database::connect(&file.database).await?;
            let queue = Queue::connect(&file.queue).await;
            if let Err(error) = &queue {
                tracing::warn!(
                    error = telemetry::chain(error),
                    "coordinators are not told; they will see it in the database"
                );
            }
            let store = command.wants_store().then(|| Store::open(&file.store)).transpose()?;
            let user = user();
            let hands = admin::Hands {
                settings: &settings,
                db: &db,
                store: store.as_ref(),
                queue: queue.as_ref().ok(),
                user: &user,
            };
            Box::pin(admin::run(command, json, hands)).await?;
        }
        Command::Serve { listen, check_config } => {
            file.coordinator.listen = listen.unwrap_or(file.coordinator.listen);
            let settings = file.settings()?;
            if check_config {
                ready::print(&toml::to_string(&file)?);
                return Ok(ExitCode::SUCCESS);
            }
            let shutdown = Shutdown::new();
            shutdown.on_signals(Duration::from_millis(file.coordinator.grace_ms))?;
            let listen = &file.coordinator.listen;
            let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
            let capabilities = Capabilities {
                db: Database::connect(&file.database).await?,
                store: Store::open(&file.store)?,
                queue: Queue::connect(&file.queue).await?,
                walls: None,
                metrics: measure::begin(&[heim_coordinator::measures::MEASURES])?,
            };
            let address = listener.local_addr()?;
            let says = || ready::print(&format!("ready http://{address}\n"));
            heim_coordinator::serve(listener, settings, capabilities, shutdown, says).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Who types, for the audit.
fn user() -> String {
    let user = ["SUDO_USER", "LOGNAME", "USER"].into_iter().find_map(config::variable);
    user.unwrap_or_else(|| "unknown".to_owned())
}
