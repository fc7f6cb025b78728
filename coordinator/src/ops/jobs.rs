//! Jobs as they are looked for: by state, lane, room, media object, reason and worker.

use super::{
    Ops,
    door::Session,
    fields::{FILTER, Fields, encoded},
    frame::{Page, Refused, duration, form_token, hidden, listed, live, or_dash, steering, text},
};
use axum::{extract::State, response::Response};
use heim_common::{
    JobId, Millis,
    job::{JobState, Lane, Reason},
};
use heim_db::{JobCounts, JobRow};
use maud::{Markup, html};

/// Jobs on a page.
const PAGE: u64 = 50;

/// `GET /ops/jobs`.
pub(super) async fn list(
    State(Ops { app, .. }): State<Ops>,
    session: Session,
    fields: Fields,
) -> Result<Response, Refused> {
    let (filter, before) = (fields.filter()?, fields.value::<JobId>("before")?);
    let jobs = app.db.jobs_page(&filter, before, PAGE).await?;
    let (counts, now) = (app.db.jobs_outstanding().await?, app.db.now().await?);
    let query = fields.query(&FILTER);
    let next = jobs.last().filter(|_| jobs.len() as u64 == PAGE).map(|job| job.id);
    let is_poison = fields.get("reason") == Reason::Poison.as_str();
    let body = html! {
        div .bar {
            h1 { @if is_poison { "Poison files" } @else { "Jobs" } }
            @let and = if query.is_empty() { '?' } else { '&' };
            (live(&format!("/ops/events{query}{and}of=jobs")))
        }
        @if is_poison {
            p .muted { "The pixel child died of these files again and again. They are tried only if somebody says so." }
        }
        div #content { (tabs(&fields, counts)) }
        (search(&fields))
        @let table = listed("Jobs, the newest first", &HEADINGS, jobs.iter().map(|job| row(job, now)), &session);
        @if session.may_steer {
            form .list method="post" action="/ops/jobs" {
                (form_token(&session))
                input type="hidden" name="back" value=(format!("/ops/jobs{query}"));
                (table)
                @if !jobs.is_empty() {
                    p .bar {
                        button type="submit" name="what" value="retry" { "Retry chosen" }
                        button type="submit" name="what" value="discard" { "Discard chosen…" }
                        button type="submit" name="what" value="forget" { "Forget chosen…" }
                    }
                }
            }
        } @else { (table) }
        (all(&fields, &query, &session))
        nav .bar aria-label="Pages of the list" {
            @if before.is_some() { a href=(format!("/ops/jobs{query}")) { "Newest" } }
            @if let Some(next) = next {
                @let and = if query.is_empty() { '?' } else { '&' };
                a href=(format!("/ops/jobs{query}{and}before={next}")) { "Older" }
            }
        }
    };
    let place = if is_poison { "/ops/jobs?state=failed&reason=poison" } else { "/ops/jobs" };
    Ok(Page { title: "Jobs", place, session: &session, fields: &fields }.with(&body))
}

const HEADINGS: [&str; 9] = ["choose", "job", "state", "lane", "room", "media object", "age", "reason", "worker"];

fn row(job: &JobRow, now: Millis) -> Vec<Markup> {
    let room = html! { a href=(format!("/ops/jobs?room={}", encoded(&job.room))) { (job.room) } };
    let reason = job
        .reason
        .as_ref()
        .map(|reason| html! { a .word href=(format!("/ops/jobs?reason={}", encoded(reason))) { (reason) } });
    let worker = job
        .worker
        .as_ref()
        .map(|worker| html! { a href=(format!("/ops/jobs?worker={}", encoded(worker))) { (worker) } });
    let id = job.id.to_string();
    vec![
        html! { input type="checkbox" name="job" value=(id) aria-label=(format!("Choose {id}")); },
        html! { a .id href=(format!("/ops/jobs/{id}")) { (id) } },
        state(job),
        text(&job.lane),
        room,
        html! { span .id { (job.media.to_string()) } },
        text(duration(now.0 - job.created.0)),
        or_dash(reason),
        or_dash(worker),
    ]
}

/// Where a job is, in a word.
pub(super) fn state(job: &JobRow) -> Markup {
    let (is_good, is_bad) = (job.state == JobState::Done.as_str(), job.state == JobState::Failed.as_str());
    html! { span .badge .good[is_good] .bad[is_bad] { @if job.rests { "rests" } @else { (job.state) } } }
}

/// The states, with how many are in each in all: what changes by itself on this page, where
/// somebody may be choosing rows or filling in a form.
pub(super) fn tabs(fields: &Fields, counts: JobCounts) -> Markup {
    let JobCounts { pending, running, done, failed } = counts;
    let counts = [("pending", pending), ("running", running), ("failed", failed), ("done", done)];
    let others = fields.query(&FILTER[1..]);
    let rest = others.trim_start_matches('?');
    let current = fields.get("state");
    html! {
        nav .tabs aria-label="States" {
            a href=(format!("/ops/jobs{others}")) aria-current=[current.is_empty().then_some("true")] { "all" }
            @for (state, count) in counts {
                a href=(format!("/ops/jobs?state={state}{}{rest}", if rest.is_empty() { "" } else { "&" }))
                    aria-current=[(current == state).then_some("true")] { (state) " " span .muted { (count) } }
            }
        }
    }
}

fn search(fields: &Fields) -> Markup {
    let field = |name: &str, label: &str| {
        html! { label { (label) input name=(name) value=(fields.get(name)) autocomplete="off" spellcheck="false"; } }
    };
    let choice = |name: &str, label: &str, words: Vec<&str>| {
        html! {
            label {
                (label)
                select name=(name) {
                    option value="" { "any" }
                    @for word in words { option value=(word) selected[word == fields.get(name)] { (word) } }
                }
            }
        }
    };
    html! {
        form .search method="get" action="/ops/jobs" role="search" {
            (choice("state", "State", JobState::ALL.iter().map(|state| state.as_str()).collect()))
            (choice("lane", "Lane", Lane::ALL.iter().map(|lane| lane.as_str()).collect()))
            (field("media", "Media object"))
            (field("room", "Room"))
            (choice("reason", "Reason", Reason::ALL.iter().map(|reason| reason.as_str()).collect()))
            (field("worker", "Worker"))
            p .bar { button .strong type="submit" { "Search" } a href="/ops/jobs" { "Clear" } }
        }
    }
}

/// What is done to all that match, on other pages, too. They are counted first.
fn all(fields: &Fields, query: &str, session: &Session) -> Markup {
    let state = fields.get("state");
    let can_retry = ["", "failed", "pending"].contains(&state);
    let can_discard = ["", "pending", "running"].contains(&state);
    let can_forget = ["", "done", "failed"].contains(&state);
    html! {
        div .bar { (steering(session, "/ops/jobs", &html! {
            (hidden(fields, &FILTER))
            input type="hidden" name="all" value="yes";
            input type="hidden" name="back" value=(format!("/ops/jobs{query}"));
            @if can_retry { button type="submit" name="what" value="retry" { "Retry all that match…" } }
            @if can_discard { button type="submit" name="what" value="discard" { "Discard all that match…" } }
            @if can_forget { button type="submit" name="what" value="forget" { "Forget all that match…" } }
        })) }
    }
}
