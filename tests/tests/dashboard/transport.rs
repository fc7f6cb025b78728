//! What is told of Redis: by the overview, the shell and the API alike; that it is away, and
//! that nothing else is then.

use crate::start;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::{Dashboard, address, between},
    keyed::{Keyed, TOKEN},
    sharing::share_accepted,
    until::until,
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// A value of the panel, without its markup.
fn told(page: &str, name: &str) -> String {
    let value = between(page, &format!("id=\"n-queue-{name}\">"), "</").unwrap_or_else(|| panic!("no {name}: {page}"));
    value.to_owned()
}

/// The panel once it says this of the transport.
async fn panel(dashboard: &Dashboard, state: &str) -> String {
    until("the overview says so of the queue", async || {
        let page = dashboard.page("/ops/").await;
        told(&page, "state").contains(state).then_some(page)
    })
    .await
}

#[tokio::test]
async fn redis_is_told_of_and_so_is_that_it_is_away() {
    let mut keyed = Keyed::with(1, 0, &[("ops.listen", "127.0.0.1:0")]).await;
    let dashboard = Dashboard::login(&address(&keyed.fleet.coordinators[0]).await, TOKEN).await;
    assert_eq!(keyed.fleet.redis.command("CONFIG SET maxmemory 104857600"), "+OK");
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let page = until("the job's id waits in Redis", async || {
        let page = panel(&dashboard, "answers").await;
        (told(&page, "interactive") == "1 of 256").then_some(page)
    })
    .await;
    assert!(told(&page, "state").starts_with("Redis "), "{page}");
    for (name, expected) in [("policy", "noeviction"), ("keeps", "nothing"), ("listeners", "1"), ("bulk", "0 of 256")] {
        assert_eq!(told(&page, name), expected, "{name}");
    }
    assert!(told(&page, "limit").starts_with("100.0 MiB, ") && told(&page, "limit").ends_with(" % full"), "{page}");
    for name in ["memory", "peak", "resident"] {
        assert!(told(&page, name).ends_with(" MiB") || told(&page, name).ends_with(" KiB"), "{name}: {page}");
    }
    assert!(told(&page, "uptime").ends_with(" ms") || told(&page, "uptime").ends_with(" s"), "{page}");
    assert!(told(&page, "clients").contains(" of "), "{page}");

    let said = keyed.admin(&["queue", "--json"], "").await;
    let said: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!((said["waiting"]["interactive"].as_u64(), said["window"].as_u64()), (Some(1), Some(256)));
    assert_eq!(
        (said["redis"]["memory_max_bytes"].as_u64(), &said["redis"]["policy"]),
        (Some(104_857_600), &"noeviction".into())
    );
    let api = keyed.operator(0).look("queue").await;
    let names = |value: &Value| value.as_object().expect("names").keys().cloned().collect::<Vec<_>>();
    assert_eq!((names(&api), names(&api["redis"])), (names(&said), names(&said["redis"])));
    assert_eq!((&api["waiting"], &api["redis"]["saving"]), (&said["waiting"], &said["redis"]["saving"]));
    let words = keyed.admin(&["queue"], "").await.out;
    for line in ["when full", "noeviction", "ids in interactive", "1 of 256", "100.0 MiB, "] {
        assert!(words.contains(line), "{line}: {words}");
    }

    // It would drop what waits.
    assert_eq!(keyed.fleet.redis.command("CONFIG SET maxmemory-policy allkeys-lru"), "+OK");
    until("the overview warns", async || {
        let page = dashboard.page("/ops/").await;
        page.contains("<dd class=\"bad\" id=\"n-queue-policy\">allkeys-lru").then_some(())
    })
    .await;
    assert_eq!(keyed.fleet.redis.command("CONFIG SET maxmemory-policy noeviction"), "+OK");

    keyed.fleet.redis.kill9();
    let page = panel(&dashboard, "Redis is away").await;
    assert!(page.contains("wait in the database") && !page.contains("n-queue-memory"), "{page}");
    assert!(page.contains("id=\"n-interactive-pending\">1<"), "the rest is shown: {page}");
    let began = Instant::now();
    for path in ["/ops/", "/ops/jobs", "/ops/history"] {
        dashboard.page(path).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(dashboard.post("/ops/lanes", &[("lane", "bulk"), ("wish", "paused")]).await.status, 303);
    let refused = keyed.admin(&["queue", "--json"], "").await;
    assert!(!refused.success && refused.out.is_empty() && refused.error.contains("Redis"), "{refused:?}");
    let refused = keyed.operator(0).call(reqwest::Method::GET, "queue").await;
    assert_eq!((refused.status, refused.code()), (503, "unavailable".to_owned()), "{refused:?}");
    keyed.fleet.redis.restart();
    panel(&dashboard, "answers").await;
    // One that is there and says nothing holds the page up for as long as anybody waits for it.
    keyed.fleet.redis.freeze();
    let began = Instant::now();
    let page = panel(&dashboard, "Redis is away").await;
    assert!(page.contains("did not answer in time"), "{page}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    keyed.fleet.redis.thaw();
    panel(&dashboard, "answers").await;
    keyed.fleet.add_worker().await;
}

#[tokio::test]
async fn in_one_process_there_is_no_redis_and_what_waits_is_told() {
    let (_heim, dashboard) = start().await;
    let page = panel(&dashboard, "in this process").await;
    assert!(told(&page, "interactive").starts_with("0 of ") && !page.contains("n-queue-memory"), "{page}");
}
