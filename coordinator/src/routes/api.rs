//! `/api/v1`: rooms, their managers, keys and messages, for whoever holds
//! `admin.token`.

use super::{Served, credentials, hooks::Body, problem};
use crate::{
    admin::{self, Made, Wanted},
    app::App,
    failure::Failure,
    rooms::announce,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, post, put},
};
use heim_common::{MessageId, RoomName, UserId, problem::Code};
use heim_db::Room;
use serde::{Deserialize, Serialize};

/// The routes, behind their credentials.
pub(super) fn router(app: &App) -> Router<Served> {
    Router::new()
        .route("/rooms/{room}", put(make_room).get(show_room).delete(delete_room))
        .route("/rooms/{room}/keys", post(rotate_key))
        .route("/rooms/{room}/managers/{agent}", put(add_manager).delete(remove_manager))
        .route("/rooms/{room}/messages/{id}", delete(delete_message))
        .fallback(async || problem::response(Code::NotFound.into()))
        .method_not_allowed_fallback(async || problem::response(Code::MethodNotAllowed.into()))
        .layer(middleware::from_fn_with_state(app.clone(), credentials::require_admin))
}

/// `PUT /rooms/{room}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomWish {
    private: bool,
    /// 1 to 1024 bytes; private rooms only.
    #[serde(default)]
    passcode: Option<String>,
}

/// A room, as operators see it.
#[derive(Serialize)]
struct RoomView {
    name: RoomName,
    private: bool,
    /// Grows with every change of who may be in it.
    epoch: i64,
    /// Unix seconds.
    created: i64,
    managers: Vec<UserId>,
}

fn room_name(text: &str) -> Result<RoomName, Failure> {
    text.parse().map_err(|_| Code::RoomNotFound.into())
}

async fn make_room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    Body(wish): Body<RoomWish>,
) -> Result<Response, Failure> {
    let name: RoomName = room
        .parse()
        .map_err(|error: heim_common::room::ParseRoomError| Failure::with(Code::BadRequest, error.to_string()))?;
    let wanted = match wish {
        RoomWish { private: false, passcode: None } => Wanted::Public,
        RoomWish { private: true, passcode: Some(passcode) } => Wanted::Private { passcode },
        RoomWish { private: false, passcode: Some(_) } => {
            return Err(Failure::with(Code::BadRequest, "A public room has no passcode."));
        }
        RoomWish { private: true, passcode: None } => {
            return Err(Failure::with(Code::BadRequest, "A private room needs a passcode."));
        }
    };
    let work = {
        let (app, name) = (app.clone(), name.clone());
        async move {
            match admin::make_room(app.tools(), &name, wanted).await? {
                Made::Created => Ok(StatusCode::CREATED),
                Made::Unchanged => Ok(StatusCode::OK),
                Made::PasscodeChanged(news) => {
                    announce(&app, &name, news).await;
                    Ok(StatusCode::OK)
                }
            }
        }
    };
    let status = app.see_through(work).await?;
    Ok((status, Json(view(&app, &name).await?)).into_response())
}

async fn show_room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
) -> Result<Json<RoomView>, Failure> {
    view(&app, &room_name(&room)?).await.map(Json)
}

async fn view(app: &App, room: &RoomName) -> Result<RoomView, Failure> {
    let found = app.db.room(room).await?.filter(|room| !room.deleted).ok_or(Code::RoomNotFound)?;
    let Room { name, private, epoch, passcode: _, deleted: _, created } = found;
    Ok(RoomView { managers: app.db.room_managers(&name).await?, name, private, epoch, created: created.seconds() })
}

async fn delete_room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
) -> Result<StatusCode, Failure> {
    let room = room_name(&room)?;
    let work = {
        let app = app.clone();
        async move {
            let news = admin::delete_room(app.tools(), &room).await?;
            announce(&app, &room, news).await;
            app.sweep.notify_one();
            Ok(StatusCode::NO_CONTENT)
        }
    };
    app.see_through(work).await
}

/// The id of a room's key.
#[derive(Serialize)]
struct KeyView {
    /// As clients see it.
    id: String,
}

async fn rotate_key(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
) -> Result<(StatusCode, Json<KeyView>), Failure> {
    let id = admin::rotate_key(app.tools(), &room_name(&room)?).await?;
    Ok((StatusCode::CREATED, Json(KeyView { id: format!("v1/{id}") })))
}

async fn add_manager(
    State(Served { app, .. }): State<Served>,
    Path((room, agent)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let agent = agent_id(&agent)?;
    admin::add_manager(app.tools(), &room_name(&room)?, &agent).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_manager(
    State(Served { app, .. }): State<Served>,
    Path((room, agent)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let room = room_name(&room)?;
    app.db.room(&room).await?.filter(|room| !room.deleted).ok_or(Code::RoomNotFound)?;
    // Whoever is none already is what was asked for.
    admin::remove_manager(app.tools(), &room, &agent_id(&agent)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn agent_id(text: &str) -> Result<UserId, Failure> {
    UserId::parse(text).ok_or_else(|| Failure::with(Code::BadRequest, "An agent's id begins with `agent:` or `bot:`."))
}

async fn delete_message(
    State(Served { app, .. }): State<Served>,
    Path((room, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let room = room_name(&room)?;
    let id: MessageId = id.parse().map_err(|_| Code::MessageNotFound)?;
    let work = {
        let app = app.clone();
        async move {
            if let Some(news) = admin::delete_message(app.tools(), &room, id).await? {
                announce(&app, &room, news).await;
            }
            Ok(StatusCode::NO_CONTENT)
        }
    };
    app.see_through(work).await
}
