//! Jobs: order, bounds, stops and panics.

use super::{BOUND, Worker, jobs, number};
use crate::Transport;
use heim_common::{JobRef, job::Lane};
use heim_queue::work;
use std::{collections::BTreeSet, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

pub(crate) async fn a_lane_is_first_in_first_out(transport: impl Transport) {
    let queue = transport.queue().await;
    for first in (0..50).step_by(10) {
        queue.push(Lane::Bulk, &jobs(first..first + 10)).await.unwrap();
    }
    let mut worker = Worker::open(transport.queue().await, 1);
    assert_eq!(worker.begun_many(50).await, (0..50).collect::<Vec<_>>());
    assert!(worker.stop().await.is_empty());
}

pub(crate) async fn lanes_share_the_turns_and_backfill_has_none(transport: impl Transport) {
    let queue = transport.queue().await;
    queue.push(Lane::Backfill, &jobs(20..23)).await.unwrap();
    queue.push(Lane::Bulk, &jobs(10..13)).await.unwrap();
    queue.push(Lane::Interactive, &jobs(0..3)).await.unwrap();
    queue.push(Lane::Interactive, &[]).await.unwrap();
    assert_eq!(queue.len().await.unwrap(), 9);
    let mut worker = Worker::gated(transport.queue().await, 1);
    assert_eq!(worker.begun().await, 0);
    // What comes later in a lane before goes before.
    queue.push(Lane::Interactive, &jobs(3..4)).await.unwrap();
    worker.let_go(10);
    // Bulk has its share, and the turns of a lane that is empty are lent.
    assert_eq!(worker.begun_many(9).await, [1, 10, 2, 3, 11, 12, 20, 21, 22]);
    worker.stop().await;
    assert!(queue.is_empty().await.unwrap());
    queue.ping().await.unwrap();
}

pub(crate) async fn a_full_lane_does_not_starve_another(transport: impl Transport) {
    let queue = transport.queue().await;
    queue.push(Lane::Backfill, &jobs(300..310)).await.unwrap();
    queue.push(Lane::Bulk, &jobs(200..300)).await.unwrap();
    queue.push(Lane::Interactive, &jobs(0..190)).await.unwrap();
    let mut worker = Worker::open(transport.queue().await, 1);
    // Ten rounds of the wheel: 15 to 4.
    let begun = worker.begun_many(190).await;
    assert_eq!(begun.iter().filter(|number| (200..300).contains(*number)).count(), 40);
    for round in begun.chunks(19) {
        assert_eq!(round.iter().filter(|number| **number < 200).count(), 15, "{round:?}");
    }
    let rest = worker.begun_many(110).await;
    assert!(rest[100..].iter().all(|number| *number >= 300), "backfill comes when nothing else waits: {rest:?}");
    worker.stop().await;
}

pub(crate) async fn never_more_handlers_than_asked_for_and_nothing_popped_without_a_free_hand(
    transport: impl Transport,
) {
    let queue = transport.queue().await;
    queue.push(Lane::Interactive, &jobs(0..40)).await.unwrap();
    let mut worker = Worker::gated(transport.queue().await, 3);
    worker.begun_many(3).await;
    for done in 1..=37 {
        // What is not running is still in the queue, for another worker.
        assert_eq!((worker.running(), queue.len().await.unwrap()), (3, 38 - done));
        worker.let_go(1);
        worker.begun().await;
    }
    worker.let_go(3);
    assert!(worker.stop().await.is_empty());
}

pub(crate) async fn a_stop_waits_for_running_handlers_and_takes_nothing_more(transport: impl Transport) {
    let queue = transport.queue().await;
    queue.push(Lane::Interactive, &jobs(0..2)).await.unwrap();
    let mut worker = Worker::gated(transport.queue().await, 4);
    worker.begun_many(2).await;
    worker.stop.cancel();
    queue.push(Lane::Interactive, &jobs(2..8)).await.unwrap();
    let ended_early = timeout(Duration::from_millis(300), &mut worker.task).await;
    assert!(ended_early.is_err());
    worker.let_go(2);
    // The pop that was under way may have brought one of them: given back.
    assert!(worker.stop().await.is_empty());
    assert_eq!(queue.len().await.unwrap(), 6);
}

pub(crate) async fn a_stop_at_any_moment_loses_no_job(transport: impl Transport) {
    let queue = transport.queue().await;
    let mut waiting = BTreeSet::new();
    for round in 0..60 {
        let worker = Worker::open(transport.queue().await, 4);
        let (pushed, stop) = (jobs(round * 3..round * 3 + 3), worker.stop.clone());
        let push = async {
            for job in &pushed {
                queue.push(Lane::Interactive, &[*job]).await.unwrap();
            }
        };
        let stopping = async {
            tokio::time::sleep(Duration::from_micros(100 * (round % 12))).await;
            stop.cancel();
        };
        tokio::join!(push, stopping);
        waiting.extend(pushed.iter().map(|job| number(*job)));
        for begun in worker.stop().await {
            assert!(waiting.remove(&begun), "{begun} began twice");
        }
        assert_eq!(queue.len().await.unwrap(), waiting.len(), "round {round}");
    }
    let mut worker = Worker::open(transport.queue().await, 1);
    let rest: BTreeSet<u64> = worker.begun_many(waiting.len()).await.into_iter().collect();
    assert_eq!(rest, waiting);
    worker.stop().await;
}

pub(crate) async fn a_panic_costs_one_job_and_no_hand(transport: impl Transport) {
    let queue = transport.queue().await;
    queue.push(Lane::Interactive, &jobs(0..6)).await.unwrap();
    let (stop, (tell, mut begun)) = (CancellationToken::new(), mpsc::unbounded_channel());
    let handler = move |job: JobRef| {
        // One half panics before there is a future, the other half in it.
        assert!(number(job) != 0, "on purpose");
        let tell = tell.clone();
        async move {
            assert!(number(job) != 2, "on purpose");
            tell.send(number(job)).unwrap();
        }
    };
    let worker = tokio::spawn(work(transport.queue().await, "tester".into(), 1, stop.clone(), handler));
    for expected in [1, 3, 4, 5] {
        assert_eq!(timeout(BOUND, begun.recv()).await.unwrap(), Some(expected));
    }
    stop.cancel();
    timeout(BOUND, worker).await.unwrap().unwrap().unwrap();
}

pub(crate) async fn a_dropped_worker_ends_its_handlers(transport: impl Transport) {
    let queue = transport.queue().await;
    queue.push(Lane::Interactive, &jobs(0..2)).await.unwrap();
    let mut worker = Worker::gated(transport.queue().await, 2);
    worker.begun_many(2).await;
    worker.task.abort();
    timeout(BOUND, async {
        while worker.running() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("handlers end with their worker");
}

pub(crate) async fn two_workers_share_the_work(transport: impl Transport) {
    let queue = transport.queue().await;
    let mut one = Worker::gated(transport.queue().await, 1);
    let mut two = Worker::gated(transport.queue().await, 1);
    queue.push(Lane::Interactive, &jobs(0..2)).await.unwrap();
    let mut begun = [one.begun().await, two.begun().await];
    begun.sort_unstable();
    assert_eq!(begun, [0, 1]);
    one.let_go(1);
    two.let_go(1);
    one.stop().await;
    two.stop().await;
}
