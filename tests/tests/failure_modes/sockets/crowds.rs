//! Many who come back at once.

use futures_util::future::join_all;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    packets::Ending,
    sql::{Locked, number},
    until::until,
};
use serde_json::json;
use std::time::{Duration, Instant};

const HERD: usize = 200;
/// How many come in at a time.
const ENTERING: i64 = 5;
/// As many may be on their way out, who did not get in; and the coordinator renews
/// what it has.
const WAITING_MAX: i64 = 2 * ENTERING + 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f73_a_herd_comes_in_a_few_at_a_time_and_is_in_nobodys_way() {
    let fleet = Fleet::with(1, 0, &[("limits.entering_max", &ENTERING.to_string())]).await;
    let base = fleet.base(0);
    let ana = Client::enter(base, "welcome", Entrance::aware(), "ana").await;
    // Whoever comes in has to write a session, and waits for this.
    let holder = Locked::in_postgres(fleet.database_url(), "LOCK TABLE session IN EXCLUSIVE MODE").await;
    let herd = join_all((0..HERD).map(|place| async move {
        loop {
            match Client::try_connect(base, &format!("room{}", place % 10), Entrance::aware()).await {
                Ok(client) => {
                    if client
                        .heard
                        .wait_for_or_end("a snapshot", |heard| {
                            heard.iter().any(|heard| heard.kind() == "snapshot-event").then_some(())
                        })
                        .await
                        .is_ok()
                    {
                        return client;
                    }
                    assert_eq!(client.heard.ended(), Some(Ending::Closed(Some(1013))), "they are told to come again");
                }
                Err(refused) => assert_eq!(refused.map(|refused| refused.status), Some(503)),
            }
        }
    }));
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let crowded = async {
        let seen = until("as many as may ask the database do", async || {
            let seen = number(fleet.database_url(), waiting).await;
            (seen >= ENTERING).then_some(seen)
        })
        .await;
        assert!(seen <= WAITING_MAX, "{seen}");
        for _ in 0..20 {
            let asked = Instant::now();
            ana.command("log", json!({ "n": 1 })).await;
            assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
            let seen = number(fleet.database_url(), waiting).await;
            assert!(seen <= WAITING_MAX, "{seen}");
        }
        holder.release().await;
        Instant::now()
    };
    let (herd, released) = tokio::join!(herd, crowded);
    assert!(released.elapsed() < Duration::from_secs(40), "{:?}", released.elapsed());
    assert_eq!(herd.len(), HERD);
    ana.command("who", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f73_a_herd_that_is_sent_away_is_told_over_how_long_to_spread() {
    let fleet = Fleet::start(1, 0).await;
    let join = |place: usize| Client::join(fleet.base(0), ["one", "two"][place % 2], Entrance::aware());
    let herd = join_all((0..50).map(join)).await;
    fleet.coordinators[0].terminate();
    for client in &herd {
        assert_eq!(client.heard.ending().await, Ending::Closed(Some(1012)));
        assert_eq!(client.heard.farewell(), "restarting; retry-ms=150");
    }
}
