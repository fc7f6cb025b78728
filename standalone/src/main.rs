//! `heim-media`: coordinator and worker in one process. SQLite, local files and
//! an in-process queue, unless the configuration says otherwise.

mod configuration;
mod run;
mod secrets;

use clap::Parser;
use heim_runtime::traces::Traces;
use std::{path::PathBuf, process::ExitCode};

/// A media service for chat rooms, whole, in one process.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen, instead of `coordinator.listen`.
    #[arg(long)]
    listen: Option<String>,
    /// Where database, files and secrets are kept.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// TOML; every key also as `HEIM_MEDIA__SECTION__KEY` in the environment.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Print the effective configuration and exit.
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(heim_worker::PIXEL_CHILD_ARG) {
        return heim_worker::pixel_child_main();
    }
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            heim_runtime::ready::complain(&format!("heim-media: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> anyhow::Result<()> {
    heim_runtime::forbid_core_dumps()?;
    let configuration = configuration::load(arguments.config.as_deref(), &arguments.data_dir, arguments.listen)?;
    if arguments.check_config {
        heim_runtime::ready::print(&toml::to_string(&configuration)?);
        return Ok(());
    }
    heim_runtime::telemetry::init(&configuration.log)?;
    let _traces = Traces::begin(&configuration.traces, "heim-media", env!("CARGO_PKG_VERSION"))?;
    tokio::runtime::Runtime::new()?.block_on(run::run(configuration))
}
