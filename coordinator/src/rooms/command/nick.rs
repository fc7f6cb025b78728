//! `nick`: a session chooses its name.

use super::{Answer, Refused, parse, reply};
use crate::rooms::{announce, nick::normalize, outbox::Views, session::Session};
use heim_common::{SessionId, UserId, room_event::News};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
struct Nick {
    #[serde(default)]
    name: String,
}

#[derive(Serialize)]
struct NickReply<'a> {
    session_id: &'a SessionId,
    id: &'a UserId,
    from: &'a str,
    to: &'a str,
}

pub(super) async fn nick(session: &mut Session, data: Option<Value>) -> Answer {
    let Nick { name } = parse(data)?;
    let to = normalize(&name).ok_or(Refused::Because("invalid nick"))?;
    let from = session.set_name(to.clone());
    if let Err(error) = session.app.db.session_rename(&session.room, &session.view).await {
        session.set_name(from);
        return Err(error.into());
    }
    let (session_id, id) = (&session.view.session_id, &session.view.id);
    let news = News::Nick { session_id: session_id.clone(), id: id.clone(), from: from.clone(), to: to.clone() };
    announce(&session.app, &session.room, news).await;
    reply(&NickReply { session_id, id, from: &from, to: &to }, Views::default())
}
