//! `heim-coordinator admin purge`

use super::CommandError;
use crate::admin::{
    Tools,
    purge::{PurgeKey, PurgeReport, purge},
    said::{Said, json, table},
};
use clap::Args;
use heim_common::{MediaId, MessageId, RoomName, UserId};
use heim_db::Doomed;

/// `admin purge`
#[derive(Clone, Debug, Args)]
pub struct PurgeArguments {
    #[command(flatten)]
    key: KeyArguments,
    /// Says what would be removed.
    #[arg(long)]
    dry_run: bool,
}

/// What is to be removed: one of these.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct KeyArguments {
    /// A media object.
    #[arg(long)]
    media: Option<MediaId>,
    /// All that a message shows.
    #[arg(long)]
    message: Option<MessageId>,
    /// All that an agent has uploaded: `agent:…` or `bot:…`.
    #[arg(long)]
    agent: Option<String>,
    /// All that was uploaded to a room. The room stays.
    #[arg(long)]
    room: Option<RoomName>,
    /// Every upload of the file with this SHA-256, in all rooms; 64 hexadecimal digits.
    #[arg(long)]
    sha256: Option<String>,
}

fn key(arguments: &KeyArguments) -> Result<PurgeKey, CommandError> {
    let KeyArguments { media, message, agent, room, sha256 } = arguments;
    if let Some(agent) = agent {
        return UserId::parse(agent).map(PurgeKey::Agent).ok_or(CommandError::Agent);
    }
    if let Some(sha256) = sha256 {
        let digits = data_encoding::HEXLOWER_PERMISSIVE.decode(sha256.as_bytes()).ok();
        let digest = digits.and_then(|bytes| bytes.try_into().ok());
        let wrong = || CommandError::Refused("a SHA-256 has 64 hexadecimal digits".to_owned());
        return digest.map(PurgeKey::Sha256).ok_or_else(wrong);
    }
    let key = media.map(PurgeKey::Media).or(message.map(PurgeKey::Message));
    let key = key.or_else(|| room.clone().map(PurgeKey::Room));
    key.ok_or_else(|| CommandError::Refused("say what is to be removed".to_owned()))
}

pub(super) async fn run(arguments: PurgeArguments, tools: Tools<'_>) -> Result<Said, CommandError> {
    let (key, dry_run) = (key(&arguments.key)?, arguments.dry_run);
    let report = purge(tools, &key, dry_run).await?;
    let mut all = json(&report);
    all["dry_run"] = dry_run.into();
    all["count"] = report.media.len().into();
    Ok(Said::new(in_words(&report, dry_run), all))
}

fn in_words(report: &PurgeReport, dry_run: bool) -> String {
    let PurgeReport { media, messages_deleted, messages_changed, files, files_left, rooms_unopened } = report;
    let row = |doomed: &Doomed| {
        let Doomed { media, room, agent, state, objects, bytes, messages: _ } = doomed;
        [media.to_string(), room.to_string(), agent.to_string(), state.clone(), objects.to_string(), bytes.to_string()]
    };
    let rows: Vec<_> = media.iter().map(row).collect();
    let would = if dry_run { "would be " } else { "" };
    let headings = ["media object", "room", "agent", "state", "objects", "bytes"];
    let (deleted, changed) = (messages_deleted.len(), messages_changed.len());
    let mut parts = vec![
        table(headings, &rows),
        format!("{} media objects {would}removed, with {files} files; ", media.len()),
        format!("{deleted} messages {would}deleted, {changed} changed\n"),
    ];
    if *files_left > 0 {
        parts.push(format!("the files of {files_left} media objects are left to the next sweep: the log says why\n"));
    }
    if !rooms_unopened.is_empty() {
        let rooms: Vec<_> = rooms_unopened.iter().map(RoomName::as_str).collect();
        parts.push(format!("keys did not open, so that some of it may be left there: {}\n", rooms.join(", ")));
    }
    parts.concat()
}
