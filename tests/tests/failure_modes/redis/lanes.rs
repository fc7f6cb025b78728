//! Lanes: which original waits where, that no lane's backlog keeps another's out,
//! and pausing.

use heim_common::{MediaId, job::Lane};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    keyed::Keyed,
    load::bmp,
    sharing::{finished, share_accepted},
    truth,
    until::until,
};

/// An animation of two pictures of a pixel each.
const ANIMATION: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\
    \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

async fn lane_of(fleet: &Fleet, id: MediaId) -> Lane {
    let rows = truth::rows(&fleet.database().await).await;
    let job = rows.lines().find(|line| line.starts_with("job ") && line.contains(&format!("/{} ", id.as_i64())));
    let job = job.unwrap_or_else(|| panic!("no job of {id}: {rows}"));
    job.split(' ').nth(3).expect("a job has a lane").parse().expect("a lane")
}

fn waiting(fleet: &Fleet, lane: Lane) -> String {
    fleet.redis.command(&format!("LLEN heim:jobs:{}", lane.as_str()))
}

#[tokio::test]
async fn large_and_animated_originals_wait_in_bulk() {
    let fleet = Fleet::with(1, 1, &[("jobs.bulk_pixels", "2000000")]).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    for (picture, lane) in
        [(corpus::read(corpus::SMALL), Lane::Bulk), (ANIMATION.to_vec(), Lane::Bulk), (bmp(1), Lane::Interactive)]
    {
        let id = share_accepted(&client, picture).await;
        assert_eq!(lane_of(&fleet, id).await, lane);
        finished(&client, id).await;
    }
}

#[tokio::test]
async fn a_backlog_in_bulk_keeps_no_small_picture_out() {
    let mut fleet = Fleet::with(1, 0, &[("queue.window", "4")]).await;
    let client = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut large = Vec::new();
    for _ in 0..20 {
        large.push(share_one(&client, ANIMATION.to_vec()).await);
    }
    until("bulk has its window, and no more", async || (waiting(&fleet, Lane::Bulk) == ":4").then_some(())).await;
    let small = share_one(&client, corpus::read(corpus::SMALL)).await;
    until("interactive has a window of its own", async || (waiting(&fleet, Lane::Interactive) == ":1").then_some(()))
        .await;
    fleet.add_worker().await;
    assert!(finished(&client, small).await.failure.is_none());
    let rows = truth::rows(&fleet.database().await).await;
    let left = rows.lines().filter(|line| line.starts_with("job ") && line.contains(" pending ")).count();
    assert!(left >= 8, "the small one did not wait for the backlog of the others: {left} left");
    for id in large {
        finished(&client, id).await;
    }
}

/// Without a message, of which few a second are taken.
async fn share_one(client: &Client, picture: Vec<u8>) -> MediaId {
    let handle = client.upload_handle().await;
    let answer = heim_tests::web::Web::default().upload(&handle, picture).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    handle.id
}

#[tokio::test]
async fn a_paused_fleet_takes_uploads_and_works_on_none_until_it_is_resumed() {
    let mut keyed = Keyed::start(1, 1).await;
    let said = keyed.admin(&["lane", "pause", "all"], "").await;
    assert_eq!(said.out, "paused: interactive, bulk, backfill\n", "{said:?}");
    let client = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&client, corpus::read(corpus::SMALL)).await;
    // It outlives the restart of every process.
    keyed.replace_coordinator(0, &[]).await;
    let client = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let other = share_accepted(&client, ANIMATION.to_vec()).await;
    // An id that is in Redis by whatever chance is nobody's while its lane is paused.
    let rows = truth::rows(&keyed.fleet.database().await).await;
    let job: i64 = rows.lines().find_map(|line| line.strip_prefix("job ")?.split(' ').next()?.parse().ok()).unwrap();
    let payload = format!(r#"RPUSH heim:jobs:interactive '{{"v":1,"id":"{}"}}'"#, heim_common::JobId::from_i64(job));
    keyed.fleet.replace_worker(0).await;
    assert_eq!(keyed.fleet.redis.command(&payload), ":1");
    until("the worker has taken the id", async || (waiting(&keyed.fleet, Lane::Interactive) == ":0").then_some(()))
        .await;
    let said = keyed.admin(&["lane", "resume", "bulk"], "").await;
    assert_eq!(said.out, "resumed: bulk\n", "{said:?}");
    finished(&client, other).await;
    let rows = truth::rows(&keyed.fleet.database().await).await;
    assert!(
        rows.lines().any(|line| line.starts_with(&format!("job {job} ")) && line.contains(" pending fence 0 ")),
        "{rows}"
    );
    let listed = keyed.admin(&["lane", "list", "--json"], "").await.out;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let paused = |lane: usize| listed["lanes"][lane]["paused_since"].is_number();
    assert_eq!([paused(0), paused(1), paused(2)], [true, false, true], "{listed}");
    assert!(keyed.admin(&["lane", "resume", "all"], "").await.success);
    assert!(finished(&client, id).await.failure.is_none());
    assert!(!keyed.admin(&["lane", "pause", "fast"], "").await.success);
}
