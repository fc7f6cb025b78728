//! `edit-message`: a manager changes, deletes or brings back what somebody said.

use super::{
    ACCESS_DENIED, Answer, Refused, parse, reply,
    send::{check, content_of},
};
use crate::{
    opened,
    rooms::{
        announce,
        deliver::{EditedView, views},
        session::Session,
    },
    view,
};
use heim_common::{EditId, MessageId, Snowflake, room_event::News};
use heim_db::{Edited, MessageEdit};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct EditMessage {
    #[serde(default)]
    id: Snowflake,
    #[serde(default)]
    previous_edit_id: Option<Snowflake>,
    #[serde(default)]
    parent: Option<Snowflake>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    delete: bool,
    #[serde(default)]
    announce: bool,
}

pub(super) async fn edit(session: &mut Session, data: Option<Value>) -> Answer {
    let EditMessage { id, previous_edit_id, parent, content, delete, announce: is_announced } = parse(data)?;
    let app = &session.app;
    if !app.db.room_is_manager(&session.room, &session.view.id).await? {
        return Err(Refused::Because(ACCESS_DENIED));
    }
    let id = MessageId(id);
    // As in heim, no content and no parent mean: as it was.
    let content = match content.filter(|content| !content.is_empty()) {
        Some(text) => {
            check(&text)?;
            Some(content_of(session, id, text).await?)
        }
        None => None,
    };
    let some = |id: Option<Snowflake>| id.filter(|id| id.0 != 0);
    let edit = EditId(app.ids.snowflake());
    let previous = some(previous_edit_id).map(EditId);
    let change = MessageEdit {
        room: session.room.clone(),
        epoch: session.admission.epoch,
        id,
        edit,
        previous,
        parent: some(parent).map(MessageId),
        content,
        delete,
        announce: is_announced,
        now: app.now(),
    };
    let message = match app.db.message_edit(&change).await? {
        Edited::Edited(message) => message,
        Edited::NotFound => return Err(Refused::Because("message not found")),
        Edited::Inconsistent => return Err(Refused::Because("edit inconsistent")),
        Edited::RoomClosed => return Err(Refused::RoomClosed),
        Edited::InvalidParent => return Err(Refused::Because("invalid parent ID")),
    };
    if is_announced {
        let by = Some(session.view.session_id.clone());
        announce(app, &session.room, News::Edited { message: id, edit, previous, by }).await;
    }
    let spoken = opened::message(app, message).await?;
    let views = views(&spoken);
    reply(&EditedView { edit_id: edit, message: view::edited(app, session.reader(), &spoken, previous) }, views)
}
