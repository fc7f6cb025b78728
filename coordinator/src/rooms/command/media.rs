//! `media-upload` and `get-media`. Either makes a session media-aware.

use super::{Answer, Refused, parse, reply};
use crate::{
    life::create::{self, Declared, create},
    opened,
    rooms::{outbox::Views, session::Session},
    view,
};
use heim_common::{MediaId, Trace, media::Uploader};
use heim_db::Shown;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

#[derive(Deserialize)]
struct MediaUpload {
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    width: Option<u32>,
    #[serde(default)]
    height: Option<u32>,
}

pub(super) async fn upload(session: &mut Session, data: Option<Value>, trace: Trace) -> Answer {
    slow_down(session).await;
    // The branch's packet is empty.
    let MediaUpload { content_type, size, width, height } =
        parse(data.filter(|data| !data.is_null()).or_else(|| Some(json!({}))))?;
    let view = &session.view;
    let uploader = Uploader {
        id: view.id.clone(),
        name: view.name.clone(),
        server_id: view.server_id.clone(),
        server_era: view.server_era.clone(),
    };
    let declared = Declared { content_type, size, shape: width.zip(height) };
    match create(&session.app, &session.base, &session.room, session.admission, uploader, declared, trace).await {
        Err(create::Refused::RoomClosed) => Err(Refused::RoomClosed),
        created => reply(&created?, Views::default()),
    }
}

#[derive(Deserialize)]
struct GetMedia {
    id: String,
}

pub(super) async fn get(session: &mut Session, data: Option<Value>) -> Answer {
    slow_down(session).await;
    let GetMedia { id } = parse(data)?;
    let not_found = || Refused::Because("media not found");
    let id: MediaId = id.parse().map_err(|_| not_found())?;
    let db = &session.app.db;
    let object = db.media(id).await?.filter(|object| object.room == session.room).ok_or_else(not_found)?;
    // What was deleted is nobody's to see, until it is undeleted.
    let may_see = match db.media_shown(id).await? {
        Shown::Live => true,
        Shown::Never => object.uploader.id == session.view.id,
        Shown::Deleted => false,
    };
    if !may_see {
        return Err(not_found());
    }
    let object = opened::object(&session.app, object).await?;
    // Not up to its `seq`: see `rooms/viewed.rs`.
    reply(&view::media(&session.app, session.reader(), &object), Views::from([(object.id, 0)]))
}

async fn slow_down(session: &mut Session) {
    session.ask_for_media();
    let wait = session.media_bucket.take(1, session.app.now());
    if !wait.is_zero() {
        session.wait_until(Instant::now() + wait).await;
    }
}
