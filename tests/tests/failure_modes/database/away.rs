//! PostgreSQL is restarted, killed, or takes no writes.

use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Load, Told, assert_kept, bmp},
    postgres::Postgres,
    sharing::share_accepted,
    sql::sql,
    truth,
    until::until,
    web::{Answer, Web},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// What everybody is told who asks for what the database has.
pub(super) const SORRY: &str = "not available right now, try again";

/// Waits until a coordinator says that it can do its work, or that it cannot.
pub(super) async fn readiness(base: &str, status: u16) -> Answer {
    until(&format!("/readyz says {status}"), async || {
        let answer = Web::default().get(&format!("{base}/readyz")).await;
        (answer.status == status).then_some(answer)
    })
    .await
}

pub(super) fn assert_only_503(told: &Told) {
    let Told { refused, errors, without_retry_after, unanswered, .. } = told;
    let mut codes = refused.keys().filter(|(status, code)| (*status, code.as_str()) != (503, "unavailable"));
    assert!(codes.next().is_none(), "{refused:?}");
    assert!(errors.keys().all(|error| error == SORRY), "{errors:?}");
    assert_eq!((*without_retry_after, *unanswered), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f42_a_postgres_that_is_restarted_or_killed_loses_nothing_that_was_accepted() {
    let server = Postgres::start();
    let fleet = Fleet::over(server.fresh_url(), None, 2, 1, &[("database.timeout_ms", "2000")]).await;
    let load = Load::start(6, &[fleet.base(0), fleet.base(1)]);
    let mut healed = Vec::new();
    for fall in [Postgres::stop, Postgres::kill9, Postgres::kill9] {
        let before = load.accepted();
        until("uploads are accepted", async || (load.accepted() >= before + 10).then_some(())).await;
        let refused = load.refused(503, "unavailable");
        fall(&server);
        for place in 0..2 {
            assert_ne!(readiness(fleet.base(place), 503).await.json()["database"], "ok");
        }
        until("uploads are refused", async || (load.refused(503, "unavailable") > refused).then_some(())).await;
        server.restart();
        let (up, before) = (Instant::now(), load.accepted());
        until("uploads are accepted again", async || (load.accepted() > before).then_some(())).await;
        for place in 0..2 {
            let client = Client::join(fleet.base(place), "after", Entrance::aware()).await;
            client.upload_handle().await;
        }
        healed.push(up.elapsed());
        assert_eq!(readiness(fleet.base(0), 200).await.json()["database"], "ok");
    }
    let told = load.end().await;
    assert_only_503(&told);
    assert!(told.endings.iter().all(|ending| *ending == heim_tests::packets::Ending::Closed(Some(1013))), "{told:?}");
    assert!(healed.iter().all(|time| *time < Duration::from_secs(5)), "{healed:?}");
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &fleet.store(), &told.accepted).await;
    for process in fleet.coordinators.iter().chain(&fleet.workers) {
        assert!(!process.log().contains("panicked"), "{}", process.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f43_a_database_that_takes_no_writes_still_serves_what_is_there() {
    let server = Postgres::start();
    let fleet = Fleet::over(server.fresh_url(), None, 1, 1, &[]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let picture = bmp(1);
    let id = share_accepted(&ana, picture.clone()).await;
    truth::settled(&fleet.database().await).await;
    let handle = ana.upload_handle().await;

    // Behind its own back: whoever changes it may write all the same.
    let operator = format!("{}?options=-c%20default_transaction_read_only%3Doff", fleet.database_url());
    let read_only = async |is: &str| {
        sql(&operator, &format!("ALTER SYSTEM SET default_transaction_read_only TO {is}")).await;
        sql(&operator, "SELECT pg_reload_conf()").await;
    };
    read_only("on").await;
    readiness(fleet.base(0), 503).await;
    assert_eq!(Web::default().upload(&handle, bmp(2)).await.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(ana.refused("send", json!({ "content": "lost" })).await, SORRY);
    let media = ana.media(id).await;
    let original = &media.transcodings[&"original".parse().unwrap()];
    assert_eq!(Web::default().get(&original.url).await.body, picture, "what is there is served");
    assert_eq!(ana.command("log", json!({ "n": 10 })).await["log"].as_array().map(Vec::len), Some(1));

    read_only("off").await;
    readiness(fleet.base(0), 200).await;
    assert_eq!(Web::default().upload(&handle, bmp(2)).await.status, 201);
    ana.send("found", &[]).await;
}
