//! What is deleted is gone: after a while what only deleted messages show, after
//! a day what no message ever showed, and at once all that a room had.
//!
//! No test waits for a week to pass: it tells the database that it has.

use crate::vault::{
    PASSCODE, SWEPT, VAULT, agent, enter, make_when_free, picture, share_finished, shown, turn, vault_with,
};
use heim_common::{MediaId, MessageId};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    raw::{Raw, upload_head},
    sharing::{NAMES, finished, share_accepted},
    sql::{number, sql},
    truth,
    until::until,
    web::Web,
};
use reqwest::Method;
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// A row outlives its files for less than this.
const REST_MS: i64 = 180_000;

/// A fleet that sweeps all the time.
async fn fleet(coordinators: usize, workers: usize) -> Keyed {
    vault_with(coordinators, workers, &[SWEPT, ("retention.orphans_s", "1")]).await
}

/// Turns a column of some rows back by so much.
async fn is_later(keyed: &Keyed, table: &str, column: &str, ms: i64, which: &str) {
    sql(keyed.fleet.database_url(), &format!("UPDATE {table} SET {column} = {column} - {ms} WHERE {which}")).await;
}

async fn count(keyed: &Keyed, table: &str, which: &str) -> i64 {
    number(keyed.fleet.database_url(), &format!("SELECT count(*) FROM {table} WHERE {which}")).await
}

fn files(keyed: &Keyed, id: MediaId) -> usize {
    keyed.fleet.stored().iter().filter(|file| file.contains(&id.to_string())).count()
}

async fn files_are_gone(keyed: &Keyed, id: MediaId) {
    until("its files are gone", async || (files(keyed, id) == 0).then_some(())).await;
}

/// Waits until a gauge has this value.
async fn gauge(keyed: &Keyed, name: &str, value: u64) {
    let line = format!("{name} {value}");
    until(&line, async || {
        let metrics = Web::default().get(&format!("{}/metrics", keyed.base(0))).await;
        String::from_utf8_lossy(&metrics.body).lines().any(|found| found == line).then_some(())
    })
    .await;
}

const UNATTACHED: &str = "heim_media_objects_unseen{state=\"unattached\"}";
const WITHHELD: &str = "heim_media_objects_unseen{state=\"withheld\"}";
const REMOVING: &str = "heim_media_objects_unseen{state=\"removing\"}";
const STORED: &str = "heim_store_objects{state=\"all\"}";
const ORPHANED: &str = "heim_store_objects{state=\"orphaned\"}";

async fn status(url: &str) -> u16 {
    Web::default().get(url).await.status
}

async fn original(client: &Client, id: MediaId) -> String {
    client.media(id).await.transcodings[&"original".parse().expect("a name")].url.clone()
}

async fn manager(keyed: &Keyed) -> Client {
    let ana = enter(keyed, 0, "ana").await;
    keyed.operator(0).make_manager(VAULT, &agent(&ana).await).await;
    ana
}

async fn message(client: &Client, id: MediaId) -> (String, String) {
    let id = shown(client, id).await["id"].as_str().expect("an id").to_owned();
    let row: MessageId = id.parse().expect("an id");
    (id, format!("id = {}", row.as_i64()))
}

#[tokio::test]
async fn a_deleted_message_can_be_restored_until_it_is_removed_with_its_picture() {
    let keyed = fleet(1, 1).await;
    let ana = manager(&keyed).await;
    let id = share_finished(&ana, 1).await;
    let ((said, row), url) = (message(&ana, id).await, original(&ana, id).await);
    let deleted = turn(&ana, &said, None, true).await;
    assert_eq!(status(&url).await, 404, "at once");
    gauge(&keyed, WITHHELD, 1).await;
    // Six days later it can still be restored, and its picture loads again.
    is_later(&keyed, "message", "deleted", 6 * DAY_MS, &row).await;
    gauge(&keyed, STORED, NAMES.len() as u64).await;
    let restored = turn(&ana, &said, Some(&deleted), false).await;
    assert_eq!(Web::default().get(&url).await.body, picture(1));
    assert_eq!(shown(&ana, id).await["id"], said.as_str());
    gauge(&keyed, WITHHELD, 0).await;

    let deleted = turn(&ana, &said, Some(&restored), true).await;
    is_later(&keyed, "message", "deleted", 8 * DAY_MS, &row).await;
    files_are_gone(&keyed, id).await;
    let again = json!({ "id": said, "previous_edit_id": deleted, "delete": false, "announce": true });
    assert_eq!(ana.refused("edit-message", again).await, "message not found");
    until("the message is gone", async || (count(&keyed, "message", &row).await == 0).then_some(())).await;
    assert_eq!(ana.refused("get-message", json!({ "id": said })).await, "message not found");
    assert_eq!(ana.refused("send", json!({ "content": "", "attachments": [id] })).await, "media not found");
    assert_eq!(status(&url).await, 404);
    gauge(&keyed, REMOVING, 1).await;
    is_later(&keyed, "media_object", "gone", REST_MS, "true").await;
    until("its row is gone", async || (count(&keyed, "media_object", "true").await == 0).then_some(())).await;
    assert_eq!(count(&keyed, "media_transcoding", "true").await, 0);
    gauge(&keyed, REMOVING, 0).await;
    gauge(&keyed, STORED, 0).await;
}

#[tokio::test]
async fn a_picture_stays_as_long_as_one_message_shows_it() {
    let keyed = fleet(1, 1).await;
    let ana = manager(&keyed).await;
    let id = share_finished(&ana, 2).await;
    let ((first, row), url) = (message(&ana, id).await, original(&ana, id).await);
    ana.send("once more", &[id]).await;
    turn(&ana, &first, None, true).await;
    is_later(&keyed, "message", "deleted", 8 * DAY_MS, &row).await;
    until("the message is gone", async || (count(&keyed, "message", &row).await == 0).then_some(())).await;
    assert_eq!(Web::default().get(&url).await.body, picture(2));
    assert_eq!(ana.command("log", json!({ "n": 9 })).await["log"][0]["attachments"][0]["id"], id.to_string());
    gauge(&keyed, WITHHELD, 0).await;
    gauge(&keyed, REMOVING, 0).await;
}

#[tokio::test]
async fn what_no_message_ever_showed_is_removed_after_a_day() {
    let keyed = fleet(1, 1).await;
    let ana = manager(&keyed).await;
    let upload = async |seed| {
        let handle = ana.upload_handle().await;
        assert_eq!(Web::default().upload(&handle, picture(seed)).await.status, 201);
        finished(&ana, handle.id).await;
        handle.id
    };
    let (old, young, kept) = (upload(1).await, upload(2).await, upload(3).await);
    gauge(&keyed, UNATTACHED, 3).await;
    let said = ana.send("this one counts", &[kept]).await;
    keyed.operator(0).delete_message(VAULT, said["id"].as_str().expect("an id")).await;
    for id in [old, kept] {
        let row = format!("id = {}", id.as_i64());
        is_later(&keyed, "media_object", "created", DAY_MS, &row).await;
        is_later(&keyed, "media_object", "uploaded", DAY_MS, &row).await;
    }
    files_are_gone(&keyed, old).await;
    gauge(&keyed, UNATTACHED, 1).await;
    assert_eq!(ana.refused("get-media", json!({ "id": old })).await, "media not found");
    assert_eq!(ana.refused("send", json!({ "content": "", "attachments": [old] })).await, "media not found");
    assert_eq!((files(&keyed, young), files(&keyed, kept)), (NAMES.len(), NAMES.len()));
    ana.send("nor is this one lost", &[young]).await;
    gauge(&keyed, UNATTACHED, 0).await;
}

#[tokio::test]
async fn a_deleted_room_leaves_nothing_and_its_name_is_free() {
    let keyed = fleet(2, 1).await;
    let (ana, ben) = (manager(&keyed).await, enter(&keyed, 1, "ben").await);
    let hall = Client::enter(keyed.base(0), "hall", Entrance::aware(), "cleo").await;
    let kept = share_finished(&hall, 9).await;
    for seed in 0..3 {
        share_finished(&ana, seed).await;
    }
    let unused = ben.upload_handle().await;
    let unattached = ben.upload_handle().await;
    assert_eq!(Web::default().upload(&unattached, picture(5)).await.status, 201);
    finished(&ben, unattached.id).await;
    ben.send("words, too", &[]).await;
    keyed.operator(1).rotate_key(VAULT).await;
    keyed.operator(1).delete_room(VAULT).await;
    let of_room = format!("room = '{VAULT}'");
    // The keys go first: nothing that is left can be read by anybody.
    for table in ["room_key", "room_manager", "nick", "session", "departure"] {
        assert_eq!(count(&keyed, table, &of_room).await, 0, "{table}");
    }
    assert_eq!(Web::default().upload(&unused, picture(6)).await.refusal(), (404, "media-not-found".into()));
    until("its files are gone", async || (keyed.fleet.stored().len() == NAMES.len()).then_some(())).await;
    assert_eq!(files(&keyed, kept), NAMES.len(), "another room's stay");
    make_when_free(&keyed.operator(0), VAULT, "open up").await;
    assert_eq!(count(&keyed, "message", &of_room).await, 0);
    assert_eq!(count(&keyed, "job", &of_room).await, 0);
    is_later(&keyed, "media_object", "gone", REST_MS, "gone IS NOT NULL").await;
    until("its rows are gone", async || (count(&keyed, "media_object", &of_room).await == 0).then_some(())).await;

    let ana = admitted(keyed.base(1), VAULT, "open up", Entrance::aware(), "ana").await;
    assert_eq!(ana.event("snapshot-event").await["log"], json!([]));
    share_finished(&ana, 7).await;
    let room = keyed.operator(0).ask(Method::GET, VAULT, &Value::Null).await.json();
    assert_eq!(room["managers"], json!([]));
    assert_eq!(Web::default().get(&original(&hall, kept).await).await.body, picture(9));
}

#[tokio::test]
async fn an_upload_whose_room_is_deleted_meanwhile_leaves_nothing() {
    let keyed = fleet(1, 0).await;
    let ana = enter(&keyed, 0, "ana").await;
    let picture = corpus::read(corpus::SMALL);
    let length = picture.len().to_string();
    let (early, late) = (ana.upload_handle().await, ana.upload_handle().await);
    let mut uploads = Vec::new();
    for (handle, there) in [(&early, picture.len() / 2), (&late, 0)] {
        let mut raw = Raw::connect(keyed.base(0)).await;
        assert!(raw.write(upload_head(handle, &[("Content-Length", &length)])).await);
        assert!(raw.write(&picture[..there]).await);
        uploads.push((raw, there));
    }
    keyed.operator(0).delete_room(VAULT).await;
    make_when_free(&keyed.operator(0), VAULT, PASSCODE).await;
    for (mut raw, there) in uploads {
        assert!(raw.write(&picture[there..]).await);
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(answer.refusal(), (404, "media-not-found".into()));
    }
    until("nothing is left of them", async || keyed.fleet.stored().is_empty().then_some(())).await;
    assert_eq!(count(&keyed, "job", "true").await, 0);
    gauge(&keyed, STORED, 0).await;
}

/// Waits until a worker is busy with the picture that was just uploaded.
async fn is_worked_on(keyed: &Keyed) {
    let database = keyed.fleet.database().await;
    until("a worker has the job", async || truth::holder(&database).await).await;
}

#[tokio::test]
async fn what_a_worker_makes_of_a_picture_that_is_deleted_meanwhile_is_removed() {
    let keyed = fleet(1, 1).await;
    let ana = manager(&keyed).await;
    let hall = Client::enter(keyed.base(0), "hall", Entrance::aware(), "cleo").await;
    let deleted = share_accepted(&ana, corpus::read(corpus::SLOW)).await;
    let (said, row) = message(&ana, deleted).await;
    is_worked_on(&keyed).await;
    turn(&ana, &said, None, true).await;
    is_later(&keyed, "message", "deleted", 8 * DAY_MS, &row).await;
    files_are_gone(&keyed, deleted).await;
    assert_eq!(count(&keyed, "job", "true").await, 0, "nobody is to work on it any more");
    // The worker has one child: when the next picture is finished, it has ended
    // with this one, whatever it put into the store meanwhile.
    share_finished(&hall, 1).await;
    files_are_gone(&keyed, deleted).await;

    let of_room = share_accepted(&ana, corpus::read(corpus::SLOW)).await;
    is_worked_on(&keyed).await;
    keyed.operator(0).delete_room(VAULT).await;
    files_are_gone(&keyed, of_room).await;
    share_finished(&hall, 2).await;
    files_are_gone(&keyed, of_room).await;
    assert_eq!(keyed.fleet.stored().len(), 2 * NAMES.len(), "{:?}", keyed.fleet.stored());
    let log = keyed.fleet.workers[0].log();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn objects_that_no_row_names_are_counted() {
    let keyed = fleet(1, 1).await;
    let ana = enter(&keyed, 0, "ana").await;
    share_finished(&ana, 1).await;
    gauge(&keyed, STORED, NAMES.len() as u64).await;
    gauge(&keyed, ORPHANED, 0).await;
    let folder = keyed.fleet.store().join("media/0zzzzz/0zzzzzzzzzzzz");
    std::fs::create_dir_all(&folder).expect("the store can be written");
    std::fs::write(folder.join("original.0c1oft7ew7ojk"), b"whose is this?").expect("the store can be written");
    gauge(&keyed, ORPHANED, 1).await;
    gauge(&keyed, STORED, NAMES.len() as u64 + 1).await;
}
