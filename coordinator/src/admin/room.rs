//! Making and deleting rooms, and what is said in them.

use super::Tools;
use crate::failure::Failure;
use heim_common::{EditId, MessageId, RoomKeyId, RoomName, UserId, problem::Code, room_event::News};
use heim_db::{Deleted, Room, RoomCreated};

/// The room that is asked for.
pub(crate) enum Wanted {
    Public,
    Private { passcode: String },
}

/// What became of the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is there now.
    Created,
    /// It was there, just so.
    Unchanged,
    /// It has another passcode now: the room is to be told this.
    PasscodeChanged(News),
}

/// Makes a room, or gives a private one another passcode.
pub(crate) async fn make_room(tools: Tools<'_>, room: &RoomName, wanted: Wanted) -> Result<Made, Failure> {
    let work = Box::pin(async {
        let made = make(tools, room, wanted).await?;
        let count = u64::from(made != Made::Unchanged);
        Ok((made, count))
    });
    tools.audited("room make", room.as_str(), false, work).await
}

async fn make(tools: Tools<'_>, room: &RoomName, wanted: Wanted) -> Result<Made, Failure> {
    match (tools.db.room(room).await?, wanted) {
        (Some(Room { deleted: true, .. }), _) => {
            Err(Failure::with(Code::RoomExists, "It was deleted and is being removed; try again in a moment."))
        }
        (Some(Room { private: false, .. }), Wanted::Public) => Ok(Made::Unchanged),
        (None, Wanted::Public) => {
            let Room { private, deleted, .. } = tools.db.room_open(room, tools.now()).await?;
            if private || deleted {
                return Err(Failure::with(Code::RoomExists, "Somebody else made it at this very moment."));
            }
            Ok(Made::Created)
        }
        (Some(Room { private: true, .. }), Wanted::Public) => {
            Err(Failure::with(Code::RoomExists, "A private room cannot become public."))
        }
        (Some(Room { private: false, .. }), Wanted::Private { .. }) => {
            Err(Failure::with(Code::RoomExists, "A public room cannot become private: its content is not encrypted."))
        }
        (Some(room @ Room { private: true, .. }), Wanted::Private { passcode }) => {
            change_passcode(tools, room, passcode).await
        }
        (None, Wanted::Private { passcode }) => {
            let id = RoomKeyId(tools.ids.snowflake());
            let key = tools.keys.new_room_key(room, id, tools.now()).await?;
            let hash = tools.passcodes.hash(&passcode).await?;
            match tools.db.room_create_private(room, &hash, &key, tools.now()).await? {
                RoomCreated::Created => Ok(Made::Created),
                RoomCreated::Exists(_) => {
                    Err(Failure::with(Code::RoomExists, "Somebody else made it at this very moment."))
                }
            }
        }
    }
}

/// Says whether a private room would have another passcode by this one, and thus shut
/// everybody out.
pub(crate) async fn would_change_passcode(tools: Tools<'_>, room: &Room, passcode: &str) -> Result<bool, Failure> {
    let work = async {
        let changed = !has_passcode(tools, room, passcode).await;
        if changed {
            // Not every text is one.
            tools.passcodes.hash(passcode).await?;
        }
        Ok((changed, u64::from(changed)))
    };
    tools.audited("room make", room.name.as_str(), true, work).await
}

async fn has_passcode(tools: Tools<'_>, room: &Room, passcode: &str) -> bool {
    match &room.passcode {
        Some(hash) => tools.passcodes.verify(passcode.to_owned(), hash.clone()).await,
        None => false,
    }
}

async fn change_passcode(tools: Tools<'_>, room: Room, passcode: String) -> Result<Made, Failure> {
    if has_passcode(tools, &room, &passcode).await {
        return Ok(Made::Unchanged);
    }
    let hash = tools.passcodes.hash(&passcode).await?;
    let epoch = tools.db.room_set_passcode(&room.name, &hash).await?.ok_or(Code::RoomNotFound)?;
    Ok(Made::PasscodeChanged(News::Closed { epoch, deleted: false }))
}

/// Deletes a room with all that is in it, and shreds its keys at once. Returns
/// what the room is to be told.
pub(crate) async fn delete_room(tools: Tools<'_>, room: &RoomName) -> Result<News, Failure> {
    let work = Box::pin(async {
        let epoch = tools.db.room_delete(room, tools.now()).await?.ok_or(Code::RoomNotFound)?;
        tools.keys.forget(Some(room));
        Ok((News::Closed { epoch, deleted: true }, 1))
    });
    tools.audited("room delete", room.as_str(), false, work).await
}

/// Makes an agent a manager of a room.
pub(crate) async fn add_manager(tools: Tools<'_>, room: &RoomName, agent: &UserId) -> Result<(), Failure> {
    let work = async {
        if !tools.db.room_manager_add(room, agent).await? {
            return Err(Code::RoomNotFound.into());
        }
        Ok(((), 1))
    };
    tools.audited("manager add", &format!("room={room} agent={agent}"), false, work).await
}

/// Takes that away, or does not even try; says whether the agent was one.
pub(crate) async fn remove_manager(
    tools: Tools<'_>,
    room: &RoomName,
    agent: &UserId,
    dry_run: bool,
) -> Result<bool, Failure> {
    let work = async {
        let was_one = if dry_run {
            tools.db.room_is_manager(room, agent).await?
        } else {
            tools.db.room_manager_remove(room, agent).await?
        };
        Ok((was_one, u64::from(was_one)))
    };
    tools.audited("manager remove", &format!("room={room} agent={agent}"), dry_run, work).await
}

/// Deletes a message. Returns what the room is to be told, if it was not deleted
/// before.
pub(crate) async fn delete_message(
    tools: Tools<'_>,
    room: &RoomName,
    message: MessageId,
) -> Result<Option<News>, Failure> {
    let work = Box::pin(async {
        let edit = EditId(tools.ids.snowflake());
        match tools.db.message_delete(room, message, edit, tools.now()).await? {
            Deleted::Now { previous } => Ok((Some(News::Edited { message, edit, previous, by: None }), 1)),
            Deleted::Before => Ok((None, 0)),
            Deleted::NotFound => Err(Code::MessageNotFound.into()),
        }
    });
    tools.audited("message delete", &format!("room={room} message={message}"), false, work).await
}
