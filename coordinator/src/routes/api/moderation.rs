//! Who may edit and delete what others say, and deleting it as nobody.

use super::{
    asked::{Nothing, Query, agent_id, room_name},
    problems::{ChangingRoom, DeletingMessage},
    words,
};
use crate::{admin, failure::Failure, rooms::announce, routes::Served};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use heim_common::{MessageId, problem::Code};

/// Makes an agent a manager of a room.
///
/// It may edit and delete what others say there.
#[utoipa::path(put, path = "/rooms/{room}/managers/{agent}", tag = "rooms",
    params(
        ("room" = inline(words::RoomName), Path, description = "Where."),
        ("agent" = inline(words::AgentId), Path, description = "Who."),
    ),
    responses((status = 204, description = "It is one."), ChangingRoom))]
pub(super) async fn add_manager(
    State(Served { app, .. }): State<Served>,
    Path((room, agent)): Path<(String, String)>,
    _: Query<Nothing>,
) -> Result<StatusCode, Failure> {
    let (agent, room) = (agent_id(&agent)?, room_name(&room)?);
    let work = {
        let app = app.clone();
        async move { admin::add_manager(app.tools(), &room, &agent).await }
    };
    app.see_through(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an agent no manager of a room any more.
#[utoipa::path(delete, path = "/rooms/{room}/managers/{agent}", tag = "rooms",
    params(
        ("room" = inline(words::RoomName), Path, description = "Where."),
        ("agent" = inline(words::AgentId), Path, description = "Who."),
    ),
    responses((status = 204, description = "It is none."), ChangingRoom))]
pub(super) async fn remove_manager(
    State(Served { app, .. }): State<Served>,
    Path((room, agent)): Path<(String, String)>,
    _: Query<Nothing>,
) -> Result<StatusCode, Failure> {
    let room = room_name(&room)?;
    app.db.room(&room).await?.filter(|room| !room.deleted).ok_or(Code::RoomNotFound)?;
    let agent = agent_id(&agent)?;
    let work = {
        let app = app.clone();
        async move { admin::remove_manager(app.tools(), &room, &agent, false).await }
    };
    // Whoever is none already is what was asked for.
    app.see_through(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a message.
///
/// The room is told. The files of what it alone showed go with the next sweep.
#[utoipa::path(delete, path = "/rooms/{room}/messages/{id}", tag = "rooms",
    params(
        ("room" = inline(words::RoomName), Path, description = "Where."),
        ("id" = inline(words::MessageId), Path, description = "Which."),
    ),
    responses((status = 204, description = "It is deleted."), DeletingMessage))]
pub(super) async fn delete_message(
    State(Served { app, .. }): State<Served>,
    Path((room, id)): Path<(String, String)>,
    _: Query<Nothing>,
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
