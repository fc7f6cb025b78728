//! Coordinators that are killed in a sweep: the next one completes it.

use super::{SIGKILL, a_coordinator_dies_at, a_worker_dies_at};
use crate::worker::job::{events, job};
use heim_common::{MediaId, job::Reason, media::MediaState};
use heim_runtime::failpoint::Point;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::bmp,
    raw::authority,
    sharing::{finished, share_accepted},
    sql::{number, sql},
    sweeping::sweep,
    until::until,
    web::Web,
};
use std::{fs, os::unix::process::ExitStatusExt};

/// Sweeps often, and removes nothing before its time.
const OFTEN: [(&str, &str); 2] = [("retention.sweep_ms", "300"), ("retention.orphans_s", "1")];
/// Where an object would be that no row names.
const ORPHAN: &str = "media/0c1ofy/0c1ofy7941g5c/original.0c1ofy7941g5d";

async fn enter(fleet: &Fleet, cookie: Option<String>) -> Client {
    Client::enter(fleet.base(0), "welcome", Entrance { cookie, ..Entrance::aware() }, "ana").await
}

/// How many rows of a table are so.
async fn count(fleet: &Fleet, of: &str) -> i64 {
    number(fleet.database_url(), &format!("SELECT count(*) FROM {of}")).await
}

/// Whether the orphan is noted. Who dies while it tries the store leaves something too.
async fn is_noted(fleet: &Fleet) -> bool {
    count(fleet, &format!("stray WHERE name = '{ORPHAN}'")).await == 1
}

/// The files of a media object.
fn files(fleet: &Fleet, id: MediaId) -> usize {
    fleet.stored().iter().filter(|file| file.contains(&id.to_string())).count()
}

#[tokio::test]
async fn what_a_coordinator_was_killed_at_sweeping_is_completed_by_the_next() {
    let mut fleet = Fleet::with(1, 1, &OFTEN).await;
    reaped(&mut fleet).await;
    expired(&mut fleet).await;
    released(&mut fleet).await;
    orphaned(&mut fleet).await;
    let left = sweep(&fleet).await;
    assert!(left.is_empty(), "{left:?}");
}

/// A lease ran out, and nobody was told to dispatch the job.
async fn reaped(fleet: &mut Fleet) {
    let address = authority(fleet.base(0)).to_owned();
    fleet.coordinators[0].kill9().await;
    fleet.coordinators[0] = fleet.serving(&address).failpoints("jobs-reaped=kill").start().await;
    let ana = enter(fleet, None).await;
    fleet.workers[0].kill9().await;
    let id = share_accepted(&ana, bmp(1)).await;
    // It is given the job, and then there is a lease.
    a_worker_dies_at(fleet, Point::JobClaimed).await;
    assert_eq!(fleet.coordinators[0].ended().await.signal(), Some(SIGKILL));
    let database = fleet.database().await;
    let left = job(&database, id).await;
    assert_eq!((left.state.as_str(), left.fence, left.failures), ("pending", 1, 1), "{}", left.line);
    fleet.replace_coordinator(0).await;
    fleet.replace_worker(0).await;
    let ana = enter(fleet, Some(ana.cookie())).await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    let ended = job(&database, id).await;
    assert_eq!((ended.fence, ended.failures, events(&database, id).await), (2, 1, 5), "{}", ended.line);
}

/// Handles expired, and nobody was told.
async fn expired(fleet: &mut Fleet) {
    let ana = enter(fleet, None).await;
    let (shown, unseen) = (ana.upload_handle().await, ana.upload_handle().await);
    ana.send("look", &[shown.id]).await;
    sql(fleet.database_url(), "UPDATE media_object SET expires = 0 WHERE state = 'created'").await;
    // A coordinator that starts begins with this sweep.
    a_coordinator_dies_at(fleet, Point::HandlesExpired).await;
    assert_eq!(count(fleet, "media_object WHERE state = 'created'").await, 0, "that much it has done");
    fleet.replace_coordinator(0).await;
    let ana = enter(fleet, Some(ana.cookie())).await;
    let failed = finished(&ana, shown.id).await;
    assert_eq!(failed.failure.as_deref(), Some(Reason::NeverUploaded.sentence()), "{failed:?}");
    assert_eq!(events(&fleet.database().await, shown.id).await, 1);
    assert_eq!(Web::default().upload(&unseen, bmp(2)).await.refusal(), (404, "media-not-found".to_owned()));
}

/// A media object is gone for everybody, first with its files and then without.
async fn released(fleet: &mut Fleet) {
    let ana = enter(fleet, None).await;
    let handle = ana.upload_handle().await;
    assert_eq!(Web::default().upload(&handle, bmp(3)).await.status, 201);
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
    let (this, database) = (format!("WHERE id = {}", handle.id.as_i64()), fleet.database_url().to_owned());
    // Nobody shows it, for more than a day.
    fleet.coordinators[0].kill9().await;
    sql(&database, &format!("UPDATE media_object SET created = 0, uploaded = 0 {this}")).await;
    a_coordinator_dies_at(fleet, Point::MediaReleased).await;
    assert_eq!(count(fleet, &format!("media_object {this} AND gone IS NOT NULL")).await, 1);
    assert_eq!(files(fleet, handle.id), 5);
    a_coordinator_dies_at(fleet, Point::FilesRemoved).await;
    assert_eq!((count(fleet, &format!("media_object {this}")).await, files(fleet, handle.id)), (1, 0));
    // Whoever was still at work on it has ended.
    sql(&database, &format!("UPDATE media_object SET gone = 0 {this}")).await;
    fleet.replace_coordinator(0).await;
    until("it is forgotten", async || (count(fleet, &format!("media_object {this}")).await == 0).then_some(())).await;
}

/// An object that no row names is removed, and still noted.
async fn orphaned(fleet: &mut Fleet) {
    fleet.coordinators[0].kill9().await;
    let orphan = fleet.store().join(ORPHAN);
    fs::create_dir_all(orphan.parent().expect("it is in a folder")).expect("the store can be written to");
    fs::write(&orphan, "nobody's").expect("the store can be written to");
    let note = format!("INSERT INTO stray (name, kind, seen, looked) VALUES ('{ORPHAN}', 'orphan', 0, 0)");
    sql(fleet.database_url(), &note).await;
    a_coordinator_dies_at(fleet, Point::OrphanRemoved).await;
    assert_eq!((is_noted(fleet).await, orphan.exists()), (true, false));
    fleet.replace_coordinator(0).await;
    until("it is noted no more", async || (!is_noted(fleet).await).then_some(())).await;
}
