//! `heim-coordinator admin …`: the same from the shell.

use super::{LaneCommand, Made, Tools, Wanted, delete_room, lane, make_room, rewrap, rotate_key, rotate_master};
use crate::{
    app::Ids,
    config::Settings,
    failure::Failure,
    passcode::{self, Passcodes},
    start::take_number,
};
use clap::Subcommand;
use heim_common::{
    RoomName, UserId,
    room_event::{News, RoomEvent},
};
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::{clock, ready, telemetry::chain};
use std::io::{BufRead, Read, stdin};
use zeroize::Zeroizing;

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
}

/// `admin room …`
#[derive(Clone, Debug, Subcommand)]
pub enum RoomCommand {
    /// Makes a private room; its passcode is the first line of standard input.
    Create {
        /// `[a-z0-9]+`
        room: RoomName,
        /// A public room: without a passcode.
        #[arg(long)]
        public: bool,
    },
    /// Gives a private room another passcode, the first line of standard input.
    /// Everybody in it has to enter it anew.
    Passcode {
        /// Which.
        room: RoomName,
    },
    /// Says what is known of a room.
    Show {
        /// Which.
        room: RoomName,
    },
    /// Lists all rooms.
    List,
    /// Deletes a room with all that is in it. Nothing brings it back.
    Delete {
        /// Which.
        room: RoomName,
    },
    /// Gives a private room a new key. What is there stays under the old one.
    RotateKey {
        /// Which.
        room: RoomName,
    },
    /// Brings all that a private room has under its newest key.
    Rewrap {
        /// Which.
        room: RoomName,
    },
}

/// `admin manager …`
#[derive(Clone, Debug, Subcommand)]
pub enum ManagerCommand {
    /// Makes an agent a manager of a room.
    Add {
        /// Where.
        room: RoomName,
        /// `agent:…` or `bot:…`
        agent: String,
    },
    /// Takes that away.
    Remove {
        /// Where.
        room: RoomName,
        /// `agent:…` or `bot:…`
        agent: String,
    },
}

/// `admin keys …`
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Wraps all room keys with `keys.master`, so that no key in
    /// `keys.previous` is needed any more.
    RotateMaster,
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

/// Carries out a command, and says on standard output what was done. Without a
/// queue, coordinators find out by themselves, within seconds.
///
/// # Errors
/// If it was refused or failed; nothing has changed then, or running it again
/// goes on from there.
pub async fn run(
    command: Command,
    settings: &Settings,
    db: &Database,
    queue: Option<&Queue>,
) -> Result<(), CommandError> {
    if !db.pending_migrations().await.map_err(Failure::from)?.is_empty() {
        return Err(CommandError::NotMigrated);
    }
    // Before a number is leased: whoever types may take their time.
    let passcode = if command.wants_passcode() { Some(read_passcode()?) } else { None };
    let keys = settings.keys.keyring().map_err(|error| CommandError::Failed(error.to_string(), error.into()))?;
    let (number, era) =
        take_number(db, clock::system).await.map_err(|error| CommandError::Failed(error.to_string(), error.into()))?;
    let (passcodes, ids) = (Passcodes::new(), Ids::new(number, clock::system));
    let tools = Tools { db, keys: &keys, passcodes: &passcodes, ids: &ids, clock: clock::system };
    let done = carry_out(command, passcode, tools, queue).await;
    if let Err(error) = db.release_number(number, &era).await {
        tracing::debug!(error = chain(&error), "the number's lease will run out");
    }
    ready::print(&done?);
    Ok(())
}

impl Command {
    fn wants_passcode(&self) -> bool {
        matches!(self, Self::Room(RoomCommand::Create { public: false, .. } | RoomCommand::Passcode { .. }))
    }
}

async fn carry_out(
    command: Command,
    passcode: Option<String>,
    tools: Tools<'_>,
    queue: Option<&Queue>,
) -> Result<String, CommandError> {
    let wanted = passcode.map_or(Wanted::Public, |passcode| Wanted::Private { passcode });
    match command {
        Command::Room(command) => room_command(command, wanted, tools, queue).await,
        Command::Manager(ManagerCommand::Add { room, agent }) => {
            let agent = UserId::parse(&agent).ok_or(CommandError::Agent)?;
            if !tools.db.room_manager_add(&room, &agent).await.map_err(Failure::from)? {
                return Err(CommandError::Refused(format!("there is no room {room}")));
            }
            Ok(format!("{agent} manages {room}\n"))
        }
        Command::Manager(ManagerCommand::Remove { room, agent }) => {
            let agent = UserId::parse(&agent).ok_or(CommandError::Agent)?;
            if !tools.db.room_manager_remove(&room, &agent).await.map_err(Failure::from)? {
                return Err(CommandError::Refused(format!("{agent} is no manager of {room}")));
            }
            Ok(format!("{agent} does not manage {room} any more\n"))
        }
        Command::Lane(command) => lane::run(command, tools.db).await,
        Command::Keys(KeysCommand::RotateMaster) => {
            let done = rotate_master(tools).await?;
            let text = format!("{} room keys wrapped with keys.master", done.rewrapped);
            match done.left {
                0 => Ok(text + "\n"),
                left => Err(CommandError::Refused(format!("{text}; {left} did not open: the log says why"))),
            }
        }
    }
}

async fn room_command(
    command: RoomCommand,
    wanted: Wanted,
    tools: Tools<'_>,
    queue: Option<&Queue>,
) -> Result<String, CommandError> {
    match command {
        RoomCommand::Create { room, public: _ } => {
            if tools.db.room(&room).await.map_err(Failure::from)?.is_some() {
                return Err(CommandError::Refused(format!("there is a room {room} already")));
            }
            make_room(tools, &room, wanted).await?;
            Ok(format!("{room} created\n"))
        }
        RoomCommand::Passcode { room } => {
            let is_private = tools.db.room(&room).await.map_err(Failure::from)?.is_some_and(|room| room.private);
            if !is_private {
                return Err(CommandError::Refused(format!("there is no private room {room}")));
            }
            match make_room(tools, &room, wanted).await? {
                Made::PasscodeChanged(news) => {
                    tell(queue, &room, news).await;
                    Ok(format!("{room} has another passcode\n"))
                }
                Made::Created | Made::Unchanged => Ok(format!("{room} had this passcode already\n")),
            }
        }
        RoomCommand::Show { room } => show(tools, &room).await,
        RoomCommand::List => list(tools).await,
        RoomCommand::Delete { room } => {
            tell(queue, &room, delete_room(tools, &room).await?).await;
            Ok(format!("{room} deleted; its files are removed by the next sweep\n"))
        }
        RoomCommand::RotateKey { room } => Ok(format!("{room} has key v1/{}\n", rotate_key(tools, &room).await?)),
        RoomCommand::Rewrap { room } => {
            let done = rewrap(tools, &room).await?;
            let (media, messages, keys) = (done.media, done.messages, done.keys_removed);
            let text = format!("{media} media objects and {messages} messages rewrapped, {keys} old keys removed");
            match done.left {
                0 => Ok(text + "\n"),
                left => Err(CommandError::Refused(format!("{text}; {left} rows could not be: the log says why"))),
            }
        }
    }
}

async fn show(tools: Tools<'_>, room: &RoomName) -> Result<String, CommandError> {
    let found = tools.db.room(room).await.map_err(Failure::from)?;
    let found = found.ok_or_else(|| CommandError::Refused(format!("there is no room {room}")))?;
    let kind = if found.private { "private" } else { "public" };
    let deleted = if found.deleted { " deleted" } else { "" };
    let mut lines = vec![format!("{room} {kind} epoch {}{deleted}", found.epoch)];
    let managers = tools.db.room_managers(room).await.map_err(Failure::from)?;
    lines.extend(managers.iter().map(|manager| format!("manager {manager}")));
    let key = tools.db.room_key_current(room).await.map_err(Failure::from)?;
    lines.extend(key.map(|key| format!("key v1/{} under master key {}", key.id, key.master)));
    Ok(lines.join("\n") + "\n")
}

async fn list(tools: Tools<'_>) -> Result<String, CommandError> {
    const PAGE: u64 = 512;
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let rooms = tools.db.rooms(after.as_ref(), PAGE).await.map_err(Failure::from)?;
        let Some(last) = rooms.last().map(|room| room.name.clone()) else { return Ok(lines.concat()) };
        for room in rooms.into_iter().filter(|room| !room.deleted) {
            lines.push(format!("{} {}\n", room.name, if room.private { "private" } else { "public" }));
        }
        after = Some(last);
    }
}

fn read_passcode() -> Result<String, CommandError> {
    let mut line = Zeroizing::new(String::new());
    let bound = u64::try_from(passcode::BYTES_MAX).unwrap_or(u64::MAX) + 2;
    stdin().lock().take(bound).read_line(&mut line).map_err(CommandError::Passcode)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Coordinators that do not hear it find it out by themselves within seconds.
async fn tell(queue: Option<&Queue>, room: &RoomName, news: News) {
    let origin = format!("admin.{:016x}", rand::random::<u64>());
    let event = RoomEvent { room: room.clone(), origin, n: 0, news };
    let Some(queue) = queue else { return };
    if let Err(error) = queue.publish(&event).await {
        tracing::warn!(error = chain(&error), "coordinators are not told; they will see it in the database");
    }
}
