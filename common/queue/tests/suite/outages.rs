//! What only Redis can do wrong: being killed, emptied, frozen, misused.

use super::{
    BOUND, Worker,
    events::{event, hear},
    jobs,
};
use crate::{OverRedis, Transport};
use heim_common::job::Lane;
use heim_queue::{Heard, Kept, Queue, QueueConfig, QueueError, Saving, Subscription};
use heim_runtime::finding::Findings;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Pushes until Redis takes it: the sweep of a test.
async fn push_at_last(queue: &Queue, number: u64) {
    let pushing = async {
        while queue.push(Lane::Interactive, &jobs(number..number + 1)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(BOUND, pushing).await.expect("Redis takes jobs again");
}

/// Publishes until it is heard; returns how many gaps came before.
async fn heard_at_last(queue: &Queue, subscription: &mut Subscription, seq: i64) -> usize {
    let mut gaps = 0;
    let hearing = async {
        loop {
            let _ = queue.publish(&event(seq)).await;
            while let Ok(heard) = timeout(Duration::from_millis(50), subscription.next()).await {
                match heard {
                    Heard::Gap => gaps += 1,
                    Heard::Event(heard) if heard == event(seq) => return,
                    Heard::Event(_) => {}
                }
            }
        }
    };
    timeout(BOUND, hearing).await.expect("the subscription hears again");
    gaps
}

#[tokio::test]
async fn a_killed_redis_fails_fast_and_work_goes_on_when_it_is_back() {
    let mut transport = OverRedis::start().await;
    let queue = transport.queue().await;
    let mut worker = Worker::gated(transport.queue().await, 2);
    let mut subscription = queue.subscribe().await;
    push_at_last(&queue, 0).await;
    assert_eq!(worker.begun().await, 0);
    for round in 1..=3 {
        transport.0.kill9();
        let began = Instant::now();
        assert!(queue.push(Lane::Interactive, &jobs(9..10)).await.is_err());
        assert!(queue.publish(&event(9)).await.is_err() && queue.ping().await.is_err());
        assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
        assert_eq!(hear(&mut subscription).await, Heard::Gap);
        transport.0.restart();
        push_at_last(&queue, round).await;
        worker.let_go(1);
        assert_eq!(worker.begun().await, round);
        assert!(heard_at_last(&queue, &mut subscription, 1).await >= 1);
    }
    worker.let_go(1);
    worker.stop().await;
}

#[tokio::test]
async fn a_stop_ends_a_worker_whose_redis_is_away() {
    let mut transport = OverRedis::start().await;
    let worker = Worker::open(transport.queue().await, 2);
    transport.0.kill9();
    let began = Instant::now();
    worker.stop().await;
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_emptied_redis_costs_only_what_was_in_it() {
    let transport = OverRedis::start().await;
    let queue = transport.queue().await;
    let mut worker = Worker::gated(transport.queue().await, 1);
    queue.push(Lane::Interactive, &jobs(0..5)).await.unwrap();
    assert_eq!(worker.begun().await, 0);
    transport.0.flush();
    assert!(queue.is_empty().await.unwrap());
    queue.push(Lane::Interactive, &jobs(7..8)).await.unwrap();
    worker.let_go(2);
    assert_eq!(worker.begun().await, 7);
    worker.stop().await;
}

#[tokio::test]
async fn a_frozen_redis_hangs_nobody_and_loses_nothing() {
    let transport = OverRedis::start().await;
    let queue = transport.queue().await;
    let mut worker = Worker::gated(transport.queue().await, 2);
    let mut subscription = queue.subscribe().await;
    queue.push(Lane::Interactive, &jobs(0..1)).await.unwrap();
    assert_eq!(worker.begun().await, 0);
    transport.0.freeze();
    let frozen = Instant::now();
    let refused = queue.push(Lane::Interactive, &jobs(1..2)).await;
    assert!(matches!(refused, Err(QueueError::TimedOut { .. })), "{refused:?}");
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&frozen.elapsed()));
    transport.0.thaw();
    // It was frozen with the command in its socket, and does it now: a push
    // that timed out may have happened, and a second one does no harm.
    assert_eq!(worker.begun().await, 1);
    worker.let_go(2);
    push_at_last(&queue, 2).await;
    assert_eq!(worker.begun().await, 2);
    heard_at_last(&queue, &mut subscription, 1).await;
    worker.let_go(1);
    worker.stop().await;
}

#[tokio::test]
async fn payloads_of_no_job_are_dropped_and_those_of_a_later_release_are_left_to_it() {
    let transport = OverRedis::start().await;
    let queue = transport.queue().await;
    for payload in [r#"{"v":2,"id":"0c1ofy7941g5c"}"#, "junk", r#"{"v":1}"#] {
        let line = format!("RPUSH heim:jobs:interactive '{payload}'");
        assert!(transport.0.command(&line).starts_with(':'));
    }
    let mut subscription = queue.subscribe().await;
    assert_eq!(transport.0.command("PUBLISH heim:rooms junk"), ":1");
    assert_eq!(hear(&mut subscription).await, Heard::Gap);
    queue.push(Lane::Interactive, &jobs(4..5)).await.unwrap();
    assert_eq!(transport.0.command("LINDEX heim:jobs:interactive -1"), "$28");
    let mut worker = Worker::open(transport.queue().await, 1);
    assert_eq!(worker.begun().await, 4);
    assert!(worker.stop().await.is_empty());
    assert_eq!(transport.0.command("LLEN heim:jobs:interactive"), ":1", "that of a later release");
}

#[tokio::test]
async fn prefixes_keep_deployments_apart() {
    let transport = OverRedis::start().await;
    let other = QueueConfig { prefix: "other".into(), ..transport.config() };
    let (queue, other) = (transport.queue().await, Queue::connect(&other).await.unwrap());
    let mut heard = queue.subscribe().await;
    other.push(Lane::Interactive, &jobs(0..1)).await.unwrap();
    other.publish(&event(1)).await.unwrap();
    queue.publish(&event(2)).await.unwrap();
    assert_eq!(hear(&mut heard).await, Heard::Event(event(2)));
    assert!(queue.is_empty().await.unwrap());
    assert_eq!(other.len().await.unwrap(), 1);
}

#[tokio::test]
async fn an_evicting_redis_is_refused_with_what_to_set() {
    let transport = OverRedis::start().await;
    assert_eq!(transport.0.command("CONFIG SET maxmemory-policy allkeys-lru"), "+OK");
    let refused = Queue::connect(&transport.config()).await.unwrap_err().to_string();
    assert!(refused.contains("allkeys-lru") && refused.contains("set `maxmemory-policy noeviction`"), "{refused}");
    // Ours never expire, so that this one does not touch them.
    assert_eq!(transport.0.command("CONFIG SET maxmemory-policy volatile-lru"), "+OK");
    transport.queue().await;
    // Changed while somebody is connected, which asks now and then.
    let queue = transport.queue().await;
    assert!(queue.keeps().await.is_ok());
    assert_eq!(transport.0.command("CONFIG SET maxmemory-policy allkeys-random"), "+OK");
    assert!(matches!(queue.keeps().await, Err(QueueError::Evicts { policy }) if policy == "allkeys-random"));
    // Where the question is forbidden, there is nothing to refuse.
    assert_eq!(transport.0.command("CONFIG SET maxmemory-policy allkeys-lru"), "+OK");
    assert_eq!(transport.0.command("ACL SETUSER default -config"), "+OK");
    transport.queue().await;
}

/// What `doctor` says of a Redis, in one line.
async fn examined(transport: &OverRedis) -> String {
    let mut found = Findings::default();
    heim_queue::examine(&transport.config(), &mut found).await;
    found.to_string()
}

#[tokio::test]
async fn what_a_redis_keeps_is_told_and_whether_it_takes_nothing_because_it_cannot() {
    let transport = OverRedis::start().await;
    let queue = transport.queue().await;
    let kept = async || queue.saving().await.unwrap().expect("Redis has something to tell");
    assert_eq!(kept().await, Saving { kept: Kept::Nothing, failed: None, refuses: false });
    let said = examined(&transport).await;
    assert!(said.starts_with("ok ") && said.contains("what waits is pushed anew from the rows"), "{said}");
    for (settings, expected, words) in [
        ("appendonly yes", Kept::Log, "keeps a log"),
        ("appendonly no save \"3600 1\"", Kept::Snapshots, "keeps snapshots"),
    ] {
        assert_eq!(transport.0.command(&format!("CONFIG SET {settings}")), "+OK");
        assert_eq!(kept().await.kept, expected);
        let said = examined(&transport).await;
        assert!(said.starts_with("ok ") && said.contains(words), "{said}");
    }

    // The server's own judgement: whether it takes a job.
    transport.0.lose_folder();
    assert_eq!(transport.0.command("BGSAVE"), "+Background saving started");
    let failing = async {
        while kept().await.failed.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(BOUND, failing).await.expect("the snapshot ends");
    for (number, settings, refuses) in [
        (0, "stop-writes-on-bgsave-error yes", true),
        (1, "stop-writes-on-bgsave-error no", false),
        (2, "stop-writes-on-bgsave-error yes save \"\"", false),
    ] {
        assert_eq!(transport.0.command(&format!("CONFIG SET {settings}")), "+OK");
        assert_eq!(queue.push(Lane::Bulk, &jobs(number..number + 1)).await.is_err(), refuses, "{settings}");
        assert_eq!(kept().await.refuses, refuses, "{settings}");
        let said = examined(&transport).await;
        assert!(said.contains("could not save what it holds (rdb_last_bgsave_status:err)"), "{said}");
        assert!(said.starts_with(if refuses { "wrong " } else { "warning " }), "{said}");
    }
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_an_error_soon() {
    let mut transport = OverRedis::start().await;
    transport.0.kill9();
    let began = Instant::now();
    assert!(matches!(Queue::connect(&transport.config()).await, Err(QueueError::Redis { .. })));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_redis_says_how_it_is_and_that_it_is_away_soon() {
    let mut transport = OverRedis::start().await;
    let queue = transport.queue().await;
    queue.push(Lane::Bulk, &jobs(0..3)).await.unwrap();
    let _listens = queue.subscribe().await;
    assert_eq!(transport.0.command("CONFIG SET maxmemory 104857600"), "+OK");
    let figures = queue.figures().await.unwrap();
    assert_eq!(figures.waiting.into_values().collect::<Vec<_>>(), [0, 3, 0]);
    assert_eq!(figures.window, transport.config().window);
    let redis = figures.redis.expect("it is a Redis");
    assert!(redis.version.starts_with("Redis ") && redis.uptime_s < Some(3_600), "{redis:?}");
    let (memory, peak) = (redis.memory_bytes.unwrap(), redis.memory_peak_bytes.unwrap());
    assert!(memory > 100_000 && peak >= memory && redis.memory_resident_bytes > Some(100_000), "{redis:?}");
    assert_eq!((redis.memory_max_bytes, redis.policy.as_deref()), (Some(100 << 20), Some("noeviction")));
    assert!(redis.full_percent() < Some(50) && !redis.evicts(), "{redis:?}");
    assert!(redis.clients >= Some(2) && redis.clients_max > redis.clients, "{redis:?}");
    assert_eq!((redis.listeners, redis.saving.kept), (Some(1), Kept::Nothing));

    // What a hosted one forbids is not told.
    assert_eq!(transport.0.command("ACL SETUSER default -config -pubsub"), "+OK");
    let redis = queue.figures().await.unwrap().redis.expect("it is a Redis");
    assert_eq!((redis.listeners, redis.saving.kept), (None, Kept::Untold));

    transport.0.kill9();
    let began = Instant::now();
    assert!(queue.figures().await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
