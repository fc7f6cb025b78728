//! PostgreSQL says nothing: it is not away, and nobody is refused.

use super::away::{assert_only_503, readiness};
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Load, assert_kept, bmp},
    packets::Ending,
    postgres::Postgres,
    proxy::{Fault, Proxy},
    standalone::HOOKS,
    truth,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a statement is waited for, in milliseconds; and an answer: a transaction
/// takes three of these at the most.
const TIMEOUT_MS: &str = "3000";
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How long it says nothing.
const SILENT: Duration = Duration::from_secs(4);
const HEALED_WITHIN: Duration = Duration::from_secs(5);

struct Stage {
    fleet: Fleet,
    proxy: Proxy,
    // Dropped last: the fleet looks into it at its end.
    _server: Postgres,
}

async fn stage() -> Stage {
    let server = Postgres::start();
    let direct = server.fresh_url();
    let port = direct.rsplit(':').next().and_then(|rest| rest.split('/').next()?.parse().ok()).expect("a port");
    let proxy = Proxy::before(port);
    let by = direct.replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let fleet = Fleet::over(direct, Some(by), 2, 1, &[("database.timeout_ms", TIMEOUT_MS)]).await;
    Stage { fleet, proxy, _server: server }
}

/// Asks this until it has said nothing for long enough; each time it is answered in
/// time, and told when to come again.
async fn is_answered(silent: Instant, what: &str, mut ask: impl AsyncFnMut() -> Answer) -> Duration {
    let mut slowest = Duration::ZERO;
    while silent.elapsed() < SILENT {
        let asked = Instant::now();
        let answer = ask().await;
        slowest = slowest.max(asked.elapsed());
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{what}: {answer:?}");
    }
    assert!((Duration::from_millis(1)..ANSWERED_WITHIN).contains(&slowest), "{what}: {slowest:?}");
    slowest
}

/// Coordinators that do their work again, for whoever comes now.
async fn are_healed(fleet: &Fleet, since: Instant) -> Duration {
    for place in 0..2 {
        let base = fleet.base(place);
        let client =
            until("somebody comes in", async || Client::try_connect(base, "after", Entrance::aware()).await.ok());
        let client = client.await;
        let handle = until("a handle is given out", async || {
            let mut reply = client.try_ask("media-upload", json!({})).await.ok()?;
            serde_json::from_value(reply["data"].take()).ok()
        })
        .await;
        // One whose answer was a 503 may be in.
        let upload = async || [201, 409].contains(&Web::default().upload(&handle, bmp(3)).await.status).then_some(());
        until("an upload is accepted", upload).await;
        readiness(base, 200).await;
    }
    let healed = since.elapsed();
    assert!(healed < HEALED_WITHIN, "{healed:?}");
    healed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f42_a_postgres_that_says_nothing_is_answered_for_in_time_and_loses_nothing() {
    let stage = stage().await;
    let (fleet, base) = (&stage.fleet, stage.fleet.base(0));
    let ana = Client::enter(base, "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    let load = Load::start(12, &[base, fleet.base(1)]);
    until("uploads are accepted", async || (load.accepted() >= 30).then_some(())).await;

    let (web, silent) = (Web::default(), Instant::now());
    stage.proxy.set(Fault::BlackHole);
    let claim = || {
        let call = web.request(Method::POST, &format!("{base}/store/jobs/{}/claim", handle.id));
        call.basic_auth(HOOKS.0, Some(HOOKS.1)).json(&json!({ "worker": "w", "engine": 1 }))
    };
    let link = format!("{base}/room/welcome/media/{}/original", handle.id);
    let answered = tokio::join!(
        is_answered(silent, "an upload", async || web.upload(&handle, bmp(1)).await),
        is_answered(silent, "a claim", async || answer(claim()).await),
        is_answered(silent, "a link", async || web.get(&link).await),
    );
    readiness(base, 503).await;
    stage.proxy.heal();
    let healed = are_healed(fleet, Instant::now()).await;
    println!("f42: uploads, claims and links are answered after {answered:?} at the most; healed after {healed:?}");
    assert_eq!(web.upload(&handle, bmp(1)).await.status, 201);

    let told = load.end().await;
    assert_only_503(&told);
    assert!(told.endings.iter().all(|ending| *ending == Ending::Closed(Some(1013))), "{told:?}");
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &fleet.store(), &told.accepted).await;
    // A failover behind a network that tells nobody: connections are not closed.
    stage.proxy.set(Fault::Forget);
    let healed = are_healed(fleet, Instant::now()).await;
    println!("f42: where connections are dead for ever: healed after {healed:?}");

    for process in fleet.coordinators.iter().chain(&fleet.workers) {
        assert!(!process.log().contains("panicked"), "{}", process.log());
    }
}
