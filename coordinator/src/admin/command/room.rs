//! `heim-coordinator admin room …`

use super::CommandError;
use crate::{
    admin::{
        Made, Tools, Wanted, delete_room, make_room, rewrap, rotate_key,
        said::{Said, json, tried},
        would_change_passcode,
    },
    passcode,
};
use clap::Subcommand;
use heim_common::RoomName;
use serde_json::json;
use std::io::{BufRead, Read, stdin};
use zeroize::Zeroizing;

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
        /// Says whether it would be another one.
        #[arg(long)]
        dry_run: bool,
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
        /// Says what would be deleted.
        #[arg(long)]
        dry_run: bool,
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
        /// Says how much that would be, and which of it does not open.
        #[arg(long)]
        dry_run: bool,
    },
}

impl RoomCommand {
    pub(super) fn wants_passcode(&self) -> bool {
        matches!(self, Self::Create { public: false, .. } | Self::Passcode { .. })
    }
}

pub(super) async fn run(
    command: RoomCommand,
    passcode: Option<String>,
    tools: Tools<'_>,
) -> Result<Said, CommandError> {
    let wanted = passcode.map_or(Wanted::Public, |passcode| Wanted::Private { passcode });
    match command {
        RoomCommand::Create { room, public } => {
            if tools.db.room(&room).await?.is_some() {
                return Err(CommandError::Refused(format!("there is a room {room} already")));
            }
            make_room(tools, &room, wanted).await?;
            Ok(Said::new(format!("{room} created\n"), json!({ "room": room, "private": !public, "created": true })))
        }
        RoomCommand::Passcode { room, dry_run } => change_passcode(tools, &room, wanted, dry_run).await,
        RoomCommand::Show { room } => show(tools, &room).await,
        RoomCommand::List => list(tools).await,
        RoomCommand::Delete { room, dry_run } => delete(tools, &room, dry_run).await,
        RoomCommand::RotateKey { room } => {
            let key = format!("v1/{}", rotate_key(tools, &room).await?);
            Ok(Said::new(format!("{room} has key {key}\n"), json!({ "room": room, "key": key })))
        }
        RoomCommand::Rewrap { room, dry_run } => {
            let done = rewrap(tools, &room, dry_run).await?;
            let (media, messages, keys) = (done.media, done.messages, done.keys_removed);
            let would = if dry_run { "would be " } else { "" };
            let text = format!(
                "{media} media objects and {messages} messages {would}rewrapped, {keys} old keys {would}removed"
            );
            let said = tried(json(done), dry_run);
            Ok(match done.left {
                0 => Said::new(text + "\n", said),
                left => Said::in_part(format!("{text}; {left} rows could not be: the log says why"), said),
            })
        }
    }
}

async fn change_passcode(
    tools: Tools<'_>,
    room: &RoomName,
    wanted: Wanted,
    dry_run: bool,
) -> Result<Said, CommandError> {
    let found = tools.db.room(room).await?.filter(|room| room.private);
    let found = found.ok_or_else(|| CommandError::Refused(format!("there is no private room {room}")))?;
    let changed = match &wanted {
        Wanted::Private { passcode } if dry_run => would_change_passcode(tools, &found, passcode).await?,
        _ => match make_room(tools, room, wanted).await? {
            Made::PasscodeChanged(news) => {
                tools.voice.tell(room, news).await;
                true
            }
            Made::Created | Made::Unchanged => false,
        },
    };
    let text = match (changed, dry_run) {
        (true, true) => "would have another passcode, and everybody in it would have to enter it anew",
        (true, false) => "has another passcode",
        (false, _) => "had this passcode already",
    };
    Ok(Said::new(format!("{room} {text}\n"), tried(json!({ "room": room, "changed": changed }), dry_run)))
}

async fn delete(tools: Tools<'_>, room: &RoomName, dry_run: bool) -> Result<Said, CommandError> {
    if !dry_run {
        let news = delete_room(tools, room).await?;
        tools.voice.tell(room, news).await;
        let json = json!({ "room": room, "dry_run": false, "deleted": true });
        return Ok(Said::new(format!("{room} deleted; its files are removed by the next sweep\n"), json));
    }
    let unknown = || CommandError::Refused(format!("there is no room {room}"));
    tools.db.room(room).await?.filter(|room| !room.deleted).ok_or_else(unknown)?;
    let usage = async {
        let usage = tools.db.usage(heim_db::UsageBy::Room, Some(room.as_str()), 1).await?.pop();
        Ok((usage, 1))
    };
    let usage = tools.audited("room delete", room.as_str(), true, usage).await?;
    let (media, bytes) = usage.map_or((0, 0), |usage| (usage.media_objects, usage.bytes));
    let text = format!("would delete {room}, its messages and {media} media objects of {bytes} bytes\n");
    Ok(Said::new(text, json!({ "room": room, "dry_run": true, "media_objects": media, "bytes": bytes })))
}

async fn show(tools: Tools<'_>, room: &RoomName) -> Result<Said, CommandError> {
    let found = tools.db.room(room).await?;
    let found = found.ok_or_else(|| CommandError::Refused(format!("there is no room {room}")))?;
    let kind = if found.private { "private" } else { "public" };
    let deleted = if found.deleted { " deleted" } else { "" };
    let mut lines = vec![format!("{room} {kind} epoch {}{deleted}", found.epoch)];
    let managers = tools.db.room_managers(room).await?;
    lines.extend(managers.iter().map(|manager| format!("manager {manager}")));
    let key = tools.db.room_key_current(room).await?;
    lines.extend(key.iter().map(|key| format!("key v1/{} under master key {}", key.id, key.master)));
    let json = json!({
        "room": room,
        "private": found.private,
        "epoch": found.epoch,
        "deleted": found.deleted,
        "created": found.created,
        "managers": managers,
        "key": key.as_ref().map(|key| format!("v1/{}", key.id)),
        "master": key.map(|key| key.master),
    });
    Ok(Said::new(lines.join("\n") + "\n", json))
}

async fn list(tools: Tools<'_>) -> Result<Said, CommandError> {
    const PAGE: u64 = 512;
    let (mut lines, mut all, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let rooms = tools.db.rooms(after.as_ref(), PAGE).await?;
        let Some(last) = rooms.last().map(|room| room.name.clone()) else {
            return Ok(Said::new(lines.concat(), json!({ "rooms": all })));
        };
        for room in rooms.into_iter().filter(|room| !room.deleted) {
            lines.push(format!("{} {}\n", room.name, if room.private { "private" } else { "public" }));
            all.push(json!({ "room": room.name, "private": room.private }));
        }
        after = Some(last);
    }
}

pub(super) fn read_passcode() -> Result<String, CommandError> {
    let mut line = Zeroizing::new(String::new());
    let bound = u64::try_from(passcode::BYTES_MAX).unwrap_or(u64::MAX) + 2;
    stdin().lock().take(bound).read_line(&mut line).map_err(CommandError::Passcode)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
