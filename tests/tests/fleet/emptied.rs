//! Redis is emptied, or restarted, while jobs wait in it.

use crate::round::Pair;
use heim_tests::{corpus, fleet::Fleet, truth, until::until};

const WAITING: &str = "LLEN heim:jobs:interactive";

/// The workers are frozen, so that jobs wait in Redis.
async fn jobs_wait(fleet: &Fleet, pair: &Pair) -> Vec<heim_common::MediaId> {
    for worker in &fleet.workers {
        worker.freeze();
    }
    let picture = corpus::read(corpus::SMALL);
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(pair.share(&picture).await);
    }
    // A frozen worker may have been waiting for one already, or not yet.
    let waiting = || fleet.redis.command(WAITING).strip_prefix(':').and_then(|number| number.parse::<usize>().ok());
    until("the others wait in Redis", async || waiting().filter(|waiting| *waiting >= 4)).await;
    ids
}

async fn all_become_ready(fleet: &Fleet, pair: &Pair, ids: Vec<heim_common::MediaId>) {
    for worker in &fleet.workers {
        worker.thaw();
    }
    for id in ids {
        pair.see_it_ready(id).await;
    }
    truth::settled(&fleet.database().await).await;
    let rows = truth::rows(&fleet.database().await).await;
    let flawless = rows.lines().filter(|line| line.starts_with("job ") && line.contains(" failures 0 "));
    assert_eq!(flawless.count(), 6, "nobody's fault: {rows}");
}

#[tokio::test]
async fn emptying_redis_loses_no_work() {
    let fleet = Fleet::start(2, 2).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let ids = jobs_wait(&fleet, &pair).await;
    fleet.redis.flush();
    assert_eq!(fleet.redis.command(WAITING), ":0");
    all_become_ready(&fleet, &pair, ids).await;
}

#[tokio::test]
async fn redis_crashes_while_jobs_wait_in_it() {
    let mut fleet = Fleet::start(2, 2).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let ids = jobs_wait(&fleet, &pair).await;
    fleet.redis.restart();
    all_become_ready(&fleet, &pair, ids).await;
}

#[tokio::test]
async fn uploads_are_taken_while_redis_is_away() {
    let mut fleet = Fleet::start(2, 2).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    fleet.redis.kill9();
    let picture = corpus::read(corpus::SMALL);
    let ids = [pair.share(&picture).await, pair.share(&picture).await];
    fleet.redis.restart();
    for id in ids {
        pair.see_it_ready(id).await;
    }
}
