//! `GET /room/{room}/ws`: a session.

use super::{
    Served,
    origin::{Origin, base, origin, scheme},
};
use crate::{
    cookie,
    failure::Failure,
    measures,
    rooms::{self, Admission, Joining},
};
use axum::{
    Extension,
    extract::{
        Path, Query, State,
        rejection::QueryRejection,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use heim_common::{RoomName, problem::Code, session::AgentKind};
use heim_runtime::server::Place;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// What is read of a socket at a time. Each socket has a buffer of this size for
/// as long as it lives; what people say is shorter.
const READ_BYTES: usize = 4 << 10;

/// How long a connection waits for its turn to come in.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);

/// `h=1` for people, `media=1` for clients that want media events.
#[derive(Default, Deserialize)]
pub(super) struct Wishes {
    #[serde(default)]
    h: String,
    #[serde(default)]
    media: String,
}

/// Upgrades to heim's socket protocol. A public room comes into being with its
/// first session.
pub(super) async fn connect(
    State(Served { app, shutdown, .. }): State<Served>,
    Path(room): Path<String>,
    wishes: Result<Query<Wishes>, QueryRejection>,
    headers: HeaderMap,
    Extension(place): Extension<Place>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let room: RoomName = room.parse().map_err(|_| Code::RoomNotFound)?;
    let upgrade = upgrade.map_err(|_| Code::UpgradeRequired)?;
    let cookies = match origin(&app, &headers) {
        Origin::Own => headers.get(header::COOKIE).and_then(|value| value.to_str().ok()),
        Origin::Opaque => None,
        Origin::Foreign => return Err(Code::ForeignOrigin.into()),
    };
    // However many come at once, so many ask the database for a room at a time.
    let turn = timeout(TURN_TIMEOUT, Arc::clone(&app.entering).acquire_owned()).await;
    let turn = turn.ok().and_then(Result::ok).ok_or(Code::Unavailable)?;
    let Query(wishes) = wishes.unwrap_or_default();
    let kind = if wishes.h == "1" { AgentKind::Human } else { AgentKind::Bot };
    let agent = cookie::agent(&app.signer, cookies, kind, scheme(&headers) == "https");
    let chair = app.rooms.chairs.take(&agent.id, app.settings.limits.sockets_per_agent).ok_or(Code::TooManySockets)?;
    let heim_db::Room { private, epoch, deleted, .. } = app.db.room_open(&room, app.now()).await?;
    if deleted {
        return Err(Code::RoomNotFound.into());
    }
    if private {
        // Who could be shown nothing of it is told so before the handshake.
        app.keys.current(&app.db, &room).await?;
    }
    let joining = Joining {
        room,
        admission: Admission { private, epoch },
        user: agent.id,
        base: base(&app, &headers),
        media_aware: wishes.media == "1",
        turn,
    };
    let frame_bytes_max = app.settings.limits.frame_bytes_max;
    let mut response = upgrade
        .protocols(["heim1"])
        .read_buffer_size(READ_BYTES)
        .max_message_size(frame_bytes_max)
        .max_frame_size(frame_bytes_max)
        .on_upgrade(move |socket| {
            let tasks = app.tasks.clone();
            tasks.track_future(async move {
                let _open = measures::Socket::open();
                rooms::serve(app, joining, socket, shutdown).await;
                drop((place, chair));
            })
        });
    if let Ok(cookie) = HeaderValue::from_str(&agent.set_cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
