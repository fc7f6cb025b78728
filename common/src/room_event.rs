//! What coordinators tell one another about a room, over pub/sub.
//!
//! Ids and small values: whoever needs more reads the database. Nothing here is
//! the truth; an event that is lost is healed from the rows it speaks of.

use crate::{EditId, MediaId, MessageId, RoomName, SessionId, UserId, session::SessionView, spec::TranscodingName};
use serde::{Deserialize, Serialize};

/// Something happened in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEvent {
    /// Where.
    pub room: RoomName,
    /// The era of the coordinator that tells it, which has told its own
    /// sessions already.
    pub origin: String,
    /// Its place among all that `origin` has published, from 1 on, so that what
    /// was published twice is heard once. 0: it has none.
    #[serde(default)]
    pub n: u64,
    /// What.
    #[serde(flatten)]
    pub news: News,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "kebab-case")]
pub enum News {
    /// A session joined.
    Join {
        /// Which.
        session: SessionView,
    },
    /// A session left.
    Part {
        /// Which.
        session: SessionView,
    },
    /// A session changed its nick.
    Nick {
        /// Which.
        session_id: SessionId,
        /// Whose.
        id: UserId,
        /// The nick before.
        from: String,
        /// The nick now.
        to: String,
    },
    /// A message was committed.
    Sent {
        /// Which.
        message: MessageId,
        /// By whom: they get a reply instead of an event.
        by: SessionId,
    },
    /// A change of a message was committed.
    Edited {
        /// The message.
        message: MessageId,
        /// The change.
        edit: EditId,
        /// The change before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<EditId>,
        /// By whom: they get a reply instead of an event. `None`: not by a session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<SessionId>,
    },
    /// A coordinator died, and all its sessions with it.
    Partition {
        /// Its name in views of sessions.
        server_id: String,
        /// Which start of it.
        server_era: String,
    },
    /// Who may be in the room changed (a new passcode), or the room is gone:
    /// sessions that joined before must join anew.
    Closed {
        /// The room's epoch from now on.
        epoch: i64,
        /// Whether it is gone.
        deleted: bool,
    },
    /// A row of the table `event` was committed.
    Media {
        /// Its place in the table.
        seq: i64,
        /// The media object it is about.
        media: MediaId,
        /// The transcoding that became available, or never will.
        name: TranscodingName,
    },
}
