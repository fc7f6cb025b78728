//! Media objects, for a chat server: made for one of its agents, shown, removed.

use super::{
    asked::{self, Nothing, Query, agent_id, room_name},
    media_view::{Handle, MediaView},
    problems::{LookingAtMedia, MakingMedia, RemovingMedia},
    words,
};
use crate::{
    admin::purge::{PurgeKey, purge},
    app::App,
    failure::Failure,
    life::create::{self, Declared, create},
    rooms::{Admission, normalize_nick},
    routes::{Served, hooks::Body, origin::base},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use heim_common::{MediaId, Trace, media::Uploader, problem::Code};
use heim_db::{Room, Shown};
use serde::Deserialize;
use utoipa::ToSchema;

/// An upload, before it comes. But for `agent` all of it may be missing, and none of it
/// is believed: what the file is, is found out from its bytes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaWish {
    /// Whose upload it is: whose limits and quotas it counts on, and whose messages may
    /// show it.
    #[schema(value_type = words::AgentId)]
    agent: String,
    /// The agent's name, as the room is to see it: at most 36 characters.
    #[serde(default)]
    #[schema(max_length = 36, pattern = r"^[^\x00]*[^\x00\s][^\x00]*$", examples("ana"))]
    nick: Option<String>,
    /// The file's name. It is read, as in `media-upload`, and not kept.
    #[serde(default, rename = "name")]
    #[schema(examples("photo.png"))]
    _name: Option<String>,
    /// The file's media type; only images are taken.
    #[serde(default)]
    #[schema(pattern = "^(image/[A-Za-z0-9!#$&^_.+-]{1,64})?$", examples("image/png"))]
    content_type: Option<String>,
    /// Bytes, at most `limits.upload_bytes_max`.
    #[serde(default, deserialize_with = "asked::whole")]
    #[schema(maximum = 1_099_511_627_776_u64, examples(81_234))]
    size: Option<u64>,
    /// Pixels, upright: the shape of the placeholder until the file says better.
    #[serde(default, deserialize_with = "asked::whole")]
    #[schema(maximum = 4_294_967_295_u32)]
    width: Option<u32>,
    /// Pixels, upright.
    #[serde(default, deserialize_with = "asked::whole")]
    #[schema(maximum = 4_294_967_295_u32)]
    height: Option<u32>,
}

/// The room of a path, which must be there.
async fn known_room(app: &App, room: &str) -> Result<Room, Failure> {
    let found = app.db.room(&room_name(room)?).await?;
    found.filter(|room| !room.deleted).ok_or_else(|| Code::RoomNotFound.into())
}

/// Makes a media object for an upload.
///
/// What `media-upload` is on a socket: with the same limits and quotas of agent and
/// room, and the same answer. The upload must come within `limits.upload_handle_s`.
#[utoipa::path(post, path = "/rooms/{room}/media", tag = "media",
    params(("room" = inline(words::RoomName), Path, description = "Where.")),
    request_body(content = MediaWish, example = json!(
        { "agent": "agent:9fX19fX19fU=", "nick": "ana", "content_type": "image/png", "size": 81_234 }
    )),
    responses((status = 201, description = "The upload is waited for.", body = Handle), MakingMedia))]
pub(super) async fn make_media(
    State(Served { app, .. }): State<Served>,
    Path(room): Path<String>,
    _: Query<Nothing>,
    headers: HeaderMap,
    Extension(trace): Extension<Trace>,
    Body(wish): Body<MediaWish>,
) -> Result<(StatusCode, Json<Handle>), Failure> {
    let MediaWish { agent, nick, _name, content_type, size, width, height } = wish;
    let no_nick = || Failure::with(Code::BadRequest, "nick: this is none");
    let uploader = Uploader {
        id: agent_id(&agent)?,
        name: nick.map_or(Some(String::new()), |nick| normalize_nick(&nick)).ok_or_else(no_nick)?,
        server_id: app.server_id.clone(),
        server_era: app.server_era.clone(),
    };
    let Room { name: room, private, epoch, .. } = known_room(&app, &room).await?;
    let declared = Declared { content_type, size, shape: width.zip(height) };
    let base = base(&app, &headers);
    let work = {
        let app = app.clone();
        async move {
            let admission = Admission { private, epoch };
            Ok(create(&app, &base, &room, admission, uploader, declared, trace).await?)
        }
    };
    let handle = app.see_through(work).await?;
    Ok((StatusCode::CREATED, Json(handle.into())))
}

impl From<create::Refused> for Failure {
    fn from(refused: create::Refused) -> Self {
        match refused {
            create::Refused::TooLarge => Self::with(Code::TooLarge, "size: more than limits.upload_bytes_max"),
            create::Refused::TypeNotAllowed => Code::TypeNotAllowed.into(),
            create::Refused::TooManyPending => Code::TooManyPending.into(),
            create::Refused::QuotaExceeded(exceeded) => exceeded.into(),
            create::Refused::Database(error) => error.into(),
            create::Refused::Keys(error) => error.into(),
            create::Refused::RoomClosed => Code::RoomNotFound.into(),
        }
    }
}

/// Shows a media object.
///
/// As `get-media` does on a socket, also before a message shows it. What was deleted is
/// nobody's to see. Of a private room neither the picture nor its keys are shown.
#[utoipa::path(get, path = "/rooms/{room}/media/{id}", tag = "media",
    params(
        ("room" = inline(words::RoomName), Path, description = "Where."),
        ("id" = inline(words::MediaId), Path, description = "Which."),
    ),
    responses((status = 200, description = "It, with fresh links.", body = MediaView), LookingAtMedia))]
pub(super) async fn show_media(
    State(Served { app, .. }): State<Served>,
    Path((room, id)): Path<(String, String)>,
    _: Query<Nothing>,
    headers: HeaderMap,
) -> Result<Json<MediaView>, Failure> {
    let room = known_room(&app, &room).await?.name;
    let id: MediaId = id.parse().map_err(|_| Code::MediaNotFound)?;
    let object = app.db.media(id).await?.filter(|object| object.room == room).ok_or(Code::MediaNotFound)?;
    if app.db.media_shown(id).await? == Shown::Deleted {
        return Err(Code::MediaNotFound.into());
    }
    Ok(Json(MediaView::of(&app, &base(&app, &headers), object)))
}

/// Removes a media object for good.
///
/// Its files are gone, messages that showed it are changed or deleted, and their rooms
/// are told. What is not in the room, or not any more, is as it was asked for.
#[utoipa::path(delete, path = "/rooms/{room}/media/{id}", tag = "media",
    params(
        ("room" = inline(words::RoomName), Path, description = "Where."),
        ("id" = inline(words::MediaId), Path, description = "Which."),
    ),
    responses((status = 204, description = "It is not there any more."), RemovingMedia))]
pub(super) async fn remove_media(
    State(Served { app, .. }): State<Served>,
    Path((room, id)): Path<(String, String)>,
    _: Query<Nothing>,
) -> Result<StatusCode, Failure> {
    let room = known_room(&app, &room).await?.name;
    let id: MediaId = id.parse().map_err(|_| Code::MediaNotFound)?;
    if app.db.media(id).await?.is_none_or(|object| object.room != room) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let work = {
        let app = app.clone();
        async move {
            match purge(app.tools(), &PurgeKey::Media(id), false).await {
                // Somebody else was first.
                Ok(_) | Err(Failure { code: Code::MediaNotFound, .. }) => Ok(StatusCode::NO_CONTENT),
                Err(failure) => Err(failure),
            }
        }
    };
    app.see_through(work).await
}
