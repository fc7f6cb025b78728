//! `send`: a session says something, with or without attachments.

use super::{Answer, Refused, parse, reply};
use crate::{
    keys::KeyError,
    opened,
    rooms::{announce, deliver::views, session::Session},
    view::{self, Length},
};
use heim_common::{MediaId, MessageId, Snowflake, id::ParseIdError, room_event::News};
use heim_db::{Content, NewMessage, Sent};
use serde::Deserialize;
use serde_json::Value;

/// Longest message, in bytes.
const CONTENT_BYTES_MAX: usize = 1 << 20;

#[derive(Deserialize)]
struct Send {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    parent: Option<Snowflake>,
    #[serde(default)]
    attachments: Option<Vec<String>>,
}

pub(super) async fn send(session: &mut Session, data: Option<Value>) -> Answer {
    let Send { content, parent, attachments } = parse(data)?;
    let (content, attachments) = (content.unwrap_or_default(), attachments.unwrap_or_default());
    if session.view.name.is_empty() {
        return Err(Refused::Because("you must choose a name before you may begin chatting"));
    }
    check(&content)?;
    if attachments.len() > session.app.settings.limits.attachments_max {
        return Err(Refused::Because("too many attachments"));
    }
    if !attachments.is_empty() {
        session.ask_for_media();
    }
    let app = &session.app;
    let id = app.ids.message();
    let message = NewMessage {
        id,
        room: session.room.clone(),
        epoch: session.admission.epoch,
        parent: parent.filter(|parent| parent.0 != 0).map(MessageId),
        sender: session.view.clone(),
        content: content_of(session, id, content).await?,
        posted: app.now(),
        attachments: media_ids(&attachments)?,
    };
    match app.db.message_send(&message).await? {
        Sent::Stored(stored) => {
            let news = News::Sent { message: stored.id, by: session.view.session_id.clone() };
            announce(app, &session.room, news).await;
            let spoken = opened::message(app, stored).await?;
            reply(&view::message(app, session.reader(), &spoken, Length::Cut), views(&spoken))
        }
        Sent::InvalidParent => Err(Refused::Because("invalid parent ID")),
        Sent::RoomClosed => Err(Refused::RoomClosed),
        Sent::MediaNotFound => Err(Refused::Because("media not found")),
    }
}

/// What can be the content of a message.
pub(super) fn check(content: &str) -> Result<(), Refused> {
    // PostgreSQL keeps no NUL in text; what one database takes, all must take.
    if content.contains('\0') {
        return Err(Refused::Because("message contains NUL"));
    }
    if content.len() > CONTENT_BYTES_MAX {
        return Err(Refused::Because("message too long"));
    }
    Ok(())
}

/// Content as the row of this message keeps it: sealed in a private room.
pub(super) async fn content_of(session: &Session, id: MessageId, text: String) -> Result<Content, KeyError> {
    if !session.admission.private {
        return Ok(Content::Plain(text));
    }
    let key = session.app.keys.current(&session.app.db, &session.room).await?;
    Ok(Content::Sealed(key.seal_text(id, &text)))
}

fn media_ids(attachments: &[String]) -> Result<Vec<MediaId>, Refused> {
    let parsed: Result<_, _> = attachments.iter().map(|text| text.parse()).collect();
    parsed.map_err(|_: ParseIdError| Refused::Because("media not found"))
}
