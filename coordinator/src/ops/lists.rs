//! Who has how much of the store, what does not fit together, and what was done.

use super::{
    Ops,
    door::Session,
    fields::{Fields, encoded},
    frame::{Page, Refused, bytes, form_token, listed, moment, or_dash, table, text},
};
use axum::{extract::State, response::Response};
use heim_db::{AuditRow, StrayKind, StrayRow, Usage, UsageBy};
use maud::{Markup, html};

/// Rows on a page.
const PAGE: u64 = 50;
const USAGE_MAX: u64 = 200;
const STRAY_HEADINGS: [&str; 5] = ["choose", "name", "kind", "known since", "last found"];

fn tabs(label: &str, tabs: &[(&str, &str, bool)]) -> Markup {
    html! {
        nav .tabs aria-label=(label) {
            @for (address, name, is_current) in tabs {
                a href=(address) aria-current=[is_current.then_some("true")] { (name) }
            }
        }
    }
}

/// `GET /ops/usage`.
pub(super) async fn usage(
    State(Ops { app, .. }): State<Ops>,
    session: Session,
    fields: Fields,
) -> Result<Response, Refused> {
    let by_agent = fields.get("by") == "agent";
    let (by, word) = if by_agent { (UsageBy::Agent, "agent") } else { (UsageBy::Room, "room") };
    let only = Some(fields.get("only")).filter(|only| !only.is_empty());
    let usage = app.db.usage(by, only, USAGE_MAX).await?;
    let row = |Usage { name, media_objects, objects, bytes: size }: &Usage| {
        let name = html! {
            @if by_agent { span .id { (name) } }
            @else { a href=(format!("/ops/jobs?room={}", encoded(name))) { (name) } }
        };
        vec![
            name,
            text(media_objects),
            text(objects),
            html! { span title=(format!("{size} bytes")) { (bytes(*size)) } },
        ]
    };
    let body = html! {
        h1 { "Usage" }
        (tabs("By whom", &[("/ops/usage", "by room", !by_agent), ("/ops/usage?by=agent", "by agent", by_agent)]))
        form .search method="get" action="/ops/usage" role="search" {
            input type="hidden" name="by" value=(word);
            label {
                "Only this " (word)
                input name="only" value=(fields.get("only")) autocomplete="off" spellcheck="false";
            }
            button .strong type="submit" { "Search" }
        }
        p .muted { "Those first that have most, " (USAGE_MAX) " at the most. What is given up does not count." }
        (table("Usage", &[word, "media objects", "objects", "stored"], &usage.iter().map(row).collect::<Vec<_>>()))
    };
    Ok(Page { title: "Usage", place: "/ops/usage", session: &session, fields: &fields }.with(&body))
}

/// `GET /ops/orphans`.
pub(super) async fn orphans(
    State(Ops { app, .. }): State<Ops>,
    session: Session,
    fields: Fields,
) -> Result<Response, Refused> {
    let kinds = [StrayKind::Orphan, StrayKind::Unfinished, StrayKind::Missing];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == fields.get("kind"));
    let after = Some(fields.get("after")).filter(|after| !after.is_empty());
    let strays = app.db.strays_page(kind, after, PAGE).await?;
    let query = fields.query(&["kind"]);
    let next = strays.last().filter(|_| strays.len() as u64 == PAGE).map(|stray| encoded(&stray.name));
    let has_orphans = strays.iter().any(|stray| stray.kind == StrayKind::Orphan.as_str());
    let row = |StrayRow { name, kind, seen, looked }: &StrayRow| {
        let is_orphan = kind == StrayKind::Orphan.as_str();
        let choose = is_orphan
            .then(|| html! { input type="checkbox" name="name" value=(name) aria-label=(format!("Choose {name}")); });
        vec![or_dash(choose), html! { span .id { (name) } }, text(kind), moment(*seen), moment(*looked)]
    };
    let is = |word| fields.get("kind") == word;
    let body = html! {
        h1 { "Store and rows" }
        p .muted {
            "What does not fit together. It is mended by itself when it was so for long; objects that no row names can "
            "be removed before."
        }
        (tabs("Kinds", &[
            ("/ops/orphans", "all", is("")),
            ("/ops/orphans?kind=orphan", "orphans", is("orphan")),
            ("/ops/orphans?kind=unfinished", "unfinished", is("unfinished")),
            ("/ops/orphans?kind=missing", "missing", is("missing")),
        ]))
        @let table = listed("What does not fit together", &STRAY_HEADINGS, strays.iter().map(row), &session);
        @if session.may_steer {
            form .list method="post" action="/ops/orphans" {
                (form_token(&session))
                input type="hidden" name="back" value=(format!("/ops/orphans{query}"));
                (table)
                @if has_orphans {
                    p .bar {
                        button type="submit" { "Remove chosen…" }
                        button type="submit" name="all" value="yes" { "Remove all orphans…" }
                    }
                }
            }
        } @else { (table) }
        @if let Some(next) = next {
            nav .bar aria-label="Pages of the list" {
                @let and = if query.is_empty() { '?' } else { '&' };
                a href=(format!("/ops/orphans{query}{and}after={next}")) { "More" }
            }
        }
    };
    Ok(Page { title: "Orphans", place: "/ops/orphans", session: &session, fields: &fields }.with(&body))
}

/// `GET /ops/audit`.
pub(super) async fn audit(
    State(Ops { app, .. }): State<Ops>,
    session: Session,
    fields: Fields,
) -> Result<Response, Refused> {
    let audit = app.db.audits(fields.value("before")?, PAGE).await?;
    let next = audit.last().filter(|_| audit.len() as u64 == PAGE).map(|row| row.seq);
    let row = |AuditRow { seq, at, who, action, subject, dry_run, affected }: &AuditRow| {
        let action = html! { (action) @if *dry_run { " " span .badge { "only asked" } } };
        vec![
            text(seq),
            moment(*at),
            text(who),
            action,
            html! { span .id { (subject) } },
            or_dash(affected.map(|n| n.to_string())),
        ]
    };
    let rows: Vec<_> = audit.iter().map(row).collect();
    let body = html! {
        h1 { "Audit" }
        p .muted {
            "What operators have done, from here, by the API and from the shell. Without a number: begun, and not seen "
            "to its end."
        }
        (table("What was done, the newest first", &["number", "when", "who", "what", "on what", "how many"], &rows))
        @if let Some(next) = next {
            nav .bar aria-label="Pages of the list" { a href=(format!("/ops/audit?before={next}")) { "Older" } }
        }
    };
    Ok(Page { title: "Audit", place: "/ops/audit", session: &session, fields: &fields }.with(&body))
}
