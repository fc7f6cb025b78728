//! The overview: lanes, workers, and what needs somebody.

use super::{
    Ops,
    chart::{Line, chart},
    door::Session,
    fields::{Fields, encoded},
    frame::{self, Page, Refused, bytes, duration, keyed_table, moment, or_dash, text},
    live::Overview,
    transport,
};
use crate::admin::{LaneOverview, Span, is_alive};
use axum::{extract::State, response::Response};
use heim_common::worker::WorkerState;
use heim_db::{LaneFigures, Quantiles, WorkerRow};
use maud::{Markup, html};

/// `GET /ops/`.
pub(super) async fn show(State(ops): State<Ops>, session: Session, fields: Fields) -> Result<Response, Refused> {
    let overview = ops.live.look(&ops.app).await?;
    let span = span(&fields);
    let body = html! {
        div .bar {
            h1 { "Overview" }
            (frame::live(&format!("/ops/events?span={span}")))
        }
        div #content { (content(&overview, &session, &fields)) }
    };
    Ok(Page { title: "Overview", place: "/ops/", session: &session, fields: &fields }.with(&body))
}

/// The time that charts are about.
fn span(fields: &Fields) -> &'static str {
    if fields.get("span") == "day" { "day" } else { "hour" }
}

/// All that changes by itself.
pub(super) fn content(overview: &Overview, session: &Session, fields: &Fields) -> Markup {
    let span = span(fields);
    html! {
        (attention(overview))
        section aria-labelledby="lanes" {
            div .bar {
                h2 #lanes { "Lanes" }
                (all_lanes(overview, session, span))
                nav .tabs aria-label="Time of the figures" {
                    a href="/ops/?span=hour" aria-current=[(span == "hour").then_some("true")] { "last hour" }
                    a href="/ops/?span=day" aria-current=[(span == "day").then_some("true")] { "last day" }
                }
            }
            div .cards { @for lane in &overview.lanes { (lane_card(lane, overview, span, session)) } }
        }
        (transport::panel(&overview.queue))
        section aria-labelledby="workers" {
            div .bar { h2 #workers { "Workers" } (all_workers(&overview.workers, session)) }
            (workers(&overview.workers, session))
        }
    }
}

/// How many jobs there are, and what an operator may want to look at first.
fn attention(overview: &Overview) -> Markup {
    let Overview { jobs, faults, workers, orphans, missing, .. } = overview;
    let alive = workers.iter().filter(|worker| is_alive(worker)).count();
    let slots: u32 = workers.iter().filter(|worker| is_alive(worker)).map(|worker| worker.concurrency).sum();
    let tile = |id: &str, name: &str, address: &str, count: u64, is_bad: bool| {
        html! { a .tile .bad[is_bad] href=(address) { b id=(format!("n-{id}")) { (count) } " " (name) } }
    };
    html! {
        section .tiles aria-label="In all" {
            (tile("pending", "pending", "/ops/jobs?state=pending", jobs.pending, false))
            (tile("running", "running", "/ops/jobs?state=running", jobs.running, false))
            (tile("done", "done", "/ops/jobs?state=done", jobs.done, false))
            @let ours = if *faults > 0 { format!("failed, {faults} by our fault") } else { "failed".to_owned() };
            (tile("failed", &ours, "/ops/jobs?state=failed", jobs.failed, *faults > 0))
            (tile("workers", "workers", "#workers", alive as u64, alive == 0))
            (tile("places", "places", "#workers", u64::from(slots), false))
            (tile("orphans", "orphans", "/ops/orphans?kind=orphan", *orphans, *orphans > 0))
            (tile("missing", "missing", "/ops/orphans?kind=missing", *missing, *missing > 0))
        }
    }
}

/// One button for the whole fleet.
fn all_lanes(overview: &Overview, session: &Session, span: &str) -> Markup {
    let paused = overview.lanes.iter().filter(|lane| lane.paused_since.is_some()).count();
    html! {
        (frame::steering(session, "/ops/lanes", &html! {
            input type="hidden" name="lane" value="all";
            input type="hidden" name="back" value=(format!("/ops/?span={span}"));
            @if paused < overview.lanes.len() {
                button data-key="paused" type="submit" name="wish" value="paused" { "Pause all lanes" }
            }
            @if paused > 0 {
                button data-key="running" type="submit" name="wish" value="running" { "Resume all lanes" }
            }
        }))
    }
}

fn all_workers(workers: &[WorkerRow], session: &Session) -> Markup {
    let alive: Vec<_> = workers.iter().filter(|worker| is_alive(worker)).collect();
    let any = |wish: WorkerState| alive.iter().any(|worker| worker.wish == wish);
    html! {
        @if alive.len() > 1 {
            (frame::steering(session, "/ops/workers", &html! {
                input type="hidden" name="worker" value="all";
                input type="hidden" name="back" value="/ops/";
                @if any(WorkerState::Running) {
                    button data-key="paused" type="submit" name="wish" value="paused" { "Pause all workers" }
                }
                @if any(WorkerState::Paused) {
                    button data-key="running" type="submit" name="wish" value="running" { "Resume all workers" }
                }
            }))
        }
    }
}

fn lane_card(lane: &LaneOverview, overview: &Overview, span: &str, session: &Session) -> Markup {
    let word = lane.lane.as_str();
    let (figures, parts) = match span {
        "day" => (lane.day, &overview.lately.day),
        _ => (lane.hour, &overview.lately.hour),
    };
    let number = |name: &str, key: &str, value: Markup| {
        html! { div { dt { (name) } dd id=(format!("n-{word}-{key}")) { (value) } } }
    };
    let count = |of: fn(&LaneFigures) -> u64| text(figures.as_ref().map_or(0, of));
    html! {
        section .card data-key=(word) aria-labelledby=(format!("lane-{word}")) {
            div .bar {
                h3 id=(format!("lane-{word}")) { (word) }
                @if let Some(since) = lane.paused_since {
                    p .badge .bad data-key="paused" id=(format!("n-{word}-paused")) { "paused since " (moment(since)) }
                }
                (frame::steering(session, "/ops/lanes", &html! {
                    input type="hidden" name="lane" value=(word);
                    input type="hidden" name="back" value=(format!("/ops/?span={span}"));
                    @if lane.paused_since.is_some() {
                        (frame::wish_button("running", "Resume", word))
                    } @else {
                        (frame::wish_button("paused", "Pause", word))
                    }
                }))
            }
            dl .numbers {
                (number("waiting", "pending", text(lane.depth.pending)))
                (number("running", "running", text(lane.depth.running)))
                (number("oldest", "oldest", or_dash(lane.depth.oldest_ms.map(duration))))
                (number("arrived", "arrived", count(|figures| figures.arrived)))
                (number("done", "done", count(|figures| figures.done)))
                (number("failed", "failed", count(|figures| figures.failed)))
            }
            (charts(lane, figures, parts, span))
        }
    }
}

fn charts(lane: &LaneOverview, figures: Option<LaneFigures>, parts: &Span, span: &str) -> Markup {
    let of = |figure: fn(&LaneFigures) -> Option<u64>| parts.parts(lane.lane, figure);
    let filled = |figure: fn(&LaneFigures) -> Option<u64>| -> Vec<_> {
        of(figure).into_iter().map(|value| Some(value.unwrap_or(0))).collect()
    };
    let (arrived, ended) =
        (filled(|figures| Some(figures.arrived)), filled(|figures| Some(figures.done + figures.failed)));
    // So many of which time, and how long a part of the chart is.
    let (times, time, in_part) =
        if span == "day" { (24, "an hour", "24 minutes") } else { (60, "a minute", "a minute") };
    let rate = |count: Option<u64>| {
        let hundredths = count.unwrap_or(0) * 100 / times;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    };
    let rates = format!(
        "{} in and {} out {time}",
        rate(figures.map(|figures| figures.arrived)),
        rate(figures.map(|figures| figures.done + figures.failed))
    );
    let took = |took: Option<Quantiles>| match took {
        Some(Quantiles { p50, p95 }) => format!("p50 {}, p95 {}", duration(p50), duration(p95)),
        None => "no attempt ended".to_owned(),
    };
    let (wait50, wait95) = (of(|it| it.wait_ms.map(|it| it.p50)), of(|it| it.wait_ms.map(|it| it.p95)));
    let (run50, run95) = (of(|it| it.run_ms.map(|it| it.p50)), of(|it| it.run_ms.map(|it| it.p95)));
    let wait = took(figures.and_then(|figures| figures.wait_ms));
    let run = took(figures.and_then(|figures| figures.run_ms));
    let lines = |second: (&'static str, _), first: (&'static str, _)| {
        let of_class = |class, (name, values)| Line { class, name, values };
        [of_class("second", second), of_class("first", first)]
    };
    let jobs = |count: u64| format!("{count} in {in_part}");
    html! {
        (chart("Jobs", &rates, &lines(("in", arrived), ("out", ended)), jobs))
        (chart("Wait", &wait, &lines(("p95", wait95), ("p50", wait50)), duration))
        (chart("Run", &run, &lines(("p95", run95), ("p50", run50)), duration))
    }
}

fn workers(workers: &[WorkerRow], session: &Session) -> Markup {
    let headings = ["worker", "state", "version", "heard", "jobs", "load", "children", "walls", "steer"];
    let row = |worker: &WorkerRow| {
        // What it last said of its load is past.
        let is_alive = is_alive(worker);
        let cells = vec![
            html! {
                a href=(format!("/ops/jobs?worker={}", encoded(&worker.name))) { (worker.name) }
                br;
                span .muted { (worker.host) }
            },
            state(worker),
            text(&worker.version),
            html! { (duration(worker.silent_ms)) " ago" },
            held(worker),
            or_dash(is_alive.then(|| format!("{} %", worker.cpu_percent))),
            or_dash(is_alive.then(|| bytes(worker.child_memory_bytes))),
            walls(worker),
            steering(worker, session),
        ];
        (worker.name.clone(), cells)
    };
    keyed_table("Workers that were heard of lately", &headings, &workers.iter().map(row).collect::<Vec<_>>())
}

/// The jobs that a worker holds; of one that is not there, those that it last said it held.
fn held(worker: &WorkerRow) -> Markup {
    let n = worker.jobs.len();
    html! {
        @if is_alive(worker) { (n) " of " (worker.concurrency) }
        @else if n > 0 { span .muted { "had " (n) " when last heard" } }
        @else { span .muted { "–" } }
        @for job in &worker.jobs { br; a .id href=(format!("/ops/jobs/{job}")) { (job.to_string()) } }
    }
}

fn state(worker: &WorkerRow) -> Markup {
    let (state, wish) = (worker.state, worker.wish);
    html! {
        @if state == WorkerState::Stopped { span .badge { "stopped" } }
        @else if !is_alive(worker) { span .badge .bad { "silent" } }
        @else {
            span .badge .good[state == WorkerState::Running] { (state.as_str()) }
            @if state != wish { " " span .badge .bad { "to be " (wish.as_str()) } }
        }
    }
}

fn walls(worker: &WorkerRow) -> Markup {
    let down: Vec<_> = worker.missing_walls().map(|(wall, _)| wall).collect();
    html! {
        @if worker.walls.is_empty() { span .muted { "not told" } }
        @else {
            details {
                summary .bad[!down.is_empty()] {
                    @if down.is_empty() { "all " (worker.walls.len()) " up" }
                    @else { (down.len()) " of " (worker.walls.len()) " down" }
                }
                ul { @for (wall, how) in &worker.walls { li .bad[down.contains(&wall.as_str())] { (wall) ": " (how) } } }
            }
        }
    }
}

fn steering(worker: &WorkerRow, session: &Session) -> Markup {
    let can = is_alive(worker) && worker.wish != WorkerState::Draining;
    let button = |wish: &str, word: &str| frame::wish_button(wish, word, &worker.name);
    html! {
        @if can {
            (frame::steering(session, "/ops/workers", &html! {
                input type="hidden" name="worker" value=(worker.name);
                input type="hidden" name="back" value="/ops/";
                @if worker.wish == WorkerState::Paused { (button("running", "Resume")) }
                @else { (button("paused", "Pause")) }
                (button("draining", "Drain"))
            }))
        } @else { span .muted { "–" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::{JobId, Millis};
    use std::collections::BTreeMap;

    #[test]
    fn what_a_silent_worker_holds_is_what_it_held_when_it_was_last_heard() {
        let heard = |silent_ms: i64, jobs: Vec<JobId>| WorkerRow {
            name: "w-1".to_owned(),
            version: "1.2.3".to_owned(),
            host: "there".to_owned(),
            started: Millis(1),
            heard: Millis(2),
            silent_ms,
            state: WorkerState::Running,
            wish: WorkerState::Running,
            concurrency: 2,
            jobs,
            walls: BTreeMap::new(),
            cpu_percent: 31,
            child_memory_bytes: 1 << 20,
        };
        let two = || vec![JobId::from_i64(1), JobId::from_i64(2)];
        let shown = |row: &WorkerRow| held(row).into_string();
        assert!(shown(&heard(1_000, two())).starts_with("2 of 2<"));
        let silent = shown(&heard(10_000, two()));
        assert!(silent.contains("had 2 when last heard") && !silent.contains(" of "), "{silent}");
        assert_eq!(shown(&heard(10_000, Vec::new())), "<span class=\"muted\">–</span>");
    }
}
