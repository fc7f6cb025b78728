//! One job: all of its attempts, and what it works on.

use super::{
    Ops,
    door::Session,
    fields::{Fields, encoded},
    frame::{self, Page, Refused, bytes, duration, keyed_table, moment, or_dash, text},
    jobs::state,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use data_encoding::BASE64;
use heim_common::{
    JobId,
    job::{JobState, Reason},
    media::MediaObject,
    problem::Code,
};
use heim_db::{AttemptRow, JobHistory, JobRow};
use maud::{Markup, html};

/// `GET /ops/jobs/{id}`.
pub(super) async fn show(
    State(Ops { app, .. }): State<Ops>,
    Path(id): Path<String>,
    session: Session,
    fields: Fields,
) -> Result<Response, Refused> {
    let id: JobId = id.parse().map_err(|_| Code::NotFound)?;
    let history = app.db.job_history(id).await?.ok_or(Code::NotFound)?;
    let body = html! {
        div .bar {
            h1 { "Job " span .id { (id.to_string()) } }
            (frame::live(&format!("/ops/events?job={id}")))
        }
        div #content { (content(Some(&history), &session)) }
    };
    Ok(Page { title: &format!("Job {id}"), place: "/ops/jobs", session: &session, fields: &fields }.with(&body))
}

/// All that changes by itself; none where the row is gone.
pub(super) fn content(history: Option<&JobHistory>, session: &Session) -> Markup {
    let Some(JobHistory { job, attempts, media }) = history else {
        return html! { p .none { "Its row is gone: rows of jobs that ended are kept for a while." } };
    };
    let rows: Vec<_> = attempts.iter().map(|row| (row.fence.to_string(), attempt(row))).collect();
    html! {
        div .bar { (state(job)) (steering(job, session)) }
        div .sides {
            section aria-labelledby="job" { h2 #job { "Job" } (facts(job)) }
            section aria-labelledby="media" { h2 #media { "Media object" } (of_media(job, media.as_ref())) }
        }
        section aria-labelledby="attempts" {
            h2 #attempts { "Attempts" }
            (keyed_table("Attempts, the first one first", &HEADINGS, &rows))
            (errors(attempts))
        }
    }
}

fn steering(job: &JobRow, session: &Session) -> Markup {
    let is = |state: JobState| job.state == state.as_str();
    let can_retry = is(JobState::Failed) || (is(JobState::Pending) && job.rests);
    let can_discard = is(JobState::Pending) || is(JobState::Running);
    let can_forget = is(JobState::Done) || is(JobState::Failed);
    html! {
        @if can_retry || can_discard {
            (frame::steering(session, "/ops/jobs", &html! {
                input type="hidden" name="job" value=(job.id.to_string());
                input type="hidden" name="back" value=(format!("/ops/jobs/{}", job.id));
                @if can_retry {
                    button .strong data-key="retry" type="submit" name="what" value="retry" { "Retry now" }
                }
                @if can_discard {
                    button data-key="discard" type="submit" name="what" value="discard" { "Discard…" }
                }
            }))
        }
        @if can_forget {
            // Its own page is gone then.
            (frame::steering(session, "/ops/jobs", &html! {
                input type="hidden" name="job" value=(job.id.to_string());
                input type="hidden" name="back" value="/ops/jobs";
                button data-key="forget" type="submit" name="what" value="forget" { "Forget…" }
            }))
        }
    }
}

fn pairs(pairs: &[(&str, Markup)]) -> Markup {
    html! { dl .facts { @for (name, value) in pairs { div { dt { (name) } dd { (value) } } } } }
}

fn facts(job: &JobRow) -> Markup {
    let worker = job
        .worker
        .as_ref()
        .map(|worker| html! { a href=(format!("/ops/jobs?worker={}", encoded(worker))) { (worker) } });
    let sentence = job.reason.as_deref().and_then(|word| word.parse::<Reason>().ok()).map(Reason::sentence);
    let reason =
        html! { (or_dash(job.reason.as_ref())) @if let Some(sentence) = sentence { br; span .muted { (sentence) } } };
    pairs(&[
        ("kind", text(&job.kind)),
        ("lane", text(&job.lane)),
        ("reason", reason),
        ("worker", or_dash(worker)),
        ("fence", text(job.fence)),
        ("failures", text(job.failures)),
        ("deaths of a child", text(job.deaths)),
        ("put off", text(job.snoozes)),
        ("made", moment(job.created)),
        (if job.rests { "rests until" } else { "due" }, moment(job.run_after)),
        ("lease until", or_dash(job.lease_until.map(moment))),
        ("ended", or_dash(job.finished.map(moment))),
    ])
}

/// Of a private picture nothing that shows it: no placeholder, no colour, no shape.
fn of_media(job: &JobRow, media: Option<&MediaObject>) -> Markup {
    let room = html! { a href=(format!("/ops/jobs?room={}", encoded(&job.room))) { (job.room) } };
    let Some(media) = media else {
        return html! { (pairs(&[("id", text(job.media.to_string())), ("room", room)])) p .muted { "It is given up." } };
    };
    let is_private = media.encryption.is_some();
    let size =
        media.width.zip(media.height).filter(|_| !is_private).map(|(width, height)| format!("{width} × {height}"));
    let names: Vec<_> = media.transcodings.iter().map(|made| made.name.as_str()).collect();
    html! {
        @if is_private { p .badge { "private: nothing of it is shown" } } @else { (placeholder(media)) }
        (pairs(&[
            ("id", html! { span .id { (media.id.to_string()) } }),
            ("room", room),
            ("agent", html! { span .id { (media.uploader.id.to_string()) } }),
            ("state", text(media.state.as_str())),
            ("failure", or_dash(media.failure.map(Reason::as_str))),
            ("type", or_dash(media.content_type.as_deref().filter(|_| !is_private))),
            ("bytes", or_dash(media.size.map(bytes))),
            ("pixels", or_dash(size)),
            ("there", or_dash((!names.is_empty()).then(|| names.join(", ")))),
        ]))
    }
}

/// The colour at once, the ThumbHash where there is a script to draw it.
fn placeholder(media: &MediaObject) -> Markup {
    let color = media.color.as_deref().and_then(|color| <[u8; 3]>::try_from(color).ok());
    let fill = color.map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"));
    let hash = media.placeholder.as_ref().map(|hash| BASE64.encode(hash));
    let (width, height) = (media.width.unwrap_or(4).max(1), media.height.unwrap_or(3).max(1));
    html! {
        @if fill.is_some() || hash.is_some() {
            figure .placeholder data-thumbhash=[hash] {
                svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label="Placeholder of the picture" {
                    rect width=(width) height=(height) fill=(fill.as_deref().unwrap_or("currentColor")) {}
                }
            }
        }
    }
}

const HEADINGS: [&str; 8] = ["claim", "worker", "began", "waited", "took", "verdict", "reason", "stages in ms"];

fn attempt(attempt: &AttemptRow) -> Vec<Markup> {
    let AttemptRow { fence, worker, waited_ms, began, ended, verdict, reason, error: _, stages_ms } = attempt;
    let (unsaid, is_held) = (if ended.is_some() { "cut short" } else { "runs" }, !worker.is_empty());
    let stages: Vec<_> = stages_ms.iter().map(|(stage, ms)| format!("{stage} {ms}")).collect();
    let verdict = verdict.as_deref().unwrap_or(unsaid);
    vec![
        or_dash(is_held.then_some(fence)),
        or_dash(is_held.then_some(worker)),
        moment(*began),
        text(duration(*waited_ms)),
        or_dash(ended.filter(|_| is_held).map(|ended| duration(ended.0 - began.0))),
        html! { span .badge .good[verdict == "done"] .bad[verdict == "discard" || verdict == "retry"] { (verdict) } },
        or_dash(reason.as_ref().map(|reason| html! { span .word { (reason) } })),
        or_dash((!stages.is_empty()).then(|| stages.join(", "))),
    ]
}

fn errors(attempts: &[AttemptRow]) -> Markup {
    html! {
        @for AttemptRow { fence, error, .. } in attempts {
            @if let Some(error) = error {
                h3 { "What went wrong at claim " (fence) }
                p .chain { (error) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::Millis;
    use std::collections::BTreeMap;

    #[test]
    fn what_went_wrong_is_shown_as_it_was_said() {
        let said = "fetching the original: GET <s3>: 503: SlowDown";
        let attempt = AttemptRow {
            fence: 2,
            worker: "w-1".to_owned(),
            waited_ms: 0,
            began: Millis(1),
            ended: Some(Millis(2)),
            verdict: Some("retry".to_owned()),
            reason: Some("store-unavailable".to_owned()),
            error: Some(said.to_owned()),
            stages_ms: BTreeMap::new(),
        };
        let shown = errors(&[AttemptRow { error: None, ..attempt.clone() }, attempt]).into_string();
        let said = said.replace('<', "&lt;").replace('>', "&gt;");
        assert_eq!(shown, format!("<h3>What went wrong at claim 2</h3><p class=\"chain\">{said}</p>"));
    }
}
