//! `SQLite` is held by another process, killed while it writes, or on a disk that
//! is full.

use super::{answered_within, over_within};
use heim_tests::{
    client::{Client, Entrance},
    load::{Load, assert_kept, bmp},
    packets::Ending,
    small_disk::SmallDisk,
    sql::{Locked, integrity},
    standalone::Standalone,
    truth,
    until::until,
    web::Web,
};
use serde_json::json;
use std::time::Instant;

/// How long a file that somebody holds is waited for.
const TIMEOUT_MS: u64 = 600;
const KILLS: usize = 12;

/// The last few small writes may find room on a full disk.
const SPARE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f47_a_file_that_another_process_holds_is_waited_for_and_no_longer_than_that() {
    let heim = Standalone::with(&[("database.timeout_ms", &TIMEOUT_MS.to_string())]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    let holder = Locked::in_sqlite(&heim.database_file()).await;
    let begun = Instant::now();
    let answer = Web::default().upload(&handle, bmp(1)).await;
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    let uploading = begun.elapsed();
    let begun = Instant::now();
    assert_eq!(ana.refused("send", json!({ "content": "lost" })).await, "not available right now, try again");
    let sending = begun.elapsed();
    println!("f47: an upload waited for {uploading:?}, a message for {sending:?}");
    assert!(uploading < answered_within(TIMEOUT_MS), "{uploading:?}");
    assert!(sending < over_within(TIMEOUT_MS), "{sending:?}");
    assert_eq!(ana.command("log", json!({ "n": 1 })).await["log"], json!([]), "readers are in nobody's way");
    holder.release().await;
    assert_eq!(Web::default().upload(&handle, bmp(1)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f47_a_file_whose_writer_is_killed_again_and_again_is_whole_and_has_all_that_was_accepted() {
    let mut heim = Standalone::start().await;
    let load = Load::start(6, &[heim.base()]);
    for kill in 0..KILLS {
        let before = load.accepted();
        // Another moment of the work each time.
        until("uploads are accepted", async || (load.accepted() > before + kill % 4).then_some(())).await;
        heim.process.kill9().await;
        assert_eq!(integrity(&heim.database_file()).await, "ok", "after kill {kill}");
        heim.restart().await;
        load.moved(&[heim.base()]);
    }
    let told = load.end().await;
    assert!(told.refused.is_empty(), "{told:?}");
    assert!(told.endings.iter().all(|ending| *ending == Ending::Cut), "{told:?}");
    let database = heim.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &heim.store(), &told.accepted).await;
    assert_eq!(integrity(&heim.database_file()).await, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f47_a_full_disk_is_told_as_507_and_forgotten_when_there_is_room() {
    let disk = SmallDisk::of(24 << 20);
    let file = disk.path().join("heim.db");
    let heim = Standalone::with(&[("database.url", &format!("sqlite:{}", file.display()))]).await;
    let load = Load::start(4, &[heim.base()]);
    let (ana, web) = (Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await, Web::default());
    for _ in 0..2 {
        let before = load.accepted();
        until("uploads are accepted", async || (load.accepted() >= before + 5).then_some(())).await;
        let mut handles = Vec::new();
        for _ in 0..SPARE {
            handles.push(ana.upload_handle().await);
        }
        let refusals = load.refusals();
        disk.fill();
        until("something is refused", async || (load.refusals() > refusals).then_some(())).await;
        // All of the load may be without a handle by then, and gets none: it
        // need not see how an upload is refused.
        let refusal = until("an upload is refused", async || {
            let answer = web.upload(handles.last()?, bmp(u32::MAX)).await;
            if answer.status == 201 {
                handles.pop();
                return None;
            }
            (answer.status != 503).then(|| answer.refusal())
        });
        assert_eq!(refusal.await, (507, "store-full".to_owned()));
        disk.free();
    }
    let before = load.accepted();
    until("uploads are accepted again", async || (load.accepted() >= before + 5).then_some(())).await;
    let told = load.end().await;
    let others: Vec<_> = told.refused.keys().filter(|(status, _)| ![503, 507].contains(status)).collect();
    assert!(others.is_empty(), "{told:?}");
    let database = heim.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &heim.store(), &told.accepted).await;
    assert_eq!(integrity(&file).await, "ok");
}
