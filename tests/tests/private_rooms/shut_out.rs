//! Who was shut out and has not heard of it: the news of that is lost, or late.

use crate::operator::{API, MASTER, Operator, admitted};
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    until::until,
};
use serde_json::json;

const MARKER: &str = "said behind a closed door";

/// Sessions that are shut out at the same moment.
const SESSIONS: usize = 24;

#[tokio::test]
async fn a_public_rooms_session_reads_nothing_of_the_private_room_that_took_its_name() {
    let fleet = Fleet::with(2, 0, &[API, MASTER]).await;
    let operator = Operator::of(fleet.base(0));
    let eve = Client::enter(fleet.base(1), "den", Entrance::aware(), "eve").await;
    // No news goes from one coordinator to the other any more.
    fleet.redis.freeze();
    operator.delete_room("den").await;
    until("the name is free", async || (operator.put_private("den", "sesame").await == 201).then_some(())).await;
    let ana = admitted(fleet.base(0), "den", "sesame", Entrance::aware(), "ana").await;
    let said = ana.send(MARKER, &[]).await;
    let since = eve.heard.all().len();
    for (command, data) in [
        ("log", json!({ "n": 100 })),
        ("get-message", json!({ "id": said["id"] })),
        ("who", json!({})),
        ("send", json!({ "content": "a word from outside" })),
    ] {
        // The connection may be over already; then there is nothing to be heard.
        eve.text(json!({ "id": command, "type": command, "data": data }).to_string()).await;
    }
    eve.heard.ending().await;
    for heard in &eve.heard.all()[since..] {
        let packet = heard.packet.to_string();
        assert!(!packet.contains(MARKER) && !packet.contains("ana"), "{packet}");
        assert!(heard.kind() == "disconnect-event" || !heard.kind().ends_with("-reply"), "{packet}");
    }
    fleet.redis.thaw();
    let log = ana.command("log", json!({ "n": 100 })).await;
    assert_eq!(log["log"].as_array().unwrap().len(), 1, "nobody else said anything: {log}");
}

#[tokio::test]
async fn who_was_shut_out_hears_nothing_more() {
    let fleet = Fleet::with(2, 0, &[API, MASTER]).await;
    let operator = Operator::of(fleet.base(0));
    operator.make_private("den", "sesame").await;
    let mut old = Vec::new();
    for number in 0..SESSIONS {
        let nick = format!("number {number}");
        old.push(admitted(fleet.base(1), "den", "sesame", Entrance::aware(), &nick).await);
    }
    fleet.redis.freeze();
    operator.change_passcode("den", "another").await;
    let ana = admitted(fleet.base(0), "den", "another", Entrance::aware(), "ana").await;
    ana.send(MARKER, &[]).await;
    for client in &old {
        // The other coordinator finds it out by itself.
        client.heard.ending().await;
        for heard in client.heard.all() {
            let packet = heard.packet.to_string();
            assert!(!packet.contains(MARKER) && !packet.contains("ana"), "{packet}");
        }
    }
    fleet.redis.thaw();
}
