//! Files that kill, hang or break the child that decodes them.

use super::job::job;
use heim_common::{MediaId, job::Reason, media::MediaState};
use heim_db::Database;
use heim_runtime::failpoint::PLANTED;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Load, assert_kept, bmp},
    sharing::{finished, share_accepted},
    sql::number,
    truth,
    until::until,
};
use std::time::{Duration, Instant};

/// Pictures that have nothing to do with the one that kills.
const GOOD: usize = 500;
/// For how long poison may hold up everybody else.
const DELAY_MAX_MS: i64 = 10_000;

/// A picture that does this to its decoder.
fn planted(word: &str) -> Vec<u8> {
    let mut file = bmp(u32::from(word.as_bytes()[0]));
    file.extend_from_slice(PLANTED.as_bytes());
    file.extend_from_slice(word.as_bytes());
    file
}

/// Shares it and waits until it has failed; its job's line.
async fn fails(database: &Database, client: &Client, word: &str) -> (MediaId, String) {
    let id = share_accepted(client, planted(word)).await;
    let media = finished(client, id).await;
    assert_eq!((media.state, media.transcodings.len()), (MediaState::Failed, 1), "{media:?}");
    (id, job(database, id).await.line)
}

async fn still_works(fleet: &mut Fleet, client: &Client) {
    let id = share_accepted(client, bmp(77)).await;
    assert_eq!(finished(client, id).await.state, MediaState::Ready);
    assert!(fleet.workers.iter_mut().all(heim_tests::process::Process::is_alive), "workers live on");
}

async fn poisons(word: &str) {
    let mut fleet = Fleet::start(1, 1).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let (id, line) = fails(&fleet.database().await, &client, word).await;
    assert!(line.ends_with(" because of poison"), "{line}");
    let job = job(&fleet.database().await, id).await;
    assert_eq!((job.fence, job.deaths), (3, 3), "three children, and not one more: {line}");
    still_works(&mut fleet, &client).await;
}

/// The kernel kills the largest process when memory is short, and that is the
/// child, by the same signal as here.
#[tokio::test]
async fn f5_a_child_that_is_killed_for_its_memory_is_an_attempt_and_the_third_is_the_last() {
    poisons("kill").await;
}

#[tokio::test]
async fn f6_a_panic_of_a_codec_stays_in_the_child_and_is_an_attempt() {
    poisons("panic").await;
}

#[tokio::test]
async fn f8_a_decoder_that_never_ends_is_too_costly_at_its_deadline() {
    let mut fleet = Fleet::with(1, 1, &[("limits.pixel_seconds", "1")]).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let begun = Instant::now();
    let (_, line) = fails(&fleet.database().await, &client, "spin").await;
    assert!(line.contains(" failed fence 1 ") && line.ends_with(" because of too-costly"), "{line}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    still_works(&mut fleet, &client).await;
}

/// A file that takes two seconds, and a bit.
#[tokio::test]
async fn pixel_seconds_at_and_past_its_edge() {
    for (limit, reason) in [("1", Some(Reason::TooCostly)), ("4", None)] {
        let fleet = Fleet::with(1, 1, &[("limits.pixel_seconds", limit)]).await;
        let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
        let id = share_accepted(&client, planted("spin-2s")).await;
        let media = finished(&client, id).await;
        assert_eq!(media.failure.as_deref(), reason.map(Reason::sentence), "{limit} s: {media:?}");
        let job = job(&fleet.database().await, id).await;
        assert_eq!((job.fence, job.deaths), (1, 0), "{}", job.line);
    }
}

/// Leases that no busy machine lets run out: how often a job is claimed is counted.
/// And few at a time in the queue: two coordinators tell it of jobs in turns, and all
/// that one has told it of is before what the other has.
const IN_ORDER: [(&str, &str); 2] = [("jobs.lease_ms", "30000"), ("queue.window", "16")];

/// The longest time, in milliseconds, in which some good picture waited and none
/// was done. The rows know it better than somebody who asks now and then.
const LONGEST: &str = "SELECT coalesce(max(finished - greatest(created, before)), 0) FROM ( \
    SELECT created, finished, lag(finished, 1, created) OVER (ORDER BY finished) AS before \
    FROM job WHERE state = 'done') AS ended";
/// The longest time, in milliseconds, that a good picture was done after one that
/// came after it: more than its turn has taken from it.
const OVERTAKEN: &str = "SELECT coalesce(max(finished - first), 0) FROM ( \
    SELECT finished, min(finished) OVER later AS first FROM job WHERE state = 'done' \
    WINDOW later AS (ORDER BY created, id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)) AS ended";
/// Good pictures that took more than one attempt.
const TRIED_AGAIN: &str = "SELECT count(*) FROM job WHERE state = 'done' AND (fence > 1 OR failures > 0)";

async fn accepted(load: &Load, count: usize) {
    while load.accepted() < count {
        let before = load.accepted();
        until("one more upload is accepted", async || (load.accepted() > before).then_some(())).await;
    }
}

#[tokio::test]
async fn f7_poison_kills_three_children_and_delays_none_of_five_hundred_neighbours() {
    let mut fleet = Fleet::with(2, 2, &IN_ORDER).await;
    let load = Load::start(24, &[fleet.base(0), fleet.base(1)]);
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let database = fleet.database().await;
    accepted(&load, GOOD / 4).await;
    let mut poison = Vec::new();
    for word in ["abort", "crash"] {
        poison.push(share_accepted(&client, planted(word)).await);
    }
    accepted(&load, GOOD).await;
    let told = load.end().await;
    truth::settled(&database).await;
    let [longest, overtaken, again] = [
        number(fleet.database_url(), LONGEST).await,
        number(fleet.database_url(), OVERTAKEN).await,
        number(fleet.database_url(), TRIED_AGAIN).await,
    ];
    println!("F7: {} good ones, of which none was done for {longest} ms at the most", told.accepted.len());
    println!("F7: none was done more than {overtaken} ms after one that came later; {again} were tried again");
    assert!(longest < DELAY_MAX_MS && overtaken < DELAY_MAX_MS, "{longest} ms, {overtaken} ms");
    assert_eq!(again, 0, "what happens to another is no failure of theirs");
    for id in poison {
        assert_eq!(finished(&client, id).await.state, MediaState::Failed);
        let job = job(&database, id).await;
        assert!(job.deaths == 3 && job.line.ends_with(" because of poison"), "{}", job.line);
    }
    assert_kept(&database, &fleet.store(), &told.accepted).await;
    still_works(&mut fleet, &client).await;
}
