//! The overview says what the database says.

use crate::start;
use heim_common::job::Lane;
use heim_db::JobCounts;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::number,
    sharing::{finished, share_accepted},
    truth,
    until::until,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

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
    assert!(page.contains(&worker.name) && page.contains(&worker.version), "{page}");

    let jobs = dashboard.page("/ops/jobs").await;
    assert_eq!(jobs.matches("aria-label=\"Choose ").count(), 4);
    let resumed = dashboard.post("/ops/lanes", &[("lane", "interactive"), ("wish", "running")]).await;
    assert_eq!((resumed.status, resumed.header("location")), (303, "/ops/?said=lanes-resumed&n=1"));
    finished(&ana, waiting).await;
    let usage = dashboard.page("/ops/usage").await;
    assert!(usage.contains(">welcome</a>"), "{usage}");
}
