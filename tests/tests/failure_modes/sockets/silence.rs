//! Connections that are open on our side only.

use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    packets::Heard,
    proxy::{Fault, Proxy},
};

fn pings(heard: &[Heard]) -> usize {
    heard.iter().filter(|heard| heard.kind() == "ping-event").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f74_a_connection_that_nothing_comes_by_is_over_at_the_third_ping() {
    let fleet = Fleet::with(1, 0, &[("coordinator.ping_ms", "1000")]).await;
    let port = fleet.base(0).rsplit_once(':').unwrap().1.parse().unwrap();
    let proxy = Proxy::before(port);
    let ana = Client::join(fleet.base(0), "welcome", Entrance::aware()).await;
    let through = format!("http://127.0.0.1:{}", proxy.port());
    let ben = Client::join(&through, "welcome", Entrance::aware()).await;
    let id = ben.event("hello-event").await["session"]["session_id"].clone();
    // While it is there, it is kept, for longer than it will have to be missed.
    ana.heard.wait_for("some pings", |heard| (pings(heard) >= 7).then_some(())).await;
    assert!(ana.heard.of("part-event").is_empty() && ben.heard.ended().is_none());

    let before = pings(&ana.heard.all());
    proxy.set(Fault::BlackHole);
    assert_eq!(ana.event("part-event").await["session_id"], id);
    // By default there is one every 20 s: a minute. heim itself takes longer.
    let since = pings(&ana.heard.all()) - before;
    assert!((2..=4).contains(&since), "{since} pings");
}
