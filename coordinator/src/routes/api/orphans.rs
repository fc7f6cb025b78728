//! What does not fit together between store and rows.

use super::{
    asked::{self, Query, Tried, is_line, named},
    problems::{Looking, Removing},
    words,
};
use crate::{
    admin,
    failure::Failure,
    routes::{Served, hooks::Body},
};
use axum::{Json, extract::State};
use heim_common::problem::Code;
use heim_db::StrayRow;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// Most names of one request.
const NAMES_MAX: usize = 1_000;

/// Something that does not fit.
#[derive(Serialize, ToSchema)]
struct Stray {
    /// The object, the write, or the row.
    name: String,
    /// An object that no row names, a write that was never ended, or a row whose object
    /// is missing.
    #[schema(pattern = "^(orphan|unfinished|missing)$")]
    kind: String,
    /// Since when it is known, in Unix milliseconds.
    seen: i64,
    /// When it was last found so, in Unix milliseconds.
    looked: i64,
}

impl From<StrayRow> for Stray {
    fn from(row: StrayRow) -> Self {
        let StrayRow { name, kind, seen, looked } = row;
        Self { name, kind, seen: seen.0, looked: looked.0 }
    }
}

/// What does not fit, by name.
#[derive(Serialize, ToSchema)]
pub(super) struct StrayPage {
    strays: Vec<Stray>,
    /// The `after` of the next page; `null` where this is the last one.
    next: Option<String>,
}

/// Which.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct StraysAsked {
    /// Only those after this name: `next` of the page before.
    #[serde(default, deserialize_with = "asked::line")]
    #[param(value_type = words::Line, inline, required = false)]
    after: Option<String>,
    /// How many.
    #[serde(default = "asked::page_default", deserialize_with = "asked::limit")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u64,
}

/// Which orphans are to be removed.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OrphansMeant {
    Names(Vec<String>),
    All(bool),
}

impl ToSchema for OrphansMeant {}

impl PartialSchema for OrphansMeant {
    fn schema() -> RefOr<Schema> {
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,256}$"));
        let names = ArrayBuilder::new().items(name).min_items(Some(1)).max_items(Some(NAMES_MAX));
        let all = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true]));
        words::one_of([("names", "These objects, by name.", names.into()), ("all", "All that are known.", all.into())])
    }
}

/// What was removed, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct OrphansRemoved {
    dry_run: bool,
    /// Which objects: the first 1,000 of them.
    #[schema(max_items = 1000)]
    objects: Vec<String>,
    /// How many.
    count: usize,
}

/// Lists what does not fit together between store and rows.
#[utoipa::path(get, path = "/orphans", tag = "store", params(StraysAsked),
    responses((status = 200, description = "A page.", body = StrayPage), Looking))]
pub(super) async fn list_orphans(
    State(Served { app, .. }): State<Served>,
    Query(StraysAsked { after, limit }): Query<StraysAsked>,
) -> Result<Json<StrayPage>, Failure> {
    let page = app.db.strays_page(None, after.as_deref(), limit).await?;
    let next = asked::next(&page, limit, |stray| stray.name.clone());
    Ok(Json(StrayPage { strays: page.into_iter().map(Into::into).collect(), next }))
}

/// Removes objects that no row names.
///
/// Without waiting for `retention.orphans_kept_s`, but for as long as an upload may
/// take. What a row names by now is left where it is.
#[utoipa::path(post, path = "/orphans/remove", tag = "store", params(Tried),
    request_body(content = OrphansMeant, example = json!({ "all": true })),
    responses((status = 200, description = "They are gone.", body = OrphansRemoved), Removing))]
pub(super) async fn remove_orphans(
    State(Served { app, .. }): State<Served>,
    Query(Tried { dry_run }): Query<Tried>,
    Body(meant): Body<OrphansMeant>,
) -> Result<Json<OrphansRemoved>, Failure> {
    let names = match meant {
        OrphansMeant::All(true) => None,
        OrphansMeant::All(false) => return Err(Failure::with(Code::BadRequest, "all: true expected")),
        OrphansMeant::Names(names) => Some(names),
    };
    if names
        .as_ref()
        .is_some_and(|names| !(1..=NAMES_MAX).contains(&names.len()) || !names.iter().all(|name| is_line(name)))
    {
        return Err(Failure::with(Code::BadRequest, format!("names: 1 to {NAMES_MAX} names of objects expected")));
    }
    let work = {
        let app = app.clone();
        async move {
            // An upload that is before its commit looks like an orphan, too.
            let known = Duration::from_millis(app.settings.limits.body_timeout_ms);
            Box::pin(admin::remove_orphans(app.tools(), names.as_deref(), known, dry_run)).await
        }
    };
    let objects = app.see_through(work).await?;
    Ok(Json(OrphansRemoved { dry_run, count: objects.len(), objects: named(objects) }))
}
