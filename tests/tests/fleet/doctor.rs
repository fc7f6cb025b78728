//! `heim-coordinator admin doctor` and `heim-worker doctor`, of deployments that lack
//! one thing after the other.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Ended,
    s3::{S3, Trouble},
    sql::sql,
    truth,
    until::until,
    web::Web,
};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// How each part stands, and what was seen of it.
fn found(ended: &Ended) -> BTreeMap<String, (String, String)> {
    let findings: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().expect("a text").to_owned();
    let each =
        findings.iter().map(|finding| (text(finding, "part"), (text(finding, "standing"), text(finding, "seen"))));
    each.collect()
}

#[tokio::test]
async fn a_deployment_is_examined() {
    let mut fleet = Fleet::start(1, 0).await;
    let well = fleet.administered(&["doctor", "--json"]).run().await;
    assert!(well.status.success(), "{well:?}");
    let parts = found(&well);
    for part in ["settings", "database", "clock", "queue", "store", "jobs"] {
        assert_eq!(parts[part].0, "ok", "{parts:?}");
    }
    let version = &parts["database"].1;
    assert!(version.starts_with("PostgreSQL 1") && version.ends_with("the schema of this version"), "{version}");
    assert_eq!(parts["keys"].0, "warning", "there is no master key: {parts:?}");
    assert_eq!(parts["workers"], ("warning".to_owned(), "none was heard of".to_owned()));

    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SMALL)).await.status, 201);
    let waiting = fleet.administered(&["doctor", "--json"]).run().await;
    assert!(waiting.status.success(), "{waiting:?}");
    let (standing, seen) = &found(&waiting)["jobs"];
    assert_eq!((standing.as_str(), seen.as_str()), ("warning", "1 wait, 0 run, 0 have failed: nobody works on them"));

    assert_eq!(fleet.redis.command("CONFIG SET maxmemory-policy allkeys-lru"), "+OK");
    let evicting = fleet.administered(&["doctor"]).run().await;
    assert_eq!(evicting.status.code(), Some(1), "{evicting:?}");
    assert!(evicting.stdout.contains("wrong    queue       Redis may evict waiting jobs"), "{evicting:?}");
    assert!(evicting.stdout.contains("→ `CONFIG SET maxmemory-policy noeviction`"), "{evicting:?}");
    fleet.redis.kill9();
    let away = fleet.administered(&["doctor", "--json"]).run().await;
    assert_eq!(away.status.code(), Some(1), "{away:?}");
    assert_eq!((found(&away)["queue"].0.as_str(), found(&away)["jobs"].0.as_str()), ("wrong", "warning"));
    fleet.redis.restart();
    fleet.add_worker().await;
    truth::settled(&fleet.database().await).await;

    let heard_of = until("the worker was heard of", async || {
        let parts = found(&fleet.administered(&["doctor", "--json"]).run().await);
        (parts["workers"].0 == "ok").then_some(parts)
    })
    .await;
    // A kernel without one of the walls is a warning.
    assert_ne!(heard_of["walls"].0, "wrong", "{heard_of:?}");
    fleet.workers[0].kill9().await;
    until("its silence is told", async || {
        let (standing, seen) = found(&fleet.administered(&["doctor", "--json"]).run().await).remove("workers")?;
        (standing == "warning" && seen.starts_with("none was heard of in the last 10 s: ")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_release_that_was_rolled_back_is_told_so() {
    let fleet = Fleet::start(1, 0).await;
    sql(fleet.database_url(), "INSERT INTO seaql_migrations VALUES ('m9999_flying_cars', 1)").await;
    let ended = fleet.administered(&["doctor", "--json"]).run().await;
    assert!(ended.status.success(), "it works all the same: {ended:?}");
    let (standing, seen) = &found(&ended)["database"];
    assert_eq!(standing, "warning");
    assert!(seen.ends_with("its schema is that of a later version, up to m9999_flying_cars"), "{seen}");
}

#[tokio::test]
async fn a_worker_whose_clock_is_another_is_told_so() {
    let fleet = Fleet::start(1, 0).await;
    let answers = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", answers.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = answers.accept().await {
            let mut asked = [0; 4_096];
            let _ = connection.read(&mut asked).await;
            let head = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nConnection: close\r\n";
            let _ =
                connection.write_all(format!("{head}Content-Length: 14\r\n\r\n{{\"ready\":true}}").as_bytes()).await;
        }
    });
    let launch = fleet.worker(0).arguments(&["doctor", "--json"]).setting("worker.coordinator_url", &url);
    let ended = launch.run().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let (standing, seen) = &found(&ended)["clock"];
    assert!(standing == "wrong" && seen.ends_with("s ahead of the coordinator"), "{seen}");
}

#[tokio::test]
async fn a_store_that_gives_no_parts_and_a_redis_that_cannot_save_are_told_in_words() {
    let (fleet, s3) = (Fleet::start(0, 0).await, S3::start());
    let own = S3::settings("of/this", s3.port());
    let own: Vec<_> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let examine = async || fleet.administered(&["doctor"]).settings(&own).run().await;
    for (trouble, words) in [
        (Trouble::None, "ok       store       can be written, read, read in part, and deleted from"),
        // The first of these is an error of the library, which says what it was answered.
        (
            Trouble::WholeForParts,
            "wrong    store       the store does not give the part of an object that it is asked for: ",
        ),
        (Trouble::OtherParts, "the part of an object that it is asked for: it gave other bytes\n"),
    ] {
        s3.set(trouble);
        let said = examine().await;
        assert_eq!(said.status.success(), trouble == Trouble::None, "{said:?}");
        assert!(said.stdout.contains(words), "{said:?}");
        assert_eq!(said.stdout.contains("or cache is before it, heeds `Range`"), trouble != Trouble::None, "{said:?}");
        assert_eq!(s3.objects(), Vec::<String>::new(), "what was written is taken away again");
    }
    s3.set(Trouble::None);
    fleet.redis.lose_folder();
    assert_eq!(fleet.redis.command("CONFIG SET save \"3600 1\""), "+OK");
    assert_eq!(fleet.redis.command("BGSAVE"), "+Background saving started");
    until("it is told", async || {
        let said = examine().await;
        let words =
            "wrong    queue       Redis could not save what it holds (rdb_last_bgsave_status:err), and refuses to take";
        (said.status.code() == Some(1) && said.stdout.contains(words)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_worker_is_examined_where_it_is() {
    let mut fleet = Fleet::start(1, 0).await;
    let examine = |fleet: &Fleet| fleet.worker(0).arguments(&["doctor", "--json"]);
    let well = examine(&fleet).run().await;
    assert!(well.status.success(), "{well:?}");
    let parts = found(&well);
    for part in ["coordinator", "clock", "hooks", "queue", "store"] {
        assert_eq!(parts[part].0, "ok", "{parts:?}");
    }
    // A kernel without one of the walls is a warning.
    assert_ne!(parts["walls"].0, "wrong", "{parts:?}");

    let stranger = examine(&fleet).setting("hooks.secret", "of another deployment").run().await;
    assert_eq!(stranger.status.code(), Some(1), "{stranger:?}");
    let (standing, seen) = &found(&stranger)["hooks"];
    assert_eq!((standing.as_str(), seen.as_str()), ("wrong", "the coordinator refuses: 403 Forbidden"));
    assert!(!stranger.stdout.contains("another deployment"), "{stranger:?}");

    fleet.coordinators[0].kill9().await;
    let alone = examine(&fleet).run().await;
    assert_eq!(alone.status.code(), Some(1), "{alone:?}");
    let parts = found(&alone);
    assert_eq!((parts["coordinator"].0.as_str(), parts["store"].0.as_str()), ("wrong", "ok"), "{parts:?}");
}
