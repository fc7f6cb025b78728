//! What operators have done.

use super::{
    asked::{self, Query},
    problems::Looking,
};
use crate::{failure::Failure, routes::Served};
use axum::{Json, extract::State};
use heim_db::AuditRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Something that was done.
#[derive(Serialize, ToSchema)]
struct Audited {
    /// Its place among all of them.
    seq: i64,
    /// When, in Unix milliseconds.
    at: i64,
    /// By whom: `token` from here, `shell:` and a name, or `dashboard:` and a session of
    /// the dashboard.
    who: String,
    /// What, as `job retry`.
    action: String,
    /// On what, in words.
    subject: String,
    /// Whether it was only said what would be done.
    dry_run: bool,
    /// How many it was done to; `null` where it was refused, or not seen to its end.
    affected: Option<i64>,
}

impl From<AuditRow> for Audited {
    fn from(row: AuditRow) -> Self {
        let AuditRow { seq, at, who, action, subject, dry_run, affected } = row;
        Self { seq, at: at.0, who, action, subject, dry_run, affected }
    }
}

/// What was done, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditPage {
    audit: Vec<Audited>,
    /// The `before` of the next page; `null` where this is the last one.
    next: Option<i64>,
}

/// Which.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditAsked {
    /// Only those before this one: `next` of the page before.
    #[serde(default)]
    #[param(value_type = i64, required = false)]
    before: Option<i64>,
    /// How many.
    #[serde(default = "asked::page_default", deserialize_with = "asked::limit")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u64,
}

/// Lists what operators have done, the newest first.
///
/// Rows are kept for `retention.audit_kept_s`.
#[utoipa::path(get, path = "/audit", tag = "overview", params(AuditAsked),
    responses((status = 200, description = "A page.", body = AuditPage), Looking))]
pub(super) async fn list_audit(
    State(Served { app, .. }): State<Served>,
    Query(AuditAsked { before, limit }): Query<AuditAsked>,
) -> Result<Json<AuditPage>, Failure> {
    let page = app.db.audits(before, limit).await?;
    let next = asked::next(&page, limit, |row| row.seq);
    Ok(Json(AuditPage { audit: page.into_iter().map(Into::into).collect(), next }))
}
