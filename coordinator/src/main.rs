//! `heim-coordinator`: serves, migrates its database, and is administered.

use anyhow::Context;
use clap::{Parser, Subcommand};
use heim_coordinator::{Capabilities, ConfigFile, DEFAULT_CONFIG, Elsewhere, admin};
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::{Shutdown, config, forbid_core_dumps, ready, telemetry};
use heim_store::Store;
use std::{path::PathBuf, time::Duration};
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
    /// Looks after rooms and keys by hand.
    #[command(subcommand)]
    Admin(admin::Command),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    forbid_core_dumps()?;
    let Arguments { command, config } = Arguments::parse();
    let mut file: ConfigFile<Elsewhere> = config::load(DEFAULT_CONFIG, config.as_deref())?;
    file.store = file.store.or_aws(config::variable);
    telemetry::init(&file.log)?;
    match command {
        Command::Migrate => Ok(Database::connect(&file.database).await?.migrate().await?),
        Command::Admin(command) => {
            let settings = file.settings()?;
            let db = Database::connect(&file.database).await?;
            let queue = Queue::connect(&file.queue).await;
            if let Err(error) = &queue {
                tracing::warn!(
                    error = telemetry::chain(error),
                    "coordinators are not told; they will see it in the database"
                );
            }
            Ok(admin::run(command, &settings, &db, queue.as_ref().ok()).await?)
        }
        Command::Serve { listen, check_config } => {
            file.coordinator.listen = listen.unwrap_or(file.coordinator.listen);
            let settings = file.settings()?;
            if check_config {
                ready::print(&toml::to_string(&file)?);
                return Ok(());
            }
            let shutdown = Shutdown::new();
            shutdown.on_signals(Duration::from_millis(file.coordinator.grace_ms))?;
            let listen = &file.coordinator.listen;
            let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
            let capabilities = Capabilities {
                db: Database::connect(&file.database).await?,
                store: Store::open(&file.store)?,
                queue: Queue::connect(&file.queue).await?,
            };
            let address = listener.local_addr()?;
            let says = || ready::print(&format!("ready http://{address}\n"));
            Ok(heim_coordinator::serve(listener, settings, capabilities, shutdown, says).await?)
        }
    }
}
