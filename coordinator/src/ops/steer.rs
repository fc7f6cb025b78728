//! What is done from the dashboard: the same as from the shell, by the same functions,
//! noted under the session's name. What cannot be taken back is asked for twice.

use super::{
    Ops,
    door::{Posted, Session},
    fields::{FILTER, Fields},
    frame::{Page, Refused, form_token, having_done, hidden},
};
use crate::{
    admin::{Steer, Tools, Which, remove_orphans, set_lanes, steer, steer_workers},
    app::App,
    failure::Failure,
};
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use heim_common::{job::Lane, problem::Code, worker::WorkerState};
use maud::html;
use std::time::Duration;

/// Names that a question shows of those it is about.
const SHOWN_MAX: usize = 20;

/// Does something as this session.
async fn as_session<T: Send + 'static>(
    app: &App,
    session: &Session,
    work: impl AsyncFnOnce(Tools<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let who = session.who();
    work(Tools { who: &who, ..app.tools() }).await
}

fn done(fields: &Fields, said: &str, n: usize) -> Response {
    Redirect::to(&having_done(fields.back(), said, n)).into_response()
}

/// Whether it was said that it is meant.
fn is_sure(fields: &Fields) -> bool {
    fields.get("sure") == "yes"
}

/// Asks whether it is meant: a form that says the same again, and that.
fn ask(posted: &Posted, action: &str, question: &str, button: &str, names: &[String]) -> Response {
    let Posted { session, fields } = posted;
    let kept: Vec<_> = ["what", "wish", "all", "job", "name", "worker", "back"].into_iter().chain(FILTER).collect();
    let kept: Vec<_> =
        kept.iter().enumerate().filter(|(at, name)| !kept[..*at].contains(name)).map(|(_, name)| *name).collect();
    let body = html! {
        h1 { (question) }
        @if names.is_empty() { p { "There is nothing that it would be done to." } }
        ul .names {
            @for name in names.iter().take(SHOWN_MAX) { li { code { (name) } } }
            @if names.len() > SHOWN_MAX { li { "and " (names.len() - SHOWN_MAX) " more" } }
        }
        form .bar method="post" action=(action) {
            (form_token(session))
            (hidden(fields, &kept))
            @if !names.is_empty() { button .strong type="submit" name="sure" value="yes" { (button) } }
            a href=(fields.back()) { "Cancel" }
        }
    };
    Page { title: "Sure?", place: "", session, fields }.with(&body)
}

/// `POST /ops/lanes`.
pub(super) async fn lanes(State(Ops { app, .. }): State<Ops>, posted: Posted) -> Result<Response, Refused> {
    let Posted { session, fields } = posted;
    let (lanes, subject) = if fields.get("lane") == "all" {
        (Lane::ALL.to_vec(), "all")
    } else {
        let lane: Lane = fields.value("lane")?.ok_or(Code::BadRequest)?;
        (vec![lane], lane.as_str())
    };
    let pause = wish(&fields)? == WorkerState::Paused;
    let work = {
        let app = app.clone();
        async move { as_session(&app, &session, async |tools| set_lanes(tools, &lanes, subject, pause, false).await).await }
    };
    let changed = app.see_through(work).await?;
    Ok(done(&fields, if pause { "lanes-paused" } else { "lanes-resumed" }, changed.len()))
}

/// Nothing but a word that we know: one that we do not know would read as `running`.
fn wish(fields: &Fields) -> Result<WorkerState, Failure> {
    let wish = fields.value::<WorkerState>("wish")?.filter(|wish| *wish != WorkerState::Stopped);
    wish.ok_or_else(|| Code::BadRequest.into())
}

/// `POST /ops/workers`.
pub(super) async fn workers(State(Ops { app, .. }): State<Ops>, posted: Posted) -> Result<Response, Refused> {
    let (worker, wish) = (posted.fields.get("worker").to_owned(), wish(&posted.fields)?);
    if worker.is_empty() {
        return Err(Code::BadRequest.into());
    }
    let dry_run = wish == WorkerState::Draining && !is_sure(&posted.fields);
    let work = {
        let (app, session) = (app.clone(), posted.session.clone());
        async move {
            let name = (worker != "all").then_some(worker.as_str());
            as_session(&app, &session, async |tools| steer_workers(tools, name, wish, dry_run).await).await
        }
    };
    let steered = app.see_through(work).await?;
    if dry_run {
        let question = match steered.len() {
            1 => "Let this worker end when what it holds is done?".to_owned(),
            n => format!("Let {n} workers end when what they hold is done?"),
        };
        return Ok(ask(&posted, "/ops/workers", &question, "Drain", &steered));
    }
    let said = match wish {
        WorkerState::Paused => "workers-paused",
        WorkerState::Running => "workers-resumed",
        WorkerState::Draining | WorkerState::Stopped => "workers-drained",
    };
    Ok(done(&posted.fields, said, steered.len()))
}

/// `POST /ops/jobs`: jobs that are named, or all that match.
pub(super) async fn jobs(State(Ops { app, .. }): State<Ops>, posted: Posted) -> Result<Response, Refused> {
    let what = match posted.fields.get("what") {
        "retry" => Steer::Retry,
        "discard" => Steer::Discard,
        "forget" => Steer::Forget,
        _ => return Err(Code::BadRequest.into()),
    };
    let is_all = posted.fields.get("all") == "yes";
    let which: Vec<_> = if is_all {
        vec![Which::All(posted.fields.filter()?)]
    } else {
        posted.fields.jobs()?.into_iter().map(Which::One).collect()
    };
    if which.is_empty() {
        return Err(Failure::with(Code::BadRequest, "Choose at least one job.").into());
    }
    let must_ask = is_all || what != Steer::Retry;
    let dry_run = must_ask && !is_sure(&posted.fields);
    let work = {
        let (app, session) = (app.clone(), posted.session.clone());
        async move { as_session(&app, &session, async |tools| Box::pin(each(tools, what, &which, dry_run)).await).await }
    };
    let jobs = app.see_through(work).await?;
    if dry_run {
        let n = format!("{} job{}", jobs.len(), if jobs.len() == 1 { "" } else { "s" });
        let (question, button) = match what {
            Steer::Retry => (format!("Try {n} again?"), "Try again"),
            Steer::Discard => (format!("Give up {n}? Their pictures fail for good."), "Give up"),
            Steer::Forget => (format!("Forget {n}? Their pictures stay as they are; their rows do not."), "Forget"),
        };
        let names: Vec<_> = jobs.iter().map(ToString::to_string).collect();
        return Ok(ask(&posted, "/ops/jobs", &question, button, &names));
    }
    let said = match what {
        Steer::Retry => "retried",
        Steer::Discard => "discarded",
        Steer::Forget => "forgotten",
    };
    Ok(done(&posted.fields, said, jobs.len()))
}

/// Of several that were chosen, those to which it cannot be done are left out: they may
/// have ended while somebody chose.
async fn each(
    tools: Tools<'_>,
    what: Steer,
    which: &[Which],
    dry_run: bool,
) -> Result<Vec<heim_common::JobId>, Failure> {
    let mut jobs = Vec::new();
    for one in which {
        match Box::pin(steer(tools, what, one, dry_run)).await {
            Ok(some) => jobs.extend(some),
            Err(Failure { code: Code::BadRequest | Code::NotFound, .. }) if which.len() > 1 => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(jobs)
}

/// `POST /ops/orphans`: removes objects that no row names, those that are named or all.
pub(super) async fn orphans(State(Ops { app, .. }): State<Ops>, posted: Posted) -> Result<Response, Refused> {
    let names: Vec<_> = posted.fields.all("name").map(str::to_owned).collect();
    let names = (posted.fields.get("all") != "yes").then_some(names);
    if names.as_ref().is_some_and(Vec::is_empty) {
        return Err(Failure::with(Code::BadRequest, "Choose at least one object.").into());
    }
    let dry_run = !is_sure(&posted.fields);
    let work = {
        let (app, session) = (app.clone(), posted.session.clone());
        async move {
            // An upload that is before its commit looks like an orphan, too.
            let known = Duration::from_millis(app.settings.limits.body_timeout_ms);
            as_session(&app, &session, async |tools| {
                Box::pin(remove_orphans(tools, names.as_deref(), known, dry_run)).await
            })
            .await
        }
    };
    let removed = app.see_through(work).await?;
    if dry_run {
        let question = format!("Remove {} objects from the store?", removed.len());
        return Ok(ask(&posted, "/ops/orphans", &question, "Remove", &removed));
    }
    Ok(done(&posted.fields, "orphans-removed", removed.len()))
}
