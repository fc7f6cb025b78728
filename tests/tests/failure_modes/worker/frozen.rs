//! Workers that get no processor for a while.

use super::job::{events, job};
use heim_tests::{corpus, fleet::Fleet, pair::Pair, process::Process, standalone::HOOKS, until::until, web::Web};
use reqwest::Method;
use serde_json::json;
use std::{fs, time::Duration};

fn is_frozen(process: &Process) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid().as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

#[tokio::test]
async fn f4_a_worker_that_wakes_after_its_lease_is_refused_and_lives_on() {
    let mut fleet = Fleet::start(2, 0).await;
    let zombie = fleet.worker(0).failpoints("transcoding-put=stop@1").start().await;
    fleet.workers.push(zombie);
    let pair = Pair::enter(&fleet, "welcome").await;
    let database = fleet.database().await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    until("the worker froze before its hook", async || is_frozen(&fleet.workers[0]).then_some(())).await;
    fleet.add_worker().await;
    pair.see_it_ready(id).await;
    let taken_over = job(&database, id).await;
    assert_eq!((taken_over.fence, taken_over.failures), (2, 1), "{}", taken_over.line);

    // What it is about to say, said by hand: its fence is old.
    let hook = json!({ "media_id": id, "name": "late", "content_type": "image/webp", "size": 5, "version": 9 });
    let call = Web::default().request(Method::POST, &format!("{}/room/welcome/media", fleet.base(0)));
    let call = call.basic_auth(HOOKS.0, Some(HOOKS.1)).json(&hook);
    let call = call.header("x-heim-job", taken_over.id.to_string()).header("x-heim-fence", "1");
    assert_eq!(heim_tests::web::answer(call).await.refusal(), (409, "lease-lost".to_owned()));

    fleet.workers[0].thaw();
    // The other one goes, so that the next job is the zombie's.
    fleet.workers[1].terminate();
    assert!(fleet.workers[1].ended().await.success());
    let next = pair.share(&corpus::read(corpus::SMALL)).await;
    pair.see_it_ready(next).await;
    let done = job(&database, next).await;
    assert_eq!(fleet.place_of(&done.worker), Some(0), "{}", done.line);
    assert_eq!([events(&database, id).await, events(&database, next).await], [5, 5]);
    assert!(fleet.workers[0].is_alive());
}

#[tokio::test]
async fn f13_a_worker_that_is_starved_again_and_again_keeps_its_jobs() {
    let mut fleet = Fleet::start(2, 0).await;
    // Each job lasts for about twelve seconds: three times of starvation.
    let worker = fleet.worker(0).failpoints("pixels-made=delay:3000").start().await;
    fleet.workers.push(worker);
    let pair = Pair::enter(&fleet, "welcome").await;
    let database = fleet.database().await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    until("the worker holds the job", async || (job(&database, id).await.state == "running").then_some(())).await;
    fleet.add_worker().await;
    let mut times = 0;
    while job(&database, id).await.state != "done" {
        fleet.workers[0].freeze();
        tokio::time::sleep(Duration::from_secs(2)).await;
        fleet.workers[0].thaw();
        times += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(times < 20, "it never ends");
    }
    assert!(times >= 2, "it was starved only {times} times: this tests nothing any more");
    pair.see_it_ready(id).await;
    let done = job(&database, id).await;
    println!("F13: starved {times} times; {}", done.line);
    assert_eq!((done.fence, done.failures), (1, 0), "it has lost its lease: {}", done.line);
    assert_eq!(events(&database, id).await, 5);
}
