//! Names of workers: for people who read logs, and for nothing else.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    sharing::{finished, share_accepted},
    truth,
    until::until,
};
use std::collections::BTreeSet;

const TWIN: &str = "twin";

#[tokio::test]
async fn f12_two_workers_of_one_name_both_run_and_so_does_one_that_is_started_again() {
    let mut fleet = Fleet::start(1, 0).await;
    for _ in 0..2 {
        let twin = fleet.worker(0).setting("worker.name", TWIN).start().await;
        assert_eq!(twin.ready, format!("worker {TWIN}"));
        fleet.workers.push(twin);
    }
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    // Both at a time: while one works, the other takes the next.
    let slow = [
        share_accepted(&client, corpus::read(corpus::SLOW)).await,
        share_accepted(&client, corpus::read(corpus::SLOW)).await,
    ];
    let database = fleet.database().await;
    until("both have a job, each under a lease of its own", async || {
        let rows = truth::rows(&database).await;
        let held = rows.lines().filter(|line| line.starts_with("job ") && line.contains(" running "));
        let held: Vec<_> = held.filter(|line| line.contains(&format!(" worker {TWIN} "))).collect();
        (held.iter().collect::<BTreeSet<_>>().len() == 2).then_some(())
    })
    .await;
    // One is killed in the middle of its job, and started again under its name at once.
    fleet.workers[0].kill9().await;
    fleet.workers[0] = fleet.worker(0).setting("worker.name", TWIN).start().await;
    for id in slow {
        assert!(finished(&client, id).await.failure.is_none());
    }
    // The one that was started again works too: it has the other's part.
    fleet.workers[1].kill9().await;
    let last = share_accepted(&client, corpus::read(corpus::SMALL)).await;
    assert!(finished(&client, last).await.failure.is_none());
    assert!(fleet.workers[0].is_alive());
}
