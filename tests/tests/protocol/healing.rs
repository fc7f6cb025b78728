//! Rooms after pub/sub lost news, and after rows of sessions were lost.

use heim_common::{SessionId, session::SessionView};
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    packets::Heard,
    standalone::Standalone,
    until::until,
};
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn messages_that_pub_sub_lost_are_heard_once() {
    let mut fleet = Fleet::start(2, 0).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::enter(fleet.base(1), "welcome", Entrance::unaware(), "ben").await;
    let contents = |heard: &[Heard]| {
        let sent = heard.iter().filter(|heard| heard.kind() == "send-event");
        sent.map(|heard| heard.data()["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    fleet.redis.kill9();
    for content in ["one", "two"] {
        ana.send(content, &[]).await;
    }
    ben.heard.wait_for("what was said without Redis", |heard| (contents(heard).len() == 2).then_some(())).await;
    fleet.redis.restart();
    // What was not published is now: to nobody, if the other coordinator has not
    // subscribed again yet, and then the rows tell of it.
    ana.send("three", &[]).await;
    ben.heard.wait_for("what was said since", |heard| (contents(heard).len() >= 3).then_some(())).await;
    ana.send("four", &[]).await;
    let said = ben.heard.wait_for("the last of it", |heard| Some(contents(heard)).filter(|all| all.len() >= 4)).await;
    assert_eq!(said, ["one", "two", "three", "four"]);
}

async fn listing(client: &Client) -> Vec<Value> {
    let who = client.command("who", Value::Null).await;
    who["listing"].as_array().expect("a list").iter().map(|session| session["session_id"].clone()).collect()
}

fn view(hello: &Value) -> SessionView {
    serde_json::from_value(hello["session"].clone()).expect("a session")
}

#[tokio::test]
async fn a_session_whose_row_was_lost_is_back_soon() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ben").await;
    let database = heim.database().await;
    let lost = view(&ben.event("hello-event").await);
    assert!(database.session_part(&lost.session_id).await.unwrap());
    assert_eq!(listing(&ana).await.len(), 1);
    until("its row is back", async || (listing(&ana).await.len() == 2).then_some(())).await;
    // Nobody here was told that it left, so nobody is told that it joined.
    assert_eq!(ana.heard.of("join-event").len(), 1);
    assert!(ben.heard.of("join-event").is_empty(), "its own");
}

#[tokio::test]
async fn a_row_without_a_session_is_gone_soon() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let database = heim.database().await;
    let own = view(&ana.event("hello-event").await);
    let ghost = SessionView { session_id: SessionId::from_stored("ghost".into()), ..own };
    let (now, lease) = (database.now().await.unwrap(), Duration::from_hours(1));
    let welcome = "welcome".parse().unwrap();
    let epoch = database.room(&welcome).await.unwrap().expect("ana is in it").epoch;
    assert!(database.session_join(&welcome, &ghost, epoch, lease, now).await.unwrap());
    assert_eq!(listing(&ana).await.len(), 2);
    assert_eq!(ana.event("part-event").await["session_id"], "ghost");
    assert_eq!(listing(&ana).await.len(), 1);
}
