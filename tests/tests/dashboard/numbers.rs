//! The overview says what the database says.

use crate::start;
use heim_common::job::Lane;
use heim_db::{Database, JobCounts, JobFilter, LaneFigures, Quantiles};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::{Dashboard, between, number},
    sharing::{finished, share_accepted},
    truth,
    until::until,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

fn said(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { format!("{} s", ms / 1_000) }
}

/// The longest that an attempt waited, and that one ran.
async fn longest(db: &Database) -> [u64; 2] {
    let (mut waited, mut ran) = (0, 0);
    for job in db.jobs_page(&JobFilter::default(), None, 100).await.expect("the database answers") {
        for attempt in db.job_history(job.id).await.expect("the database answers").expect("its row is there").attempts {
            waited = waited.max(attempt.waited_ms);
            ran = ran.max(attempt.ended.expect("all have ended").0 - attempt.began.0);
        }
    }
    [waited, ran].map(i64::unsigned_abs)
}

fn quantiles(of: Quantiles) -> String {
    format!("p50 {}, p95 {}", said(of.p50), said(of.p95))
}

/// Each chart says in words, by its names and by its highest value what the rows say.
async fn charts_agree(dashboard: &Dashboard, db: &Database, figures: &LaneFigures) {
    for span in ["hour", "day"] {
        let page = dashboard.page(&format!("/ops/?span={span}")).await;
        let chart = |lane: &str, title: &str| {
            let card = between(&page, &format!("aria-labelledby=\"lane-{lane}\""), "</section>").expect("a card");
            let chart = between(card, &format!("<figcaption>{title} "), "</figure>").expect("a chart");
            let drawn = chart.split_once("class=\"lines\"").expect("it is drawn").1;
            (chart.to_owned(), drawn.matches(" d=\"M").count())
        };
        let (wait, run) = (figures.wait_ms.expect("three waited"), figures.run_ms.expect("three ran"));
        // Of a part with less than twenty attempts the longest is p95, however they are parted.
        let [waited, ran] = longest(db).await.map(|ms| format!("highest {}<", said(ms)));
        let of_jobs = if span == "day" { " in 24 minutes<" } else { " in a minute<" };
        for (title, words, highest, names) in [
            ("Wait", quantiles(wait), waited.as_str(), ["> p50<", "> p95<"]),
            ("Run", quantiles(run), &ran, ["> p50<", "> p95<"]),
            ("Jobs", " in and ".to_owned(), of_jobs, ["> in<", "> out<"]),
        ] {
            let (chart, lines) = chart("interactive", title);
            assert!(chart.contains(&words) && lines == 2, "{span} {title}: {words}: {chart}");
            assert!(chart.contains(highest), "{span} {title}: {highest}: {chart}");
            assert!(names.iter().all(|name| chart.contains(name)), "{span} {title}: {chart}");
        }
        let (chart, lines) = chart("bulk", "Run");
        assert!(chart.contains("no attempt ended") && lines == 0 && !chart.contains("highest"), "{span}: {chart}");
    }
}

#[tokio::test]
async fn the_overview_says_what_the_database_says() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    for name in [corpus::SMALL, corpus::SMALL, "hostile/trunc/jpg_15.jpg"] {
        let id = share_accepted(&ana, corpus::read(name)).await;
        finished(&ana, id).await;
    }
    truth::settled(&db).await;
    let paused = dashboard.post("/ops/lanes", &[("lane", "interactive"), ("wish", "paused")]).await;
    assert_eq!(paused.status, 303);
    let waiting = share_accepted(&ana, corpus::read(corpus::SMALL)).await;

    let depth = db.lane_depths().await.unwrap()[&Lane::Interactive];
    assert_eq!((depth.pending, depth.running), (1, 0));
    // What lanes did lately is counted anew after seconds.
    let page = until("the overview has caught up", async || {
        let page = dashboard.page("/ops/").await;
        (number(&page, "interactive-arrived") == 4).then_some(page)
    })
    .await;
    let figures = db.lane_figures(db.now().await.unwrap(), HOUR, HOUR).await.unwrap();
    let [figures] = figures.as_slice() else { panic!("{figures:?}") };
    assert_eq!((figures.arrived, figures.done, figures.failed), (4, 2, 1), "{figures:?}");
    for (name, expected) in [
        ("interactive-pending", depth.pending),
        ("interactive-running", depth.running),
        ("interactive-arrived", figures.arrived),
        ("interactive-done", figures.done),
        ("interactive-failed", figures.failed),
        ("bulk-pending", 0),
        ("bulk-arrived", 0),
    ] {
        assert_eq!(number(&page, name), expected, "{name}");
    }
    let JobCounts { pending, running, done, failed } = db.jobs_outstanding().await.unwrap();
    let shown = ["pending", "running", "done", "failed", "workers", "orphans"].map(|name| number(&page, name));
    assert_eq!(shown, [pending, running, done, failed, 1, 0]);
    assert_eq!((pending, done, failed), (1, 2, 1));
    assert!(page.contains("id=\"n-interactive-paused\"") && !page.contains("id=\"n-bulk-paused\""));
    let worker = &db.workers().await.unwrap()[0];
    let [word, load] = [&worker.version, &format!("{} of {}", worker.jobs.len(), worker.concurrency)];
    let up = format!("all {} up", worker.walls.len());
    for text in [&worker.name, &worker.host, word, load] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let are_up = worker.walls.values().all(|how| how.starts_with("up"));
    assert_eq!(page.contains(&up), are_up, "{:?}: {page}", worker.walls);
    let oldest = between(&page, "id=\"n-interactive-oldest\">", "<").expect("it is told");
    assert!(oldest.ends_with(" ms") || oldest.ends_with(" s"), "one has waited for {oldest}");
    charts_agree(&dashboard, &db, figures).await;

    let jobs = dashboard.page("/ops/jobs").await;
    assert_eq!(jobs.matches("aria-label=\"Choose ").count(), 4);
    let resumed = dashboard.post("/ops/lanes", &[("lane", "interactive"), ("wish", "running")]).await;
    assert_eq!((resumed.status, resumed.header("location")), (303, "/ops/?said=lanes-resumed&n=1"));
    finished(&ana, waiting).await;
    let usage = dashboard.page("/ops/usage").await;
    assert!(usage.contains(">welcome</a>"), "{usage}");
}
