//! `log`, `get-message` and `who`: what a session asks to be told.

use super::{Answer, Answered, Refused, parse, reply};
use crate::{
    opened,
    rooms::{deliver::views, session::Session},
    view::{self, Length},
};
use heim_common::{MessageId, Snowflake};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most messages in one reply.
const LOG_MAX: i64 = 1000;

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    n: i64,
    #[serde(default)]
    before: Option<Snowflake>,
}

pub(super) async fn log(session: &Session, data: Option<Value>) -> Answer {
    let Log { n, before } = parse(data)?;
    let before = before.filter(|before| before.0 != 0).map(MessageId);
    // heim answers null where nothing was asked for; strict clients want a list.
    let messages = match u64::try_from(n.min(LOG_MAX)) {
        Ok(n) if n > 0 => session.app.db.log(&session.room, n, before).await?,
        _ => Vec::new(),
    };
    let messages = opened::messages(&session.app, messages).await?;
    let views = messages.iter().flat_map(|spoken| views(spoken).to_vec()).collect();
    let log: Vec<_> =
        messages.iter().map(|spoken| view::message(&session.app, session.reader(), spoken, Length::Cut)).collect();
    let mut data = json!({ "log": log });
    if let Some(before) = before {
        data["before"] = json!(before);
    }
    Ok(Answered { data, views })
}

#[derive(Deserialize)]
struct GetMessage {
    #[serde(default)]
    id: Snowflake,
}

pub(super) async fn get_message(session: &Session, data: Option<Value>) -> Answer {
    let GetMessage { id } = parse(data)?;
    match session.app.db.message(&session.room, MessageId(id)).await? {
        Some(message) => {
            let spoken = opened::message(&session.app, message).await?;
            reply(&view::message(&session.app, session.reader(), &spoken, Length::Whole), views(&spoken))
        }
        None => Err(Refused::Because("message not found")),
    }
}

pub(super) async fn who(session: &Session) -> Answer {
    Ok(json!({ "listing": session.app.db.sessions(&session.room).await? }).into())
}
