//! Logs: to standard error, pretty or as JSON.

use crate::json_lines::JsonLines;
use serde::{Deserialize, Serialize};
use std::{error::Error, io::IsTerminal};
use tracing_subscriber::{EnvFilter, fmt::format::JsonFields};

/// The section `log`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What is logged, in the syntax of tracing-subscriber's `EnvFilter`.
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// For collectors: one JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn,sea_orm_migration=warn".to_owned(), format: LogFormat::default() }
    }
}

/// A filter that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("log.filter is not a filter")]
pub struct InvalidFilter(#[from] tracing_subscriber::filter::ParseError);

/// An error with all its sources, for the log: a library's `Display` leaves its
/// source to whoever prints the chain.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Starts logging for the whole process. A second call changes nothing.
///
/// # Errors
/// If `log.filter` cannot be understood.
pub fn init(config: &LogConfig) -> Result<(), InvalidFilter> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // The only error is that somebody was here before, and then they are in charge.
    let _ = match config.format {
        LogFormat::Pretty => base.try_init(),
        LogFormat::Json => base.fmt_fields(JsonFields::new()).event_format(JsonLines).try_init(),
    };
    Ok(())
}
