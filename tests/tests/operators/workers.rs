//! Workers that are paused, resumed and drained.

use crate::shell::{asked, audit, job_of, refused, texts, tried};
use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    sharing::{finished, share_accepted},
    truth,
    until::until,
};
use serde_json::{Value, json};

/// A worker as the shell shows it, once this is true of it.
async fn worker(keyed: &Keyed, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    until("the worker says so", async || {
        let listed = asked(keyed, &["worker", "list"]).await;
        let all = listed["workers"].as_array().expect("workers");
        all.iter().find(|worker| worker["name"] == name && is_it(worker)).cloned()
    })
    .await
}

fn name_of(keyed: &Keyed, place: usize) -> String {
    keyed.fleet.workers[place].ready.strip_prefix("worker ").expect("its name").to_owned()
}

#[tokio::test]
async fn a_paused_worker_claims_nothing_and_a_resumed_one_does() {
    let mut keyed = Keyed::start(1, 1).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let first = name_of(&keyed, 0);
    let alive = worker(&keyed, &first, |worker| worker["alive"] == true).await;
    assert_eq!((&alive["state"], &alive["wish"]), (&json!("running"), &json!("running")));
    assert_eq!((&alive["concurrency"], &alive["jobs"]), (&json!(1), &json!([])));
    assert!(alive["walls"]["core-dumps"].is_string(), "{alive}");
    assert!(alive["child_memory_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{alive}");
    assert_eq!(tried(&keyed, &["worker", "pause", &first]).await["workers"], json!([first]));
    assert_eq!(worker(&keyed, &first, |_| true).await["wish"], "running", "it was tried only");
    asked(&keyed, &["worker", "pause", &first]).await;
    worker(&keyed, &first, |worker| worker["state"] == "paused").await;

    // The other one does all of it, and this one not even claims.
    keyed.fleet.add_worker().await;
    let second = name_of(&keyed, 1);
    for _ in 0..3 {
        let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
        assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
        assert_eq!(job_of(&keyed, id).await["attempts"][0]["worker"], second);
    }
    assert_eq!(asked(&keyed, &["job", "list", "--worker", &first]).await["jobs"], json!([]));

    worker(&keyed, &second, |worker| worker["alive"] == true).await;
    asked(&keyed, &["worker", "pause", &second]).await;
    worker(&keyed, &second, |worker| worker["state"] == "paused").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let pending = asked(&keyed, &["job", "list", "--state", "pending"]).await;
    assert_eq!(pending["jobs"][0]["media"], json!(id), "nobody takes it");
    assert_eq!(pending["jobs"][0]["fence"], 0);
    assert_eq!(asked(&keyed, &["worker", "resume", &first]).await["count"], 1);
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    assert_eq!(job_of(&keyed, id).await["attempts"][0]["worker"], first);
    let audit = audit(&keyed).await;
    let expected = [
        format!("worker pause {first} dry 1"),
        format!("worker pause {first} 1"),
        format!("worker pause {second} 1"),
        format!("worker resume {first} 1"),
    ];
    assert_eq!(audit, expected.map(|line| format!("shell:unknown {line}")));
    assert_eq!(texts(&asked(&keyed, &["worker", "resume", "all"]).await["workers"]).len(), 2);
    let unknown = refused(&keyed, &["worker", "pause", "nobody"]).await;
    assert!(unknown.contains("no worker nobody was heard of lately"), "{unknown}");
}

#[tokio::test]
async fn a_drained_worker_finishes_what_it_has_and_ends_well() {
    let mut keyed = Keyed::start(1, 1).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let name = name_of(&keyed, 0);
    worker(&keyed, &name, |worker| worker["alive"] == true).await;
    let database = keyed.fleet.database().await;
    let running = share_accepted(&ana, corpus::read(corpus::SLOW)).await;
    until("it works", async || truth::holder(&database).await).await;
    assert_eq!(asked(&keyed, &["worker", "drain", &name]).await["count"], 1);
    let waiting = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let status = keyed.fleet.workers[0].ended().await;
    assert_eq!(status.code(), Some(0), "{}", keyed.fleet.workers[0].log());
    // What it had is done by it, at the first attempt; what came later waits.
    let shown = job_of(&keyed, running).await;
    assert_eq!(shown["attempts"].as_array().map(Vec::len), Some(1), "{shown}");
    assert_eq!((&shown["attempts"][0]["verdict"], &shown["attempts"][0]["worker"]), (&json!("done"), &json!(name)));
    let stopped = worker(&keyed, &name, |worker| worker["state"] == "stopped").await;
    assert_eq!((&stopped["alive"], &stopped["jobs"]), (&json!(false), &json!([])));
    let gone = refused(&keyed, &["worker", "resume", &name]).await;
    assert!(gone.contains("is not there any more"), "{gone}");
    keyed.fleet.replace_worker(0).await;
    assert_eq!(finished(&ana, waiting).await.state, MediaState::Ready);
    assert_eq!(finished(&ana, running).await.state, MediaState::Ready);
    assert_eq!(audit(&keyed).await[0], format!("shell:unknown worker drain {name} 1"));
}

#[tokio::test]
async fn a_drained_worker_of_a_whole_in_one_process_leaves_the_coordinator() {
    use heim_common::worker::WorkerState;
    use heim_tests::standalone::Standalone;
    let heim = Standalone::start().await;
    let database = heim.database().await;
    let name = until("the worker says how it is", async || {
        database.workers().await.expect("the database answers").pop().map(|worker| worker.name)
    })
    .await;
    assert!(database.worker_wish(&name, WorkerState::Draining).await.expect("the database answers"));
    until("it has ended", async || {
        let workers = database.workers().await.expect("the database answers");
        (workers[0].state == WorkerState::Stopped).then_some(())
    })
    .await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    ana.send("still here", &[]).await;
}
