//! Pings, from either side.

use heim_tests::{
    client::{Client, Entrance},
    packets::{Ending, Heard},
    standalone::Standalone,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

fn pings(heard: &[Heard]) -> Vec<Value> {
    heard.iter().filter(|heard| heard.kind() == "ping-event").map(|heard| heard.data()["time"].clone()).collect()
}

#[tokio::test]
async fn a_ping_is_echoed_and_its_reply_is_not_answered() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    assert_eq!(ana.command("ping", json!({ "time": 123 })).await, json!({ "time": 123 }));
    assert_eq!(ana.command("ping", json!({})).await, json!({ "time": null }));
    let known = ana.heard.all().len();
    for reply in
        [r#"{"id":"9","type":"ping-reply","data":{"time":1}}"#, r#"{"type":"ping-reply","data":{"time":null}}"#]
    {
        assert!(ana.text(reply).await);
    }
    ana.command("who", json!({})).await;
    let since: Vec<_> = ana.heard.all()[known..].iter().map(|heard| heard.kind().to_owned()).collect();
    assert_eq!(since, ["who-reply"], "commands are carried out in order, so an answer would be there by now");
}

#[tokio::test]
async fn who_answers_pings_stays_and_who_is_silent_is_dropped() {
    let heim = Standalone::with(&[("coordinator.ping_ms", "200")]).await;
    // The harness is to leave the answers to this test.
    let by_hand = || Entrance { silent: true, ..Entrance::default() };
    let right = Client::join(heim.base(), "welcome", by_hand()).await;
    let sloppy = Client::join(heim.base(), "welcome", by_hand()).await;
    let silent = Client::join(heim.base(), "welcome", by_hand()).await;
    for answered in 1..=10 {
        for (client, echo) in [(&right, true), (&sloppy, false)] {
            let all = client.heard.wait_for("the next ping", |heard| {
                let all = pings(heard);
                (all.len() >= answered).then_some(all)
            });
            let time = &all.await[answered - 1];
            // basebot answers with null, and lives.
            let time = if echo { time } else { &Value::Null };
            assert!(client.text(json!({ "type": "ping-reply", "data": { "time": time } }).to_string()).await);
        }
    }
    assert_eq!(silent.heard.ending().await, Ending::Cut, "abruptly, as heim does");
    assert_eq!(pings(&silent.heard.all()).len(), 4, "at the start and three times more, then at the fifth it is over");
    for client in [&right, &sloppy] {
        client.command("who", json!({})).await;
    }
}

#[tokio::test]
async fn a_ping_of_the_web_socket_itself_is_answered() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    assert!(ana.frame(Message::Ping("are you there".into())).await);
    assert_eq!(ana.heard.pong().await, "are you there");
}
