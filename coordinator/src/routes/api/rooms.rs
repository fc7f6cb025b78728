//! Rooms and their keys.

use super::{
    asked::{self, Nothing, Query, room_name},
    problems::{ChangingRoom, Looking, LookingAtRoom, MakingKey, MakingRoom},
    words,
};
use crate::{
    admin::{self, Made, Wanted},
    app::App,
    failure::Failure,
    passcode::BYTES_MAX,
    rooms::announce,
    routes::{Served, hooks::Body},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use heim_common::{RoomName, UserId, problem::Code};
use heim_db::Room;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

/// The room that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomWish {
    private: bool,
    /// 1 to 1024 bytes; private rooms only.
    #[serde(default)]
    passcode: Option<String>,
}

impl ToSchema for RoomWish {}

impl PartialSchema for RoomWish {
    /// A private room needs a passcode, and a public one has none.
    fn schema() -> RefOr<Schema> {
        let room = |private: bool, passcode: ObjectBuilder| {
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .property("private", ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([private])))
                .property("passcode", passcode)
                .required("private")
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let passcode = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(BYTES_MAX));
        let passcode = passcode.description(Some(format!("1 to {BYTES_MAX} bytes of UTF-8.")));
        let private = room(true, passcode).required("passcode").description(Some("A private room."));
        let public = room(false, ObjectBuilder::new().schema_type(Type::Null)).description(Some("A public room."));
        OneOfBuilder::new().item(private).item(public).into()
    }
}

/// A room, as operators see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Room)]
pub(super) struct RoomView {
    #[schema(value_type = words::RoomName)]
    name: RoomName,
    private: bool,
    /// Grows with every change of who may be in it.
    epoch: i64,
    /// When it was made, in Unix seconds.
    created: i64,
    /// Who may edit and delete what others say in it.
    #[schema(value_type = Vec<words::AgentId>)]
    managers: Vec<UserId>,
}

/// A room in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedRoom {
    #[schema(value_type = words::RoomName)]
    name: RoomName,
    private: bool,
    /// Grows with every change of who may be in it.
    epoch: i64,
    /// When it was made, in Unix seconds.
    created: i64,
}

/// Rooms by name.
#[derive(Serialize, ToSchema)]
pub(super) struct RoomPage {
    rooms: Vec<ListedRoom>,
    /// The `after` of the next page; `null` where this is the last one.
    #[schema(value_type = Option<words::RoomName>)]
    next: Option<RoomName>,
}

/// Which rooms.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomsAsked {
    /// Only those after this name: `next` of the page before.
    #[serde(default, deserialize_with = "asked::word")]
    #[param(value_type = words::RoomName, required = false)]
    after: Option<RoomName>,
    /// How many.
    #[serde(default = "asked::page_default", deserialize_with = "asked::limit")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u64,
}

/// Lists rooms by name.
///
/// A room that was deleted is not among them, so that a page may be shorter than its
/// limit without being the last one: `next` says.
#[utoipa::path(get, path = "/rooms", tag = "rooms", params(RoomsAsked),
    responses((status = 200, description = "A page.", body = RoomPage), Looking))]
pub(super) async fn list_rooms(
    State(Served { app, .. }): State<Served>,
    Query(RoomsAsked { after, limit }): Query<RoomsAsked>,
) -> Result<Json<RoomPage>, Failure> {
    let page = app.db.rooms(after.as_ref(), limit).await?;
    let next = asked::next(&page, limit, |room| room.name.clone());
    let rooms = page.into_iter().filter(|room| !room.deleted).map(|room| {
        let Room { name, private, epoch, passcode: _, deleted: _, created } = room;
        ListedRoom { name, private, epoch, created: created.seconds() }
    });
    Ok(Json(RoomPage { rooms: rooms.collect(), next }))
}

/// Makes a room, or gives a private one another passcode.
///
/// Public rooms come into being by themselves, too, when somebody enters them. With
/// another passcode everybody in the room is disconnected and has to enter it anew. A
/// room stays of its kind.
#[utoipa::path(put, path = "/rooms/{room}", tag = "rooms",
    params(("room" = inline(words::RoomName), Path, description = "Which.")),
    request_body(content = RoomWish, examples(
        ("private" = (value = json!({ "private": true, "passcode": "open sesame" }))),
        ("public" = (value = json!({ "private": false }))),
    )),
    responses(
        (status = 201, description = "It is there now.", body = RoomView),
        (status = 200, description = "It was there; a private one has this passcode now.", body = RoomView),
        MakingRoom,
    ))]
pub(super) async fn make_room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    _: Query<Nothing>,
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

/// Shows a room.
#[utoipa::path(get, path = "/rooms/{room}", tag = "rooms",
    params(("room" = inline(words::RoomName), Path, description = "Which.")),
    responses((status = 200, description = "The room.", body = RoomView), LookingAtRoom))]
pub(super) async fn show_room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    _: Query<Nothing>,
) -> Result<Json<RoomView>, Failure> {
    view(&app, &room_name(&room)?).await.map(Json)
}

async fn view(app: &App, room: &RoomName) -> Result<RoomView, Failure> {
    let found = app.db.room(room).await?.filter(|room| !room.deleted).ok_or(Code::RoomNotFound)?;
    let Room { name, private, epoch, passcode: _, deleted: _, created } = found;
    Ok(RoomView { managers: app.db.room_managers(&name).await?, name, private, epoch, created: created.seconds() })
}

/// Deletes a room with all that is in it.
///
/// Its keys are gone at once, its sessions are closed, its files follow. Nothing brings
/// it back.
#[utoipa::path(delete, path = "/rooms/{room}", tag = "rooms",
    params(("room" = inline(words::RoomName), Path, description = "Which.")),
    responses((status = 204, description = "It is gone."), ChangingRoom))]
pub(super) async fn delete_room(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    _: Query<Nothing>,
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
#[derive(Serialize, ToSchema)]
pub(super) struct RoomKey {
    /// As clients see it: `encryption_key_id`.
    #[schema(pattern = "^v1/[0-9a-z]{13}$", examples("v1/0c1ofyfafs1z4"))]
    id: String,
}

/// Gives a private room a new key.
///
/// What is there stays under the old one, until `heim-coordinator admin room rewrap`
/// brings it under the new one.
#[utoipa::path(post, path = "/rooms/{room}/keys", tag = "rooms",
    params(("room" = inline(words::RoomName), Path, description = "Which: a private one.")),
    responses((status = 201, description = "The room has this key now.", body = RoomKey), MakingKey))]
pub(super) async fn rotate_key(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    _: Query<Nothing>,
) -> Result<(StatusCode, Json<RoomKey>), Failure> {
    let room = room_name(&room)?;
    let work = {
        let app = app.clone();
        async move { admin::rotate_key(app.tools(), &room).await }
    };
    let id = app.see_through(work).await?;
    Ok((StatusCode::CREATED, Json(RoomKey { id: format!("v1/{id}") })))
}
