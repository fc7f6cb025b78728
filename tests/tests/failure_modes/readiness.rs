//! `/readyz` tells the truth, and what is wrong.

use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::bmp,
    numbers::Numbers,
    postgres::Postgres,
    sharing::share_accepted,
    small_disk::SmallDisk,
    sql::sql,
    standalone::Standalone,
    until::until,
    web::Web,
};
use serde_json::{Value, json};

/// Waits until a coordinator says so of one of its parts; whether it is ready, and
/// what it counts, says the same.
async fn becomes(base: &str, part: &str, word: &str) -> Value {
    let told = until(&format!("the {part} is {word}"), async || {
        let answer = Web::default().get(&format!("{base}/readyz")).await;
        let told = answer.json();
        assert_eq!(answer.status == 200, told["ready"] == json!(true), "{told}");
        (told[part] == word).then_some(told)
    })
    .await;
    assert_eq!(told["ready"], json!(word == "ok"), "{told}");
    let failing = if word == "ok" { 0.0 } else { 1.0 };
    until("it is counted", async || {
        let numbers = Numbers::of(base).await;
        (numbers.sum("heim_part_failing", &[("part", part)]) == Some(failing)).then_some(())
    })
    .await;
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f86_readyz_says_what_is_wrong_with_the_database() {
    let server = Postgres::start();
    let fleet = Fleet::over(server.fresh_url(), None, 1, 1, &[("database.timeout_ms", "2000")]).await;
    let base = fleet.base(0);
    becomes(base, "database", "ok").await;
    server.stop();
    let told = becomes(base, "database", "not answering").await;
    assert_eq!((&told["queue"], &told["store"]), (&json!("ok"), &json!("ok")), "the others have no part in it");
    server.restart();
    becomes(base, "database", "ok").await;

    // Behind its own back: whoever changes it may write all the same.
    let operator = format!("{}?options=-c%20default_transaction_read_only%3Doff", fleet.database_url());
    let read_only = async |is: &str| {
        sql(&operator, &format!("ALTER SYSTEM SET default_transaction_read_only TO {is}")).await;
        sql(&operator, "SELECT pg_reload_conf()").await;
    };
    read_only("on").await;
    becomes(base, "database", "read-only").await;
    read_only("off").await;
    becomes(base, "database", "ok").await;
    let ana = Client::enter(base, "welcome", Entrance::aware(), "ana").await;
    share_accepted(&ana, bmp(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f86_readyz_says_what_is_wrong_with_the_store() {
    let disk = SmallDisk::of(16 << 20);
    let folder = disk.path().join("store");
    let heim = Standalone::with(&[("store.url", &format!("file://{}", folder.display()))]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    becomes(heim.base(), "store", "ok").await;
    let handle = ana.upload_handle().await;
    // Nothing at all, and as much as a probe needs, but no picture of a phone.
    for bytes in [0, 64 << 10] {
        disk.fill_but(bytes);
        let told = becomes(heim.base(), "store", "full").await;
        assert_eq!(told["database"], "ok", "its disk is another one");
        if bytes == 0 {
            assert_eq!(Web::default().upload(&handle, bmp(1)).await.refusal(), (507, "store-full".to_owned()));
        }
        disk.free();
        becomes(heim.base(), "store", "ok").await;
    }
    disk.read_only(true);
    becomes(heim.base(), "store", "read-only").await;
    assert_eq!(Web::default().upload(&handle, bmp(1)).await.refusal(), (503, "unavailable".to_owned()));
    disk.read_only(false);
    becomes(heim.base(), "store", "ok").await;
    assert_eq!(Web::default().upload(&handle, bmp(1)).await.status, 201);
    ana.send("look", &[handle.id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f86_readyz_says_when_the_disk_of_a_sqlite_file_is_full() {
    let disk = SmallDisk::of(24 << 20);
    let file = disk.path().join("heim.db");
    let heim = Standalone::with(&[("database.url", &format!("sqlite:{}", file.display()))]).await;
    becomes(heim.base(), "database", "ok").await;
    disk.fill();
    assert_eq!(becomes(heim.base(), "database", "full").await["store"], "ok", "its disk is another one");
    disk.free();
    becomes(heim.base(), "database", "ok").await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    share_accepted(&ana, bmp(1)).await;
}
