//! `heim-coordinator`: serves, migrates its database, and is administered.

use anyhow::Context;
use clap::{Parser, Subcommand};
use heim_coordinator::{Capabilities, ConfigFile, DEFAULT_CONFIG, Elsewhere, admin};
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::{Shutdown, clock, config, finding::Standing, forbid_core_dumps, ready, telemetry};
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
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand)]
enum Admin {
    /// Looks at database, queue, store, keys and clocks, and says what is wrong
    /// and what to do. Ends with 1 if something is.
    Doctor {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    By(admin::Command),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    forbid_core_dumps()?;
    let Arguments { command, config } = Arguments::parse();
    let mut file: ConfigFile<Elsewhere> = config::load(DEFAULT_CONFIG, config.as_deref())?;
    file.store = file.store.or_aws(config::variable);
    telemetry::init(&file.log)?;
    match command {
        Command::Migrate => Database::connect(&file.database).await?.migrate().await?,
        Command::Admin(Admin::Doctor { json }) => {
            let found = admin::doctor::examine(&file, clock::system).await;
            ready::print(&if json { found.json() } else { found.to_string() });
            return Ok(if found.worst() == Standing::Wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        Command::Admin(Admin::By(command)) => {
            let settings = file.settings()?;
            let db = Database::connect(&file.database).await?;
            let queue = Queue::connect(&file.queue).await;
            if let Err(error) = &queue {
                tracing::warn!(
                    error = telemetry::chain(error),
                    "coordinators are not told; they will see it in the database"
                );
            }
            admin::run(command, &settings, &db, queue.as_ref().ok()).await?;
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
            };
            let address = listener.local_addr()?;
            let says = || ready::print(&format!("ready http://{address}\n"));
            heim_coordinator::serve(listener, settings, capabilities, shutdown, says).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
