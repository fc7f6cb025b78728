//! `heim-coordinator admin …`: the same from the shell. Every command answers in words,
//! or with one JSON document; those that destroy, or change many, can be tried first.

mod job;
mod lane;
mod listed;
mod purge;
mod room;
mod worker;

use self::{
    job::JobCommand,
    lane::LaneCommand,
    listed::{AuditCommand, OrphanCommand, UsageArguments},
    purge::PurgeArguments,
    room::RoomCommand,
    worker::WorkerCommand,
};
use super::{
    Tools, add_manager, remove_manager, rotate_master,
    said::{Said, json, tried},
    voice::ByQueue,
};
use crate::{app::Ids, config::Settings, failure::Failure, passcode::Passcodes, start::take_number};
use clap::Subcommand;
use heim_common::UserId;
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::{clock, ready, telemetry::chain};
use heim_store::Store;
use serde_json::json;

/// What an operator does by hand.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Rooms.
    #[command(subcommand)]
    Room(RoomCommand),
    /// Who may edit and delete what others say.
    #[command(subcommand)]
    Manager(ManagerCommand),
    /// Master keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What is worked on.
    #[command(subcommand)]
    Lane(LaneCommand),
    /// Jobs, and what became of them.
    #[command(subcommand)]
    Job(JobCommand),
    /// Workers.
    #[command(subcommand)]
    Worker(WorkerCommand),
    /// Says how much of the store is whose.
    Usage(UsageArguments),
    /// Objects in the store that no row names.
    #[command(subcommand)]
    Orphan(OrphanCommand),
    /// Removes media objects for good: files, rows, and from messages.
    Purge(PurgeArguments),
    /// What operators have done.
    #[command(subcommand)]
    Audit(AuditCommand),
}

impl Command {
    /// Whether the bytes are needed for it: to open a store makes its folder.
    #[must_use]
    pub fn wants_store(&self) -> bool {
        matches!(self, Self::Purge(_) | Self::Orphan(_))
    }
}

/// `admin manager …`
#[derive(Clone, Debug, Subcommand)]
pub enum ManagerCommand {
    /// Makes an agent a manager of a room.
    Add {
        /// Where.
        room: heim_common::RoomName,
        /// `agent:…` or `bot:…`
        agent: String,
    },
    /// Takes that away.
    Remove {
        /// Where.
        room: heim_common::RoomName,
        /// `agent:…` or `bot:…`
        agent: String,
        /// Says whether the agent is one.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `admin keys …`
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Wraps all room keys with `keys.master`, so that no key in
    /// `keys.previous` is needed any more.
    RotateMaster {
        /// Says how many that would be.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Why a command was not carried out, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It was refused.
    #[error("{0}")]
    Refused(String),
    /// It failed.
    #[error("{0}")]
    Failed(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The passcode could not be read.
    #[error("the passcode must be the first line of standard input")]
    Passcode(#[source] std::io::Error),
    /// The database has not the schema of this version.
    #[error("the database's schema is not that of this version: run `heim-coordinator migrate`")]
    NotMigrated,
    /// This is no agent.
    #[error("an agent's id begins with `agent:` or `bot:`")]
    Agent,
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        let Failure { code, detail, cause, .. } = failure;
        let text = detail.unwrap_or_else(|| code.title().to_owned());
        match cause {
            Some(cause) => Self::Failed(text, cause),
            None => Self::Refused(text),
        }
    }
}

impl From<heim_db::DbError> for CommandError {
    fn from(error: heim_db::DbError) -> Self {
        Failure::from(error).into()
    }
}

/// What a command works with.
#[derive(Clone, Copy, Debug)]
pub struct Hands<'a> {
    /// What is in force.
    pub settings: &'a Settings,
    /// The truth.
    pub db: &'a Database,
    /// The bytes, where the command wants them.
    pub store: Option<&'a Store>,
    /// The transport. Without it, coordinators find out by themselves, within seconds.
    pub queue: Option<&'a Queue>,
    /// Who types, for the audit.
    pub user: &'a str,
}

/// Carries out a command, and says on standard output what was done: in words, or as
/// one JSON document.
///
/// # Errors
/// If it was refused or failed; nothing has changed then, or running it again
/// goes on from there.
pub async fn run(command: Command, as_json: bool, hands: Hands<'_>) -> Result<(), CommandError> {
    let Hands { settings, db, store, queue, user } = hands;
    if !db.pending_migrations().await?.is_empty() {
        return Err(CommandError::NotMigrated);
    }
    // Before a number is leased: whoever types may take their time.
    let passcode = match &command {
        Command::Room(command) if command.wants_passcode() => Some(room::read_passcode()?),
        _ => None,
    };
    let keys = settings.keys.keyring().map_err(|error| CommandError::Failed(error.to_string(), error.into()))?;
    let (number, era) =
        take_number(db, clock::system).await.map_err(|error| CommandError::Failed(error.to_string(), error.into()))?;
    let (passcodes, ids) = (Passcodes::new(), Ids::new(number, clock::system));
    let (voice, who) = (ByQueue(queue), format!("shell:{user}"));
    let tools = Tools {
        db,
        store,
        keys: &keys,
        passcodes: &passcodes,
        ids: &ids,
        clock: clock::system,
        voice: &voice,
        who: &who,
    };
    let done = carry_out(command, passcode, tools, settings).await;
    if let Err(error) = db.release_number(number, &era).await {
        tracing::debug!(error = chain(&error), "the number's lease will run out");
    }
    let said = done?;
    ready::print(&said.print(as_json));
    said.left().map_or(Ok(()), |left| Err(CommandError::Refused(left)))
}

async fn carry_out(
    command: Command,
    passcode: Option<String>,
    tools: Tools<'_>,
    settings: &Settings,
) -> Result<Said, CommandError> {
    match command {
        Command::Room(command) => room::run(command, passcode, tools).await,
        Command::Manager(command) => manager(command, tools).await,
        Command::Keys(KeysCommand::RotateMaster { dry_run }) => {
            let done = rotate_master(tools, dry_run).await?;
            let would = if dry_run { "would be " } else { "" };
            let text = format!("{} room keys {would}wrapped with keys.master", done.rewrapped);
            let said = tried(json(done), dry_run);
            Ok(match done.left {
                0 => Said::new(text + "\n", said),
                left => Said::in_part(format!("{text}; {left} did not open: the log says why"), said),
            })
        }
        Command::Lane(command) => lane::run(command, tools).await,
        Command::Job(command) => job::run(command, tools).await,
        Command::Worker(command) => worker::run(command, tools).await,
        Command::Usage(arguments) => listed::usage(arguments, tools).await,
        Command::Orphan(command) => listed::orphan(command, tools, settings).await,
        Command::Purge(arguments) => purge::run(arguments, tools).await,
        Command::Audit(command) => listed::audit(command, tools).await,
    }
}

async fn manager(command: ManagerCommand, tools: Tools<'_>) -> Result<Said, CommandError> {
    let agent_of = |agent: &str| UserId::parse(agent).ok_or(CommandError::Agent);
    match command {
        ManagerCommand::Add { room, agent } => {
            let agent = agent_of(&agent)?;
            if tools.db.room(&room).await?.is_none_or(|room| room.deleted) {
                return Err(CommandError::Refused(format!("there is no room {room}")));
            }
            add_manager(tools, &room, &agent).await?;
            let json = json!({ "room": room, "agent": agent, "manager": true });
            Ok(Said::new(format!("{agent} manages {room}\n"), json))
        }
        ManagerCommand::Remove { room, agent, dry_run } => {
            let agent = agent_of(&agent)?;
            if !remove_manager(tools, &room, &agent, dry_run).await? {
                return Err(CommandError::Refused(format!("{agent} is no manager of {room}")));
            }
            let verb = if dry_run { "would not manage" } else { "does not manage" };
            let json = tried(json!({ "room": room, "agent": agent, "manager": dry_run }), dry_run);
            Ok(Said::new(format!("{agent} {verb} {room} any more\n"), json))
        }
    }
}
