//! Processes that are killed at each place that has a name: on the way of uploads
//! under load, and in the sweeps.

mod sweeps;

use heim_runtime::failpoint::Point;
use heim_tests::{
    fleet::Fleet,
    ledger::crowd::{Crowd, Outcome},
    process::{Ended, Launch, Process},
    raw::authority,
    until::until,
};
use std::os::unix::process::ExitStatusExt;

/// Who upload while something dies.
const CLIENTS: usize = 3;
const SIGKILL: i32 = 9;

/// Where a coordinator may die of an upload, in the order of its life.
const OF_COORDINATORS: [Point; 12] = [
    Point::MediaCreated,
    Point::UploadBegun,
    Point::UploadStreamed,
    Point::UploadStored,
    Point::UploadCommitted,
    Point::UploadAnnounced,
    Point::JobsChosen,
    Point::JobsPushed,
    Point::ClaimCommitted,
    Point::RegistrationCommitted,
    Point::RegistrationAnnounced,
    Point::VerdictCommitted,
];

/// Where a worker may.
const OF_WORKERS: [Point; 7] = [
    Point::JobPopped,
    Point::JobClaimed,
    Point::OriginalFetched,
    Point::PixelsMade,
    Point::TranscodingPut,
    Point::TranscodingRegistered,
    Point::VerdictTold,
];

/// Starts it and waits until it has died there.
async fn dies_at(point: Point, launch: Launch) {
    let ended = launch.failpoints(&format!("{}=kill", point.as_str())).run().await;
    let Ended { status, log, .. } = &ended;
    assert_eq!(status.signal(), Some(SIGKILL), "{point:?}: {ended:?}");
    assert!(log.contains(&format!("point=\"{}\"", point.as_str())), "{point:?}: {ended:?}");
}

/// Has one die there in the place of the only coordinator, which may have died before.
async fn a_coordinator_dies_at(fleet: &mut Fleet, point: Point) {
    let address = authority(fleet.base(0)).to_owned();
    gone(&mut fleet.coordinators[0]).await;
    dies_at(point, fleet.serving(&address)).await;
}

/// The same with the only worker.
async fn a_worker_dies_at(fleet: &mut Fleet, point: Point) {
    gone(&mut fleet.workers[0]).await;
    dies_at(point, fleet.worker(0)).await;
}

async fn gone(process: &mut Process) {
    if process.is_alive() {
        process.kill9().await;
    }
}

/// Has processes die under load, one after the other; nothing that clients were told
/// is lost or doubled, everything ends, and a sweep leaves nothing.
async fn die_under_load(points: &[Point], mut dies_at: impl AsyncFnMut(&mut Fleet, Point)) -> Outcome {
    let mut fleet = Fleet::start(1, 1).await;
    let crowd = Crowd::on(&fleet, CLIENTS);
    for point in points {
        dies_at(&mut fleet, *point).await;
        let before = crowd.accepted();
        until("the next upload is accepted", async || (crowd.accepted() > before).then_some(())).await;
    }
    let outcome = crowd.end(&fleet).await;
    assert!(outcome.is_clean(), "{outcome}");
    outcome
}

#[tokio::test]
async fn a_coordinator_killed_anywhere_on_the_way_of_an_upload_loses_doubles_and_leaves_nothing() {
    let outcome = die_under_load(&OF_COORDINATORS, async |fleet, point| {
        a_coordinator_dies_at(fleet, point).await;
        fleet.replace_coordinator(0).await;
    });
    println!("{}", outcome.await);
}

#[tokio::test]
async fn a_worker_killed_anywhere_on_the_way_of_a_job_loses_doubles_and_leaves_nothing() {
    let outcome = die_under_load(&OF_WORKERS, async |fleet, point| {
        a_worker_dies_at(fleet, point).await;
        fleet.replace_worker(0).await;
    });
    println!("{}", outcome.await);
}
