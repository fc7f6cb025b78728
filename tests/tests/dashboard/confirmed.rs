//! What cannot be taken back is asked for, and done by the form that asks: to those that
//! it named, and to no others.

use crate::{start, start_with};
use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    job::job,
    sharing::{NAMES, finished, share_accepted},
    until::until,
};

#[tokio::test]
async fn chosen_jobs_are_given_up_and_then_all_that_match() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "hall", Entrance::aware(), "ben").await;
    dashboard.post("/ops/lanes", &[("lane", "all"), ("wish", "paused")]).await;
    let mut jobs = Vec::new();
    for client in [&ana, &ana, &ana, &ben] {
        let id = share_accepted(client, corpus::read(corpus::SMALL)).await;
        jobs.push((id, job(&db, id).await.id.to_string()));
    }
    let states = async || {
        let mut states = Vec::new();
        for (id, _) in &jobs {
            states.push(job(&db, *id).await.state);
        }
        states
    };
    let chosen = [("what", "discard"), ("job", jobs[0].1.as_str()), ("job", &jobs[1].1), ("back", "/ops/jobs")];
    let question = dashboard.post("/ops/jobs", &chosen).await;
    assert!(String::from_utf8_lossy(&question.body).contains("Give up 2 jobs?"));
    assert_eq!(states().await, ["pending"; 4]);
    assert_eq!(dashboard.confirm(&question).await.header("location"), "/ops/jobs?said=discarded&n=2");
    assert_eq!(states().await, ["failed", "failed", "pending", "pending"]);

    let matching = [("what", "discard"), ("all", "yes"), ("state", "pending"), ("room", "hall")];
    let question = dashboard.post("/ops/jobs", &matching).await;
    assert!(String::from_utf8_lossy(&question.body).contains("Give up 1 job?"));
    assert_eq!(dashboard.confirm(&question).await.header("location"), "/ops/?said=discarded&n=1");
    assert_eq!(states().await, ["failed", "failed", "pending", "failed"], "nobody else's");
    assert_eq!(finished(&ben, jobs[3].0).await.state, MediaState::Failed);
    dashboard.post("/ops/lanes", &[("lane", "all"), ("wish", "running")]).await;
    assert_eq!(finished(&ana, jobs[2].0).await.state, MediaState::Ready);
}

#[tokio::test]
async fn a_job_that_has_ended_is_forgotten_after_a_question_and_its_picture_is_not() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let mut jobs = Vec::new();
    for name in [corpus::SMALL, "hostile/trunc/jpg_15.jpg", corpus::SMALL] {
        let id = share_accepted(&ana, corpus::read(name)).await;
        finished(&ana, id).await;
        heim_tests::truth::settled(&db).await;
        jobs.push((id, job(&db, id).await.id.to_string()));
    }
    let page = dashboard.page(&format!("/ops/jobs/{}", jobs[0].1)).await;
    assert!(page.contains("value=\"forget\""), "{page}");
    let one = [("what", "forget"), ("job", jobs[0].1.as_str()), ("back", "/ops/jobs")];
    let question = dashboard.post("/ops/jobs", &one).await;
    assert!(String::from_utf8_lossy(&question.body).contains("Forget 1 job?"));
    assert_eq!(db.jobs_outstanding().await.unwrap().done, 2, "it was only asked");
    assert_eq!(dashboard.confirm(&question).await.header("location"), "/ops/jobs?said=forgotten&n=1");
    assert!(dashboard.page("/ops/jobs?said=forgotten&n=1").await.contains("1 job forgotten."));
    assert_eq!(dashboard.get(&format!("/ops/jobs/{}", jobs[0].1)).await.status, 404);
    assert_eq!(ana.media(jobs[0].0).await.state, MediaState::Ready);
    // Then all that failed, and nothing else.
    let all = [("what", "forget"), ("all", "yes"), ("state", "failed"), ("back", "/ops/jobs")];
    let question = dashboard.post("/ops/jobs", &all).await;
    assert_eq!(dashboard.confirm(&question).await.header("location"), "/ops/jobs?said=forgotten&n=1");
    let counts = db.jobs_outstanding().await.unwrap();
    assert_eq!((counts.done, counts.failed), (1, 0));
    assert_eq!(ana.media(jobs[1].0).await.state, MediaState::Failed);
}

#[tokio::test]
async fn each_filter_finds_what_matches_and_leaves_out_the_rest() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "hall", Entrance::aware(), "ben").await;
    let mut jobs = Vec::new();
    for (client, name) in [(&ana, corpus::SMALL), (&ben, "hostile/trunc/jpg_15.jpg")] {
        let id = share_accepted(client, corpus::read(name)).await;
        finished(client, id).await;
        heim_tests::truth::settled(&db).await;
        jobs.push((id.to_string(), job(&db, id).await.id.to_string()));
    }
    let worker = &db.workers().await.unwrap()[0].name;
    let [(photo, of_photo), (_, of_damaged)] = jobs.as_slice() else { panic!("two jobs") };
    let (one, other, both) = (vec![of_photo], vec![of_damaged], vec![of_photo, of_damaged]);
    for (query, found) in [
        (format!("media={photo}"), &one),
        ("room=welcome".to_owned(), &one),
        ("state=done".to_owned(), &one),
        ("room=hall".to_owned(), &other),
        ("reason=damaged".to_owned(), &other),
        (format!("worker={worker}"), &both),
        ("worker=nobody".to_owned(), &vec![]),
        ("lane=interactive".to_owned(), &both),
        ("lane=bulk".to_owned(), &vec![]),
    ] {
        let page = dashboard.page(&format!("/ops/jobs?{query}")).await;
        let is_listed = |job: &&&String| page.contains(&format!("href=\"/ops/jobs/{job}\""));
        assert_eq!(both.iter().filter(is_listed).copied().collect::<Vec<_>>(), *found, "{query}: {page}");
    }
}

#[tokio::test]
async fn orphans_are_removed_after_a_question_and_nothing_else() {
    let settings = [("retention.sweep_ms", "500"), ("retention.orphans_s", "1"), ("limits.body_timeout_ms", "10000")];
    let (heim, dashboard) = start_with(&settings).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let text = id.to_string();
    let orphans = ["thumb-160.v998", "thumb-160.v999"].map(|name| format!("media/{}/{text}/{name}", &text[..6]));
    for orphan in &orphans {
        std::fs::write(heim.store().join(orphan), b"nobody's").expect("the store is a folder");
    }
    let of_first = [("name", orphans[0].as_str()), ("back", "/ops/orphans")];
    // An upload before its commit looks like it: it is removed when it was known for longer than one can last.
    let question = until("they are known for long enough", async || {
        let answer = dashboard.post("/ops/orphans", &of_first).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert!(String::from_utf8_lossy(&question.body).contains(&orphans[0]));
    assert_eq!(heim.stored().len(), NAMES.len() + 2, "it was only asked");
    assert_eq!(dashboard.confirm(&question).await.header("location"), "/ops/orphans?said=orphans-removed&n=1");
    assert!(!heim.store().join(&orphans[0]).exists() && heim.store().join(&orphans[1]).exists());
    let question = until("the other is known for long enough", async || {
        let answer = dashboard.post("/ops/orphans", &[("all", "yes")]).await;
        String::from_utf8_lossy(&answer.body).contains(&orphans[1]).then_some(answer)
    })
    .await;
    assert_eq!(dashboard.confirm(&question).await.status, 303);
    assert_eq!(heim.stored().len(), NAMES.len(), "what rows name is there");
}

#[tokio::test]
async fn a_worker_that_is_drained_takes_no_more() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    let name = until("the worker has reported", async || Some(db.workers().await.unwrap().pop()?.name)).await;
    let question = dashboard.post("/ops/workers", &[("worker", &name), ("wish", "draining")]).await;
    assert_eq!(dashboard.confirm(&question).await.header("location"), "/ops/?said=workers-drained&n=1");
    assert_eq!(db.workers().await.unwrap()[0].wish.as_str(), "draining");
    until("it has ended", async || (db.workers().await.unwrap()[0].state.as_str() == "stopped").then_some(())).await;
    assert!(dashboard.page("/ops/").await.contains(">stopped<"));
}
