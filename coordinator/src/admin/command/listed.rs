//! `heim-coordinator admin usage`, `orphan …` and `audit …`

use super::CommandError;
use crate::{
    admin::{
        Tools,
        orphan::remove_orphans,
        said::{Said, at, counted, json, or_dash, table},
    },
    config::Settings,
};
use clap::{Args, Subcommand};
use heim_common::UserId;
use heim_db::{AuditRow, StrayRow, Usage, UsageBy};
use serde_json::json;
use std::time::Duration;

/// `admin usage`
#[derive(Clone, Debug, Args)]
pub struct UsageArguments {
    /// By room; or of this room alone.
    #[arg(long, num_args = 0..=1, default_missing_value = "", conflicts_with = "agent")]
    room: Option<String>,
    /// By agent; or of this agent alone.
    #[arg(long, num_args = 0..=1, default_missing_value = "")]
    agent: Option<String>,
    /// How many, those first that have most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    limit: u64,
}

pub(super) async fn usage(arguments: UsageArguments, tools: Tools<'_>) -> Result<Said, CommandError> {
    let UsageArguments { room, agent, limit } = arguments;
    let (by, word, only) = match (room, agent) {
        (_, Some(agent)) => {
            if !agent.is_empty() && UserId::parse(&agent).is_none() {
                return Err(CommandError::Agent);
            }
            (UsageBy::Agent, "agent", agent)
        }
        (room, None) => (UsageBy::Room, "room", room.unwrap_or_default()),
    };
    let only = Some(only).filter(|only| !only.is_empty());
    let usage = tools.db.usage(by, only.as_deref(), limit).await?;
    let row = |usage: &Usage| {
        let Usage { name, media_objects, objects, bytes } = usage;
        [name.clone(), media_objects.to_string(), objects.to_string(), bytes.to_string()]
    };
    let rows: Vec<_> = usage.iter().map(row).collect();
    let text = table([word, "media objects", "objects", "bytes"], &rows);
    Ok(Said::new(text, json!({ "by": word, "usage": json(&usage) })))
}

/// `admin orphan …`
#[derive(Clone, Debug, Subcommand)]
pub enum OrphanCommand {
    /// Lists what does not fit together between store and rows.
    List {
        /// Only those after this name: the last of the page before.
        #[arg(long)]
        after: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
        limit: u64,
    },
    /// Removes objects that no row names, without waiting for
    /// `retention.orphans_kept_s`.
    Remove {
        /// Which.
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// All that are known.
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// Says what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn orphan(
    command: OrphanCommand,
    tools: Tools<'_>,
    settings: &Settings,
) -> Result<Said, CommandError> {
    match command {
        OrphanCommand::List { after, limit } => {
            let strays = tools.db.strays_page(None, after.as_deref(), limit).await?;
            let row =
                |StrayRow { name, kind, seen, looked }: &StrayRow| [name.clone(), kind.clone(), at(*seen), at(*looked)];
            let rows: Vec<_> = strays.iter().map(row).collect();
            let next = strays.last().filter(|_| strays.len() as u64 == limit).map(|stray| stray.name.clone());
            let text = table(["name", "kind", "known since", "last found"], &rows);
            Ok(Said::new(text, json!({ "strays": json(&strays), "next": next })))
        }
        OrphanCommand::Remove { names, all, dry_run } => {
            // An upload that is before its commit looks like an orphan, too.
            let known = Duration::from_millis(settings.limits.body_timeout_ms);
            let removed = remove_orphans(tools, (!all).then_some(names.as_slice()), known, dry_run).await?;
            let verb = if dry_run { "would be removed" } else { "removed" };
            let text = counted(&removed, &format!("objects {verb}"));
            Ok(Said::new(text, json!({ "dry_run": dry_run, "objects": removed, "count": removed.len() })))
        }
    }
}

/// `admin audit …`
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Lists what operators have done, the newest first.
    List {
        /// Only those before this one: the last of the page before.
        #[arg(long)]
        before: Option<i64>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
        limit: u64,
    },
}

pub(super) async fn audit(command: AuditCommand, tools: Tools<'_>) -> Result<Said, CommandError> {
    let AuditCommand::List { before, limit } = command;
    let audit = tools.db.audits(before, limit).await?;
    let row = |AuditRow { seq, at: when, who, action, subject, dry_run, affected }: &AuditRow| {
        let action = if *dry_run { format!("{action} (dry run)") } else { action.clone() };
        [seq.to_string(), at(*when), who.clone(), action, subject.clone(), or_dash(*affected)]
    };
    let rows: Vec<_> = audit.iter().map(row).collect();
    let next = audit.last().filter(|_| audit.len() as u64 == limit).map(|row| row.seq);
    let text = table(["number", "when", "who", "what", "on what", "how many"], &rows);
    Ok(Said::new(text, json!({ "audit": json(&audit), "next": next })))
}
