//! What is done from the dashboard happens, and is noted under the session's name.

use crate::start;
use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    job::job,
    sharing::{finished, share_accepted},
    truth,
    until::until,
};

const DAMAGED: &str = "hostile/trunc/jpg_15.jpg";

#[tokio::test]
async fn a_job_that_failed_is_tried_again_from_its_page() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(DAMAGED)).await;
    finished(&ana, id).await;
    truth::settled(&db).await;
    let before = job(&db, id).await;
    let path = format!("/ops/jobs/{}", before.id);
    let page = dashboard.page(&path).await;
    for text in ["damaged", "Retry now", "What went wrong at claim", "welcome", &id.to_string()] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let text = before.id.to_string();
    let done = dashboard.post("/ops/jobs", &[("what", "retry"), ("job", &text), ("back", &path)]).await;
    assert_eq!((done.status, done.header("location")), (303, format!("{path}?said=retried&n=1").as_str()));
    let again = until("the job has run again", async || {
        let now = job(&db, id).await;
        (now.fence > before.fence && now.state == "failed").then_some(now)
    })
    .await;
    assert_eq!(again.fence, before.fence + 1);
    let page = dashboard.page(&format!("{path}?said=retried&n=1")).await;
    assert!(page.contains("1 job tried again.") && page.contains(&format!("at claim {}", again.fence)), "{page}");

    // All that match: it is asked first, and says how many.
    let filter = [
        ("what", "retry"),
        ("all", "yes"),
        ("state", "failed"),
        ("reason", "damaged"),
        ("back", "/ops/jobs?state=failed"),
    ];
    let asked = dashboard.post("/ops/jobs", &filter).await;
    let question = String::from_utf8(asked.body).expect("a page");
    assert!(asked.status == 200 && question.contains("Try 1 job again?"), "{question}");
    assert_eq!(job(&db, id).await.fence, again.fence);
    let done = dashboard.confirm(&dashboard.post("/ops/jobs", &filter).await).await;
    assert_eq!(done.header("location"), "/ops/jobs?state=failed&said=retried&n=1");
    until("the job has run again", async || (job(&db, id).await.fence > again.fence).then_some(())).await;

    let audit = db.audits(None, 10).await.unwrap();
    let lines: Vec<_> = audit.iter().map(|row| (row.action.as_str(), row.dry_run, row.affected)).collect();
    assert_eq!(
        lines,
        [
            ("job retry", false, Some(1)),
            ("job retry", true, Some(1)),
            ("job retry", true, Some(1)),
            ("job retry", false, Some(1)),
        ]
    );
    assert!(audit.iter().all(|row| row.who.starts_with("dashboard:")), "{audit:?}");
    assert!(dashboard.page("/ops/audit").await.contains(&audit[0].who));
}

#[tokio::test]
async fn a_job_that_waits_is_given_up_after_a_question() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    dashboard.post("/ops/lanes", &[("lane", "interactive"), ("wish", "paused")]).await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let text = job(&db, id).await.id.to_string();
    let fields = [("what", "discard"), ("job", text.as_str())];
    let asked = dashboard.post("/ops/jobs", &fields).await;
    let question = String::from_utf8(asked.body).expect("a page");
    assert!(question.contains("Give up 1 job?") && question.contains(&text), "{question}");
    assert_eq!(job(&db, id).await.state, "pending");
    let done = dashboard.post("/ops/jobs", &[&fields[..], &[("sure", "yes")]].concat()).await;
    assert_eq!(done.header("location"), "/ops/?said=discarded&n=1");
    assert_eq!(job(&db, id).await.state, "failed");
    assert_eq!(finished(&ana, id).await.state, MediaState::Failed);
    let refused = dashboard.post("/ops/jobs", &[&fields[..], &[("sure", "yes")]].concat()).await;
    assert_eq!(refused.status, 400, "it has ended");
    for nonsense in
        [&[("what", "explode"), ("job", text.as_str())][..], &[("what", "retry")], &[("what", "retry"), ("job", "?")]]
    {
        assert_eq!(dashboard.post("/ops/jobs", nonsense).await.status, 400, "{nonsense:?}");
    }
    dashboard.post("/ops/lanes", &[("lane", "interactive"), ("wish", "running")]).await;
}

#[tokio::test]
async fn a_worker_is_paused_and_resumed() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let name = until("the worker has reported", async || Some(db.workers().await.unwrap().pop()?.name)).await;
    let wish = async |wish: &str| dashboard.post("/ops/workers", &[("worker", &name), ("wish", wish)]).await;
    assert_eq!(wish("paused").await.header("location"), "/ops/?said=workers-paused&n=1");
    until("the overview says so", async || dashboard.page("/ops/").await.contains(">Resume<").then_some(())).await;
    assert_eq!(db.workers().await.unwrap()[0].wish.as_str(), "paused");
    assert_eq!(wish("running").await.status, 303);
    let asked = wish("draining").await;
    assert_eq!(asked.status, 200, "whoever ends a worker is asked");
    assert_eq!(db.workers().await.unwrap()[0].wish.as_str(), "running");
    for nonsense in ["stopped", "", "faster"] {
        assert_eq!(wish(nonsense).await.status, 400, "{nonsense}");
    }
    assert_eq!(dashboard.post("/ops/workers", &[("worker", "nobody"), ("wish", "paused")]).await.status, 404);
}
