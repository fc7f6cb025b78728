//! What the lanes did day by day, as charts and as a table.

use super::{
    Ops,
    chart::{Line, chart},
    door::Session,
    fields::Fields,
    frame::{Page, Refused, day, table, text},
};
use axum::{extract::State, response::Response};
use heim_common::job::Lane;
use heim_db::LaneDay;
use maud::{Markup, html};
use std::time::Duration;

/// The times that can be looked at, in days.
const SPANS: [u16; 3] = [7, 30, 90];

const DAY: Duration = Duration::from_hours(24);

/// `GET /ops/history`.
pub(super) async fn show(
    State(Ops { app, .. }): State<Ops>,
    session: Session,
    fields: Fields,
) -> Result<Response, Refused> {
    let span = SPANS.into_iter().find(|span| fields.get("days") == span.to_string()).unwrap_or(SPANS[1]);
    let all = app.db.lane_days(span).await?;
    let body = html! {
        div .bar {
            h1 { "History" }
            nav .tabs aria-label="Time of the charts" {
                @for of in SPANS {
                    a href=(format!("/ops/history?days={of}")) aria-current=[(of == span).then_some("true")] { (of) " days" }
                }
            }
        }
        p .muted {
            "Jobs that ended, by the day of UTC. Today is the last day, and is not over."
            @if let Some(first) = all.first().filter(|_| all.len() < usize::from(span) * Lane::ALL.len()) {
                " Of days before " (day(first.from)) " nothing is known."
            }
        }
        div .cards { @for lane in Lane::ALL { (card(*lane, &all, span)) } }
        details {
            summary { "The same as a table" }
            (by_day(&all))
        }
    };
    Ok(Page { title: "History", place: "/ops/history", session: &session, fields: &fields }.with(&body))
}

/// What a lane did: in all, and as a chart in which days of which nothing is known are gaps.
fn card(lane: Lane, all: &[LaneDay], span: u16) -> Markup {
    let days: Vec<_> = all.iter().filter(|day| day.lane == lane).collect();
    let sum = |of: fn(&LaneDay) -> u64| days.iter().map(|day| of(day)).sum::<u64>();
    let values = |of: fn(&LaneDay) -> u64| {
        let mut values = vec![None; usize::from(span).saturating_sub(days.len())];
        values.extend(days.iter().map(|day| Some(of(day))));
        values
    };
    let (done, failed) = (sum(|day| day.done), sum(|day| day.failed));
    let lines = [
        Line { class: "second", name: "failed", values: values(|day| day.failed) },
        Line { class: "first", name: "done", values: values(|day| day.done) },
    ];
    let word = lane.as_str();
    html! {
        section .card .days aria-labelledby=(format!("lane-{word}")) {
            h2 id=(format!("lane-{word}")) { (word) }
            dl .numbers {
                @for (name, value) in [("done", done), ("failed", failed)] {
                    div { dt { (name) } dd id=(format!("n-{word}-{name}")) { (value) } }
                }
            }
            (chart("Jobs", &format!("{done} done and {failed} failed in {span} days"), &lines, |n| format!("{n} in a day")))
            @if let Some(today) = days.last().map(|day| day.from) {
                p .ends { (day(today.before(DAY * u32::from(span - 1)))) (day(today)) }
            }
        }
    }
}

/// A row for each day, the newest first.
fn by_day(all: &[LaneDay]) -> Markup {
    let of_lanes = |what: &str| Lane::ALL.iter().map(|lane| format!("{} {what}", lane.as_str())).collect::<Vec<_>>();
    let names: Vec<_> = of_lanes("done").into_iter().zip(of_lanes("failed")).flat_map(<[_; 2]>::from).collect();
    let headings: Vec<_> = ["day"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let row = |lanes: &[LaneDay]| {
        let counts = lanes.iter().flat_map(|day| [text(day.done), text(day.failed)]);
        [day(lanes[0].from)].into_iter().chain(counts).collect::<Vec<_>>()
    };
    table("Jobs that ended, by day", &headings, &all.chunks(Lane::ALL.len()).rev().map(row).collect::<Vec<_>>())
}
