//! News to packets: who is told, and what exactly. What the news does not carry
//! is read from the database, once for all sessions of a room.

use super::{
    hub::{Member, tell},
    outbox::About,
};
use crate::{
    app::App,
    view::{self, Content},
};
use heim_common::{
    MediaId, MessageId, RoomName, SessionId,
    room_event::{News, RoomEvent},
    spec::TranscodingName,
    wire::Reply,
};
use heim_runtime::telemetry::chain;
use serde::Serialize;

/// Tells the sessions of this coordinator.
pub(crate) async fn deliver(app: &App, event: &RoomEvent) {
    let room = &event.room;
    let delivered = match &event.news {
        News::Join { session } => {
            let others = app.rooms.hub.members(room, |id, _| *id != session.session_id);
            tell(&others, &About::Join(session.session_id.clone()), |_| json(&Reply::event("join-event", session)));
            Ok(())
        }
        News::Part { session } => {
            let others = app.rooms.hub.members(room, |id, _| *id != session.session_id);
            tell(&others, &About::Part(session.session_id.clone()), |_| json(&Reply::event("part-event", session)));
            Ok(())
        }
        News::Nick { session_id, id, from, to } => {
            let nick = NickEvent { session_id, id: id.as_str(), from, to };
            let others = app.rooms.hub.members(room, |id, _| id != session_id);
            tell(&others, &About::Else, |_| json(&Reply::event("nick-event", &nick)));
            Ok(())
        }
        News::Sent { message, by } => sent(app, room, *message, by).await,
        News::Media { seq: _, media, name } => media_event(app, room, *media, name).await,
    };
    if let Err(error) = delivered {
        tracing::warn!(%room, error = chain(&error), "news not delivered; sessions heal from their next snapshot");
    }
}

#[derive(Serialize)]
struct NickEvent<'a> {
    session_id: &'a SessionId,
    id: &'a str,
    from: &'a str,
    to: &'a str,
}

async fn sent(app: &App, room: &RoomName, id: MessageId, by: &SessionId) -> Result<(), heim_db::DbError> {
    let others = app.rooms.hub.members(room, |session, _| session != by);
    if others.is_empty() {
        return Ok(());
    }
    let Some(message) = app.db.message_cut(room, id).await? else { return Ok(()) };
    tell(&others, &About::Message(id), |base| {
        json(&Reply::event("send-event", view::message(app, base, &message, Content::Cut)))
    });
    Ok(())
}

/// A media event goes to the uploader's sessions and, once the object is
/// attached to a live message, to everybody in the room; of these, only to
/// those that asked for media.
async fn media_event(
    app: &App,
    room: &RoomName,
    media: MediaId,
    name: &TranscodingName,
) -> Result<(), heim_db::DbError> {
    let aware = app.rooms.hub.members(room, |_, member| member.is_media_aware());
    if aware.is_empty() {
        return Ok(());
    }
    let Some(object) = app.db.media(media).await?.filter(|object| object.room == *room) else {
        return Ok(());
    };
    let attached = app.db.media_is_attached(media).await?;
    let audience: Vec<Member> =
        aware.into_iter().filter(|member| attached || member.view.id == object.uploader.id).collect();
    tell(&audience, &About::Else, |base| {
        json(&Reply::event("media-upload-event", view::media_event(app, base, &object, name)?))
    });
    Ok(())
}

fn json(packet: &impl Serialize) -> Option<String> {
    serde_json::to_string(packet).inspect_err(|error| tracing::error!(%error, "packet not serialised")).ok()
}
