//! `heim-coordinator admin store …`: the bytes themselves. Nothing here touches
//! a row.

mod migrate;
mod progress;

use super::CommandError;
use crate::failure::Failure;
use clap::Subcommand;
use heim_db::{Act, Database};
use heim_runtime::telemetry::chain;
use heim_store::{Moving, Store, StoreConfig, StoreError, Trial};
use migrate::{Over, migrate};
pub use progress::Done;
use std::num::NonZeroUsize;

/// `admin store …`
#[derive(Clone, Debug, Subcommand)]
pub enum StoreCommand {
    /// Copies all objects from one store to another, and reads each back. The
    /// service may run meanwhile, and the command may be run again: it goes on
    /// where it was, and finds what is damaged. docs/operations/store.md says how
    /// the service comes over. Ends with 1 if an object is not in the second store.
    Migrate {
        /// The store that objects are in: `file:///folder` or `s3://bucket/prefix`.
        from: String,
        /// The store that they are copied to. What the section `store` says of
        /// servers and keys holds for both.
        to: String,
        /// Believes an object that is there and has the right size, instead of
        /// reading it: for passes before the last.
        #[arg(long)]
        by_size: bool,
        /// Objects at a time. Each takes up to 11 MiB of memory.
        #[arg(long, value_name = "N", default_value = "8")]
        at_once: NonZeroUsize,
        /// Says how many objects would be copied, and which are not right where they
        /// are. Reads what is compared, writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Carries out a command, and notes in the audit that it was begun and how many
/// objects were copied.
///
/// # Errors
/// If it could not begin, or not be gone on with.
pub async fn run(
    command: StoreCommand,
    config: &StoreConfig,
    variable: impl Fn(&str) -> Option<String>,
    db: &Database,
    user: &str,
) -> Result<Done, CommandError> {
    if !db.pending_migrations().await.map_err(Failure::from)?.is_empty() {
        return Err(CommandError::NotMigrated);
    }
    let StoreCommand::Migrate { from, to, by_size, at_once, dry_run } = command;
    if from == to {
        return Err(CommandError::Refused("FROM and TO are the same store".to_owned()));
    }
    let config = StoreConfig { url: to.clone(), fallback_url: from.clone(), ..config.clone() }.or_aws(variable);
    let failed = |error: StoreError| CommandError::Failed(error.to_string(), error.into());
    let found = Store::find_at(&config, &from).map_err(failed)?;
    let found = found.ok_or_else(|| CommandError::Refused(format!("there is no folder {from}")))?;
    let over = if dry_run {
        Over::Trial(Trial { from: found, to: Store::find_at(&config, &to).map_err(failed)?, by_size })
    } else {
        Over::Moving(Moving { from: found, to: Store::open_at(&config, &to).map_err(failed)?, by_size })
    };
    let (who, subject) = (format!("shell:{user}"), format!("from={from} to={to}"));
    let act = Act { who: &who, action: "store migrate", subject: &subject, dry_run };
    let seq = db.audit_begin(&act).await.map_err(Failure::from)?;
    let done = migrate(db, &over, at_once.get()).await?;
    if let Err(error) = db.audit_end(seq, done.copied()).await {
        tracing::warn!(seq, error = chain(&error), "done, and not noted as done in the audit");
    }
    Ok(done)
}
