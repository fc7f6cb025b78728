//! Files that their child dies of: they are seen at one place, tried again from there, and
//! red there and at the overview, as what users have damaged is not.

use crate::start_with;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::{between, number},
    job::job,
    sharing::{finished, share_accepted},
    truth,
    until::until,
};

const POISON: &str = "/ops/jobs?state=failed&reason=poison";

/// A picture that the pixel child of these builds dies of.
pub(crate) fn deadly() -> Vec<u8> {
    [corpus::read(corpus::SMALL), b"heim-media-failpoint:panic".to_vec()].concat()
}

#[tokio::test]
async fn a_file_that_kills_is_poison_and_is_tried_again_from_its_page() {
    let (heim, dashboard) = start_with(&[("jobs.deaths_max", "1")]).await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let is_red = async || {
        let page = dashboard.page("/ops/").await;
        let tile = between(&page, "href=\"/ops/jobs?state=failed\"", "</a>").expect("a tile").to_owned();
        assert_eq!(number(&page, "failed"), db.jobs_outstanding().await.unwrap().failed);
        let before = page.split_once("href=\"/ops/jobs?state=failed\"").expect("a tile").0;
        (before.rsplit_once("<a ").expect("it is a link").1.contains("bad"), tile.contains("by our fault"))
    };
    let damaged = share_accepted(&ana, corpus::read("hostile/trunc/jpg_15.jpg")).await;
    finished(&ana, damaged).await;
    truth::settled(&db).await;
    assert!(dashboard.page(POISON).await.contains("None."), "a damaged file kills nobody");
    assert_eq!(is_red().await, (false, false), "nobody but its owner can mend it");

    let id = share_accepted(&ana, deadly()).await;
    finished(&ana, id).await;
    truth::settled(&db).await;
    assert_eq!(is_red().await, (true, true));
    let before = job(&db, id).await;
    let link = format!("href=\"/ops/jobs/{}\"", before.id);
    let page = dashboard.page(POISON).await;
    assert!(page.contains("<h1>Poison files</h1>") && page.contains(&link) && page.contains(">poison<"), "{page}");
    assert!(!page.contains(&job(&db, damaged).await.id.to_string()), "{page}");
    let current = between(&page, "aria-current=\"page\">", "<");
    assert_eq!(current, Some("Poison"));
    let shown = dashboard.page(&format!("/ops/jobs/{}", before.id)).await;
    for text in ["What went wrong at claim 1", "planted", "<dt>deaths of a child</dt><dd>1</dd>"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }

    let text = before.id.to_string();
    let done = dashboard.post("/ops/jobs", &[("what", "retry"), ("job", &text), ("back", POISON)]).await;
    assert_eq!((done.status, done.header("location")), (303, format!("{POISON}&said=retried&n=1").as_str()));
    until("it has killed another", async || {
        let now = job(&db, id).await;
        (now.fence == before.fence + 1 && now.state == "failed").then_some(())
    })
    .await;
    assert!(dashboard.page(POISON).await.contains(&link), "it is poison still");
}
