//! PostgreSQL is restarted, killed, or takes no writes.

use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Load, Told, assert_kept, bmp},
    postgres::Postgres,
    sharing::share_accepted,
    sql::sql,
    standalone::HOOKS,
    truth,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What everybody is told who asks for what the database has.
const SORRY: &str = "not available right now, try again";

/// Waits until a coordinator says that it can do its work, or that it cannot.
async fn readiness(base: &str, status: u16) -> Answer {
    until(&format!("/readyz says {status}"), async || {
        let answer = Web::default().get(&format!("{base}/readyz")).await;
        (answer.status == status).then_some(answer)
    })
    .await
}

fn assert_only_503(told: &Told) {
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

/// Every request that needs the database, by method and path.
fn requests(media: &str, job: &str) -> Vec<(Method, String, Value)> {
    let hook = json!({
        "media_id": media, "name": "thumb-160", "content_type": "image/webp", "size": 1,
    });
    let uploaded = json!({ "content_type": "image/png", "size": 1, "sha256": "" });
    let post = |path: String, body: Value| (Method::POST, path, body);
    vec![
        (Method::GET, format!("/room/welcome/media/{media}/original"), Value::Null),
        post("/room/welcome/media".to_owned(), hook),
        post(format!("/room/welcome/media/{media}/uploaded"), uploaded),
        post(format!("/store/jobs/{job}/claim"), json!({ "worker": "w", "engine": 1 })),
        post(format!("/store/jobs/{job}/heartbeat"), json!({ "fence": 1 })),
        post(format!("/store/jobs/{job}/finish"), json!({ "fence": 1, "verdict": "done" })),
        (Method::GET, "/api/v1/rooms/welcome".to_owned(), Value::Null),
        (Method::PUT, "/api/v1/rooms/other".to_owned(), json!({ "private": false })),
        (Method::DELETE, "/api/v1/rooms/other".to_owned(), Value::Null),
        post("/api/v1/rooms/other/keys".to_owned(), json!({})),
        (Method::PUT, "/api/v1/rooms/welcome/managers/agent:AAAAAAAAAAA=".to_owned(), Value::Null),
        (Method::DELETE, "/api/v1/rooms/welcome/managers/agent:AAAAAAAAAAA=".to_owned(), Value::Null),
        (Method::DELETE, format!("/api/v1/rooms/welcome/messages/{media}"), Value::Null),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f42_every_route_and_command_says_so_while_the_database_is_away() {
    const TOKEN: &str = "a token of the administrator";
    let server = Postgres::start();
    let settings = [("database.timeout_ms", "300"), ("admin.token", TOKEN), ("keys.master", &"ab".repeat(32))];
    let fleet = Fleet::over(server.fresh_url(), None, 1, 0, &settings).await;
    let base = fleet.base(0);
    let ana = Client::enter(base, "welcome", Entrance::aware(), "ana").await;
    let (said, handle) = (ana.send("hello", &[]).await, ana.upload_handle().await);
    server.stop();

    let commands = [
        ("nick", json!({ "name": "anna" })),
        ("send", json!({ "content": "lost" })),
        ("who", Value::Null),
        ("log", json!({ "n": 1 })),
        ("get-message", json!({ "id": said["id"] })),
        ("edit-message", json!({ "id": said["id"], "delete": true })),
        ("media-upload", json!({})),
        ("get-media", json!({ "id": handle.id })),
    ];
    for (command, data) in &commands {
        assert_eq!(ana.refused(command, data.clone()).await, SORRY, "{command}");
    }
    assert_eq!(ana.command("ping", json!({ "time": 7 })).await["time"], 7);
    let refused = Client::connect(base, "welcome", Entrance::aware()).await.expect_err("nobody can be let in");
    assert_eq!((refused.status, refused.code.as_str()), (503, "unavailable"));

    let web = Web::default();
    let sorry = |answer: Answer, what: &str| {
        assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{what}");
        assert_eq!(answer.header("retry-after"), "1", "{what}");
    };
    sorry(web.upload(&handle, bmp(1)).await, "an upload");
    for (method, path, body) in requests(&handle.id.to_string(), &handle.id.to_string()) {
        let mut request = web.request(method.clone(), &format!("{base}{path}"));
        request = if path.starts_with("/api") {
            request.bearer_auth(TOKEN)
        } else {
            request.basic_auth(HOOKS.0, Some(HOOKS.1))
        };
        if !body.is_null() {
            request = request.json(&body);
        }
        sorry(answer(request).await, &format!("{method} {path}"));
    }
    for alive in ["/healthz", "/metrics", "/", "/room/welcome/"] {
        assert!(web.get(&format!("{base}{alive}")).await.status < 400, "{alive}");
    }
    let report = readiness(base, 503).await.json();
    assert_eq!((&report["ready"], &report["queue"], &report["store"]), (&json!(false), &json!("ok"), &json!("ok")));

    server.restart();
    for (command, data) in &commands {
        assert!(ana.ask(command, data.clone()).await["error"].as_str().is_none_or(|error| error != SORRY), "{command}");
    }
    assert_eq!(web.upload(&handle, bmp(1)).await.status, 201);
    assert_eq!(ana.heard.ended(), None, "the session has outlived it");
    let log = fleet.coordinators[0].log();
    assert!(!log.contains("panicked") && !log.contains("code=\"internal\""), "{log}");
    // There is no worker, and the end of the fleet looks for jobs that were left.
    sql(fleet.database_url(), "UPDATE job SET state = 'done'").await;
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
