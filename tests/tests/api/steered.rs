//! What is done by the API: as from the shell, with the same dry run and the same line
//! in the audit.

use crate::listed::shell;
use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    sharing::{finished, share_accepted},
    truth,
    until::until,
    web::answer,
};
use reqwest::Method;
use serde_json::{Value, json};

/// Does something that must be carried out.
async fn done(keyed: &Keyed, path: &str, body: &Value) -> Value {
    let request = keyed.operator(0).request(Method::POST, path);
    let answer = answer(if body.is_null() { request } else { request.json(body) }).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// The same with `dry_run`: it changes nothing that it is about, and says what would be
/// done.
async fn tried_and_done(keyed: &Keyed, path: &str, body: &Value) -> Value {
    let database = keyed.fleet.database().await;
    let before = (truth::rows(&database).await, keyed.fleet.stored());
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut tried = done(keyed, &format!("{path}{separator}dry_run=true"), body).await;
    let after = (truth::rows(&database).await, keyed.fleet.stored());
    assert_eq!(before, after, "{path} with dry_run has changed something");
    let done = done(keyed, path, body).await;
    assert_eq!((&tried["dry_run"], &done["dry_run"]), (&json!(true), &json!(false)));
    tried["dry_run"] = json!(false);
    assert_eq!(tried, done, "{path}: exactly what would be done");
    done
}

async fn enter(keyed: &Keyed, room: &str) -> Client {
    Client::enter(keyed.base(0), room, Entrance::aware(), "ana").await
}

async fn job_on(keyed: &Keyed, media: MediaId) -> String {
    let jobs = keyed.operator(0).look(&format!("jobs?media={media}")).await;
    jobs["jobs"][0]["id"].as_str().unwrap_or_else(|| panic!("{jobs}")).to_owned()
}

/// The newest lines of the audit, the oldest first: `action subject dry affected`.
async fn audit(keyed: &Keyed) -> Vec<String> {
    let rows = keyed.operator(0).look("audit").await;
    assert_eq!(rows, shell(keyed, &["audit", "list"]).await);
    let line = |row: &Value| {
        assert_eq!(row["who"], "token");
        let word = |name: &str| row[name].as_str().expect("a text").to_owned();
        let dry = if row["dry_run"] == true { "dry " } else { "" };
        format!("{} {} {dry}{}", word("action"), word("subject"), row["affected"])
    };
    rows["audit"].as_array().expect("rows").iter().rev().map(line).collect()
}

#[tokio::test]
async fn jobs_are_given_up_and_tried_again() {
    let mut keyed = Keyed::start(1, 0).await;
    let ana = enter(&keyed, "welcome").await;
    let one = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let two = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let job = job_on(&keyed, one).await;
    let refused = keyed.operator(0).call(Method::POST, &format!("jobs/{job}/retry")).await;
    assert_eq!(refused.refusal(), (400, "bad-request".to_owned()));
    assert!(refused.json()["detail"].as_str().expect("why").contains("has not failed"), "{refused:?}");

    let gone = tried_and_done(&keyed, &format!("jobs/{job}/discard"), &Value::Null).await;
    assert_eq!((&gone["jobs"], &gone["count"]), (&json!([job]), &json!(1)));
    assert_eq!(finished(&ana, one).await.state, MediaState::Failed, "its room is told");
    let gone = tried_and_done(&keyed, "jobs/discard?room=welcome&state=pending", &Value::Null).await;
    assert_eq!(gone["jobs"], json!([job_on(&keyed, two).await]));
    let again = tried_and_done(&keyed, "jobs/retry?reason=discarded", &Value::Null).await;
    assert_eq!(again["count"], 2);
    keyed.fleet.add_worker().await;
    for id in [one, two] {
        until("it is made", async || (ana.media(id).await.state == MediaState::Ready).then_some(())).await;
    }
    assert_eq!(
        audit(&keyed).await,
        [
            format!("job retry {job} null"),
            format!("job discard {job} dry 1"),
            format!("job discard {job} 1"),
            "job discard state=pending room=welcome dry 1".to_owned(),
            "job discard state=pending room=welcome 1".to_owned(),
            "job retry reason=discarded dry 2".to_owned(),
            "job retry reason=discarded 2".to_owned(),
        ]
    );

    truth::settled(&keyed.fleet.database().await).await;
    let forgotten = tried_and_done(&keyed, &format!("jobs/{job}/forget"), &Value::Null).await;
    assert_eq!((&forgotten["jobs"], &forgotten["count"]), (&json!([job]), &json!(1)));
    let gone = keyed.operator(0).call(Method::POST, &format!("jobs/{job}/forget")).await;
    assert_eq!(gone.refusal(), (404, "not-found".to_owned()));
    assert_eq!(tried_and_done(&keyed, "jobs/forget?room=welcome", &Value::Null).await["count"], 1);
    assert_eq!(keyed.operator(0).look("jobs").await["jobs"], json!([]));
    assert_eq!(ana.media(one).await.state, MediaState::Ready, "the picture stays");
}

#[tokio::test]
async fn lanes_and_workers_are_steered() {
    let keyed = Keyed::start(1, 1).await;
    let operator = keyed.operator(0);
    let name = until("the worker has reported", async || {
        operator.look("workers").await["workers"][0]["name"].as_str().map(str::to_owned)
    })
    .await;
    let paused = tried_and_done(&keyed, "lanes/bulk/pause", &Value::Null).await;
    assert_eq!((&paused["paused"], &paused["changed"]), (&json!(true), &json!(["bulk"])));
    assert_eq!(done(&keyed, "lanes/all/pause", &Value::Null).await["changed"], json!(["interactive", "backfill"]));
    let lanes = operator.look("lanes").await;
    assert!(lanes["lanes"].as_array().expect("lanes").iter().all(|lane| lane["paused_since"].is_i64()), "{lanes}");
    assert_eq!(done(&keyed, "lanes/all/resume", &Value::Null).await["count"], 3);

    for (verb, state) in [("pause", "paused"), ("resume", "running"), ("drain", "draining")] {
        let steered = tried_and_done(&keyed, &format!("workers/{name}/{verb}"), &Value::Null).await;
        assert_eq!((&steered["wish"], &steered["workers"]), (&json!(state), &json!([name])));
        let obeyed = if verb == "drain" { "stopped" } else { state };
        until("the worker has obeyed", async || {
            (operator.look("workers").await["workers"][0]["state"] == obeyed).then_some(())
        })
        .await;
    }
    let refused = operator.call(Method::POST, &format!("workers/{name}/pause")).await;
    assert_eq!(refused.refusal(), (400, "bad-request".to_owned()), "it has ended");
    let told = audit(&keyed).await;
    assert_eq!(told[..4], ["lane pause bulk dry 1", "lane pause bulk 1", "lane pause all 2", "lane resume all 3"]);
    assert_eq!(
        told[8..],
        [format!("worker drain {name} dry 1"), format!("worker drain {name} 1"), format!("worker pause {name} null"),]
    );
}

#[tokio::test]
async fn media_objects_are_purged_by_whatever_they_are_found() {
    let keyed = Keyed::start(1, 1).await;
    let ana = enter(&keyed, "welcome").await;
    let picture = corpus::read(corpus::SMALL);
    let one = share_accepted(&ana, picture.clone()).await;
    finished(&ana, one).await;
    let purged = tried_and_done(&keyed, "purge", &json!({ "media": one })).await;
    assert_eq!((&purged["count"], &purged["files_left"]), (&json!(1), &json!(0)), "{purged}");
    assert_eq!(purged["messages_deleted"].as_array().map(Vec::len), Some(1), "{purged}");
    assert_eq!(keyed.fleet.stored(), Vec::<String>::new());

    let digest =
        data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &picture).as_ref());
    let two = share_accepted(&ana, picture.clone()).await;
    finished(&ana, two).await;
    let purged = tried_and_done(&keyed, "purge", &json!({ "sha256": digest.to_uppercase() })).await;
    assert_eq!(purged["media"][0]["media"], json!(two));
    let three = share_accepted(&ana, picture).await;
    finished(&ana, three).await;
    assert_eq!(done(&keyed, "purge", &json!({ "room": "welcome" })).await["count"], 1);
    let agent = ana.event("hello-event").await["session"]["id"].clone();
    let none = answer(keyed.operator(0).request(Method::POST, "purge").json(&json!({ "agent": agent }))).await;
    assert_eq!(none.refusal(), (404, "media-not-found".to_owned()));
    let last = audit(&keyed).await.pop().expect("a line");
    assert_eq!(last, format!("purge agent={} null", agent.as_str().expect("an id")));
}
