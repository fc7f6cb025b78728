//! News to packets: who is told, and what exactly. What the news does not carry
//! is read from the database, once for all sessions of a room.

use super::{
    end::Why,
    hub::{Member, tell},
    outbox::{About, Views},
    viewed::MediaNews,
};
use crate::{
    app::App,
    keys::KeyError,
    opened::{self, Spoken},
    view::{self, Length},
};
use heim_common::{
    EditId, MediaId, MessageId, RoomName, SessionId,
    room_event::{News, RoomEvent},
    spec::TranscodingName,
    wire::{MessageView, Reply},
};
use heim_db::{DbError, Shown};
use heim_runtime::telemetry::chain;
use serde::Serialize;
use std::time::Duration;
use tokio::time::sleep;

/// News that could not be delivered.
#[derive(Debug, thiserror::Error)]
enum NotDelivered {
    #[error("the database did not say what the news is")]
    Database(#[from] DbError),
    #[error("the room's keys did not open what the news is")]
    Keys(#[from] KeyError),
}

/// Pauses before news is delivered again that could not be read.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1), Duration::from_secs(3)];

impl NotDelivered {
    fn is_passing(&self) -> bool {
        match self {
            Self::Database(error) | Self::Keys(KeyError::Database(error)) => error.is_unavailable(),
            Self::Keys(_) => false,
        }
    }
}

/// Tells the sessions of this coordinator. Where that cannot be done, they are
/// sent away: they come back to a snapshot that has the news in it.
pub(crate) async fn deliver(app: &App, event: &RoomEvent) {
    let RoomEvent { room, news, .. } = event;
    for pause in AGAIN.map(Some).into_iter().chain([None]) {
        let Err(error) = try_deliver(app, room, news).await else { return };
        if let Some(pause) = pause.filter(|_| error.is_passing()) {
            tracing::debug!(%room, error = chain(&error), "news is delivered again");
            sleep(pause).await;
            continue;
        }
        tracing::warn!(%room, error = chain(&error), "news not delivered: the room's sessions are to come back");
        return send_away(app, room);
    }
}

/// Has the sessions of a room come back.
pub(super) fn send_away(app: &App, room: &RoomName) {
    for member in app.rooms.hub.members(room, |_, _| true) {
        member.end.end(Why::Unread);
    }
}

async fn try_deliver(app: &App, room: &RoomName, news: &News) -> Result<(), NotDelivered> {
    if let News::Closed { epoch, deleted } = news {
        app.keys.forget(Some(room));
        app.rooms.hub.close(room, *epoch, Why::closed(*deleted));
        return Ok(());
    }
    // Who was shut out hears nothing more, also where the news of that is late.
    match app.db.room(room).await? {
        Some(now) => app.rooms.hub.close(room, now.epoch, Why::closed(now.deleted)),
        None => app.rooms.hub.close(room, i64::MAX, Why::RoomDeleted),
    }
    match news {
        News::Join { session } => {
            let packet = json(&Reply::event("join-event", session));
            others(app, room, &session.session_id, &About::Join(session.session_id.clone()), packet.as_ref());
        }
        News::Part { session } => {
            let packet = json(&Reply::event("part-event", session));
            others(app, room, &session.session_id, &About::Part(session.session_id.clone()), packet.as_ref());
        }
        News::Nick { session_id, id, from, to } => {
            let packet = json(&Reply::event("nick-event", NickEvent { session_id, id: id.as_str(), from, to }));
            others(app, room, session_id, &About::Else, packet.as_ref());
        }
        News::Partition { server_id, server_era } => partition(app, room, server_id, server_era),
        News::Sent { message, by } => sent(app, room, *message, by).await?,
        News::Edited { message, edit, previous, by } => {
            edited(app, room, *message, *edit, *previous, by.as_ref()).await?;
        }
        News::Media { seq, media, name } => media_event(app, room, *media, name, *seq).await?,
        News::Closed { .. } => {}
    }
    Ok(())
}

#[derive(Serialize)]
struct NickEvent<'a> {
    session_id: &'a SessionId,
    id: &'a str,
    from: &'a str,
    to: &'a str,
}

/// `network-event`: to clients, that all sessions of a coordinator left.
#[derive(Serialize)]
struct NetworkEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    server_id: &'a str,
    server_era: &'a str,
}

/// `edit-message-event`.
#[derive(Serialize)]
pub(super) struct EditedView {
    pub(super) edit_id: EditId,
    #[serde(flatten)]
    pub(super) message: MessageView,
}

fn others(app: &App, room: &RoomName, but: &SessionId, about: &About, packet: Option<&String>) {
    let others = app.rooms.hub.members(room, |id, _| id != but);
    tell(&others, about, &Views::default(), |_| packet.cloned());
}

fn partition(app: &App, room: &RoomName, server_id: &str, server_era: &str) {
    let here = app.rooms.hub.members(room, |_, member| member.view.server_era != server_era);
    let event = Reply::event("network-event", NetworkEvent { kind: "partition", server_id, server_era });
    let packet = json(&event);
    tell(&here, &About::Else, &Views::default(), |_| packet.clone());
}

async fn sent(app: &App, room: &RoomName, id: MessageId, by: &SessionId) -> Result<(), NotDelivered> {
    let others = app.rooms.hub.members(room, |session, _| session != by);
    let Some(spoken) = read(app, room, id, &others).await? else { return Ok(()) };
    tell(&others, &About::Message(id), &views(&spoken), |reader| {
        json(&Reply::event("send-event", view::message(app, reader, &spoken, Length::Cut)))
    });
    Ok(())
}

async fn edited(
    app: &App,
    room: &RoomName,
    id: MessageId,
    edit_id: EditId,
    previous: Option<EditId>,
    by: Option<&SessionId>,
) -> Result<(), NotDelivered> {
    let others = app.rooms.hub.members(room, |session, _| Some(session) != by);
    let Some(spoken) = read(app, room, id, &others).await? else { return Ok(()) };
    tell(&others, &About::Else, &views(&spoken), |reader| {
        let message = view::edited(app, reader, &spoken, previous);
        json(&Reply::event("edit-message-event", EditedView { edit_id, message }))
    });
    Ok(())
}

/// The message, if there is anybody to be told of it.
async fn read(app: &App, room: &RoomName, id: MessageId, audience: &[Member]) -> Result<Option<Spoken>, NotDelivered> {
    if audience.is_empty() {
        return Ok(None);
    }
    match app.db.message_cut(room, id).await? {
        Some(message) => Ok(Some(opened::message(app, message).await?)),
        None => Ok(None),
    }
}

/// The views of media objects that a view of this message has in it.
pub(super) fn views(spoken: &Spoken) -> Views {
    if spoken.message.deleted.is_some() {
        return Views::default();
    }
    spoken.message.attachments.iter().map(|object| (object.id, object.seq)).collect()
}

/// A media event goes to the uploader's sessions and, once the object is
/// attached to a live message, to everybody in the room; of these, only to
/// those that asked for media.
async fn media_event(
    app: &App,
    room: &RoomName,
    media: MediaId,
    name: &TranscodingName,
    seq: i64,
) -> Result<(), NotDelivered> {
    let aware = app.rooms.hub.members(room, |_, member| member.is_media_aware());
    if aware.is_empty() {
        return Ok(());
    }
    let Some(object) = app.db.media(media).await?.filter(|object| object.room == *room) else {
        return Ok(());
    };
    let object = opened::object(app, object).await?;
    let is_uploaders = |member: &Member| member.view.id == object.uploader.id;
    let (uploaders, mut others): (Vec<_>, Vec<_>) = aware.into_iter().partition(is_uploaders);
    if !others.is_empty() && app.db.media_shown(media).await? != Shown::Live {
        others.clear();
    }
    let is_failure = object.transcoding(name).is_none();
    for (audience, is_uploaders) in [(uploaders, true), (others, false)] {
        tell(
            &audience,
            &About::Media(MediaNews { media, seq, is_uploaders, is_failure }),
            &Views::default(),
            |reader| json(&Reply::event("media-upload-event", view::media_event(app, reader, &object, name)?)),
        );
    }
    Ok(())
}

fn json(packet: &impl Serialize) -> Option<String> {
    serde_json::to_string(packet).inspect_err(|error| tracing::error!(%error, "packet not serialised")).ok()
}
