//! Where a worker listens: how it is, and what it lacks.

use crate::watched::Watched;
use heim_tests::{numbers::Numbers, raw, until::until, web::Web};
use reqwest::Method;
use serde_json::Value;

/// Waits until the worker says that it is ready, or that it is not.
async fn readiness(worker: &str, status: u16) -> Value {
    until(&format!("/readyz says {status}"), async || {
        let answer = Web::default().get(&format!("{worker}/readyz")).await;
        (answer.status == status).then(|| answer.json())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_tells_whether_it_can_work_and_what_it_lacks() {
    let mut watched = Watched::start().await;
    let worker = watched.worker.clone();
    let told = readiness(&worker, 200).await;
    assert_eq!((&told["coordinator"], &told["queue"], &told["store"]), (&"ok".into(), &"ok".into(), &"ok".into()));
    assert!(told["walls"]["open-files"].as_str().is_some_and(|wall| wall.starts_with("up")), "{told}");
    let web = Web::default();
    assert_eq!(web.get(&format!("{worker}/healthz")).await.body, b"alive\n");

    watched.fleet.redis.freeze();
    assert_ne!(readiness(&worker, 503).await["queue"], "ok");
    watched.fleet.redis.thaw();
    readiness(&worker, 200).await;
    watched.fleet.coordinators[0].kill9().await;
    let told = readiness(&worker, 503).await;
    assert_eq!((&told["coordinator"], &told["store"]), (&"not answering".into(), &"ok".into()), "{told}");
    assert_eq!(web.get(&format!("{worker}/healthz")).await.status, 200, "it lives all the same");
    watched.fleet.replace_coordinator(0).await;
    readiness(&worker, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_answers_what_it_is_asked_and_nothing_else() {
    let watched = Watched::start().await;
    let (web, worker) = (Web::default(), &watched.worker);
    for (method, path, status, code) in [
        (Method::GET, "", 404, "not-found"),
        (Method::GET, "metrics/", 404, "not-found"),
        (Method::GET, "store/jobs/0c1ofy7941g5c/claim", 404, "not-found"),
        (Method::POST, "metrics", 405, "method-not-allowed"),
    ] {
        let answer = heim_tests::web::answer(web.request(method, &format!("{worker}/{path}"))).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let head = heim_tests::web::answer(web.request(Method::HEAD, &format!("{worker}/metrics"))).await;
    assert!(head.status == 200 && head.body.is_empty(), "{head:?}");
    assert!(Numbers::of(worker).await.kinds.contains_key("heim_worker_slots"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_not_told_where_listens_nowhere_and_a_taken_port_is_said() {
    let watched = Watched::start().await;
    let taken = raw::authority(&watched.worker).to_owned();
    let ended = watched.fleet.worker(0).setting("worker.listen", &taken).run().await;
    assert!(!ended.status.success() && ended.log.contains("cannot listen on worker.listen"), "{}", ended.log);
    let quiet = watched.fleet.worker(0).start().await;
    assert!(!listens(quiet.pid().as_raw_nonzero().get()), "nobody asked it to");
    assert!(listens(watched.fleet.workers[0].pid().as_raw_nonzero().get()));
}

/// Whether a process has a socket that listens (proc(5): state `0A`).
fn listens(pid: i32) -> bool {
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).expect("Linux tells");
    let listening: Vec<String> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[3] == "0A")
        .map(|fields| format!("socket:[{}]", fields[9]))
        .collect();
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process lives");
    let links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.into_iter().any(|link| link.to_str().is_some_and(|link| listening.iter().any(|one| one == link)))
}
