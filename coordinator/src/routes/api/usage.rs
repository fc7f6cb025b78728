//! How much of the store is whose.

use super::{
    asked::{self, Query},
    problems::Looking,
};
use crate::{failure::Failure, routes::Served};
use axum::{Json, extract::State};
use heim_common::{RoomName, UserId, problem::Code};
use heim_db::{Usage, UsageBy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Of whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    #[default]
    Room,
    Agent,
}

/// Of whom, and of how many.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageAsked {
    /// Of rooms or of agents.
    #[serde(default)]
    #[param(inline)]
    by: By,
    /// Of this room, or this agent, alone.
    #[serde(default, deserialize_with = "asked::line")]
    #[param(value_type = String, required = false, pattern = "^([a-z0-9]{1,64}|(agent|bot):[A-Za-z0-9_-]{11}=)$")]
    name: Option<String>,
    /// How many, those first that have most.
    #[serde(default = "asked::page_default", deserialize_with = "asked::limit")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u64,
}

/// What one of them has.
#[derive(Serialize, ToSchema)]
struct Used {
    /// The room's name, or the agent's id.
    name: String,
    /// Media objects whose original is stored.
    media_objects: u64,
    /// Objects in the store: originals and transcodings.
    objects: u64,
    /// Their bytes; encryption adds a little to each.
    bytes: u64,
}

impl From<Usage> for Used {
    fn from(usage: Usage) -> Self {
        let Usage { name, media_objects, objects, bytes } = usage;
        Self { name, media_objects, objects, bytes }
    }
}

/// Those who have most, the greatest first.
#[derive(Serialize, ToSchema)]
pub(super) struct UsagePage {
    by: By,
    usage: Vec<Used>,
}

/// Says how much of the store is whose, the greatest first.
#[utoipa::path(get, path = "/usage", tag = "store", params(UsageAsked),
    responses((status = 200, description = "Those who have most.", body = UsagePage), Looking))]
pub(super) async fn list_usage(
    State(Served { app, .. }): State<Served>,
    Query(UsageAsked { by, name, limit }): Query<UsageAsked>,
) -> Result<Json<UsagePage>, Failure> {
    let can_be = |name: &str| match by {
        By::Room => name.parse::<RoomName>().is_ok(),
        By::Agent => UserId::parse(name).is_some(),
    };
    if name.as_deref().is_some_and(|name| !can_be(name)) {
        return Err(Failure::with(Code::BadRequest, "The query: name: of no room, or no agent, as `by` says"));
    }
    let whose = match by {
        By::Room => UsageBy::Room,
        By::Agent => UsageBy::Agent,
    };
    let usage = app.db.usage(whose, name.as_deref(), limit).await?;
    Ok(Json(UsagePage { by, usage: usage.into_iter().map(Into::into).collect() }))
}
