//! Before a private room: who stands there may say the passcode, and little else.

use crate::vault::{PASSCODE, VAULT, enter, vault, vault_with};
use heim_tests::{
    admitted::{admitted, knock, say},
    client::{Client, Entrance},
    packets::{Ending, Heard},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const INCORRECT: &str = "passcode incorrect";
/// From the second try on, heim makes one wait for two seconds, half a second
/// more or less.
const SLOWED_DOWN: Duration = Duration::from_millis(1_500);

fn kinds(client: &Client) -> Vec<String> {
    client.heard.all().iter().map(|heard| heard.kind().to_owned()).collect()
}

#[tokio::test]
async fn the_handshake_of_a_private_room_is_heims() {
    let keyed = vault(1, 0).await;
    let ana = knock(keyed.base(0), VAULT, Entrance::aware()).await;
    let hello = ana.event("hello-event").await;
    assert_eq!((&hello["room_is_private"], &hello["session"]["name"]), (&json!(true), &json!("")));
    assert_eq!(say(&ana, PASSCODE).await, json!({ "success": true }));
    let snapshot = ana.event("snapshot-event").await;
    assert_eq!((&snapshot["listing"], &snapshot["log"]), (&json!([]), &json!([])));
    assert_eq!(kinds(&ana), ["hello-event", "ping-event", "bounce-event", "auth-reply", "snapshot-event"]);
    assert_eq!(ana.refused("auth", json!({ "type": "passcode", "passcode": PASSCODE })).await, "already joined");
}

#[tokio::test]
async fn before_the_passcode_nothing_is_told_and_nothing_is_done() {
    let keyed = vault(2, 0).await;
    let ana = enter(&keyed, 1, "ana").await;
    let said = ana.send("nobody else's business", &[]).await;
    let eve = knock(keyed.base(0), VAULT, Entrance::aware()).await;
    let id = &said["id"];
    for (command, data) in [
        ("nick", json!({ "name": "eve" })),
        ("send", json!({ "content": "let me in" })),
        ("log", json!({ "n": 10 })),
        ("who", Value::Null),
        ("get-message", json!({ "id": id })),
        ("edit-message", json!({ "id": id, "delete": true, "announce": true })),
        ("media-upload", json!({})),
        ("get-media", json!({ "id": id })),
        ("pm-initiate", json!({ "user_id": "agent:AAAAAAAAAAA=" })),
        ("grant-manager", json!({})),
    ] {
        assert_eq!(eve.refused(command, data).await, "access denied, please authenticate", "{command}");
    }
    assert_eq!(eve.command("ping", json!({ "time": 5 })).await, json!({ "time": 5 }));
    assert_eq!(eve.command("login", json!({})).await["success"], false);
    assert_eq!(eve.refused("foo", json!({})).await, "payload: invalid command type: foo");
    let other = eve.command("auth", json!({ "type": "oauth" })).await;
    assert_eq!(other, json!({ "success": false, "reason": "auth type not supported: oauth" }));
    assert!(eve.refused("auth", json!({ "type": 5 })).await.starts_with("payload: json: cannot unmarshal"));
    assert_eq!(eve.refused("auth", Value::Null).await.split(':').next(), Some("payload"));
    // Nobody inside knows that somebody stands before the door.
    assert_eq!(ana.command("who", Value::Null).await["listing"].as_array().map(Vec::len), Some(1));
    ana.send("still by myself", &[]).await;
    let ben = enter(&keyed, 0, "ben").await;
    let joined = ana.heard.wait_for("ben", |heard| heard.iter().find(|heard| heard.kind() == "join-event").cloned());
    assert_eq!(joined.await.data()["session_id"], ben.event("hello-event").await["session"]["session_id"]);
    let told = ["hello-event", "ping-event", "bounce-event"];
    assert!(kinds(&eve).iter().all(|kind| told.contains(&kind.as_str()) || kind.ends_with("-reply")), "{eve:?}");
    assert!(eve.heard.all().iter().all(|heard| !heard.packet.to_string().contains("business")));
}

#[tokio::test]
async fn five_wrong_passcodes_take_time_and_are_the_last_words_that_are_heard() {
    let keyed = vault(1, 0).await;
    let eve = knock(keyed.base(0), VAULT, Entrance::aware()).await;
    for (at, wrong) in ["", "Sesame", "sesame", " sesame, if you please", "please"].into_iter().enumerate() {
        let began = Instant::now();
        assert_eq!(say(&eve, wrong).await, json!({ "success": false, "reason": INCORRECT }));
        let took = began.elapsed();
        assert!(at == 0 || took >= SLOWED_DOWN, "try {at} took {took:?}");
    }
    let ask = json!({ "id": "late", "type": "auth", "data": { "type": "passcode", "passcode": PASSCODE } });
    assert!(eve.text(ask.to_string()).await);
    let ask = json!({ "id": "late", "type": "who" });
    assert!(eve.text(ask.to_string()).await);
    // Replies come in order: before this one there would have been the others.
    assert_eq!(eve.command("ping", json!({ "time": 7 })).await, json!({ "time": 7 }));
    assert!(eve.heard.all().iter().all(|heard| heard.packet["id"] != "late"), "{eve:?}");
    // It is the session that is not listened to: another one of this agent is.
    let again = Entrance { cookie: Some(eve.cookie()), ..Entrance::aware() };
    admitted(keyed.base(0), VAULT, PASSCODE, again, "eve").await;
}

#[tokio::test]
async fn whoever_waits_before_the_door_is_pinged_and_the_silent_are_dropped() {
    let keyed = vault_with(1, 0, &[("coordinator.ping_ms", "200")]).await;
    let silent = knock(keyed.base(0), VAULT, Entrance { silent: true, ..Entrance::aware() }).await;
    let ana = knock(keyed.base(0), VAULT, Entrance::aware()).await;
    assert_eq!(silent.heard.ending().await, Ending::Cut);
    let pings = |heard: &[Heard]| heard.iter().filter(|heard| heard.kind() == "ping-event").count();
    assert_eq!(pings(&silent.heard.all()), 4, "and no word of goodbye: {silent:?}");
    ana.heard.wait_for("more pings", |heard| (pings(heard) > 8).then_some(())).await;
    assert_eq!(say(&ana, PASSCODE).await, json!({ "success": true }));
    ana.event("snapshot-event").await;
}

#[tokio::test]
async fn a_passcode_that_changes_meanwhile_is_the_one_that_counts() {
    let keyed = vault(2, 0).await;
    let ana = knock(keyed.base(1), VAULT, Entrance::aware()).await;
    keyed.operator(0).change_passcode(VAULT, "open up").await;
    assert_eq!(say(&ana, PASSCODE).await, json!({ "success": false, "reason": INCORRECT }));
    assert_eq!(say(&ana, "open up").await, json!({ "success": true }));
    ana.event("snapshot-event").await;
    ana.command("nick", json!({ "name": "ana" })).await;
    // The nick is the agent's, in this room, also when it comes back.
    let back = knock(keyed.base(0), VAULT, Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() }).await;
    assert_eq!(say(&back, "open up").await, json!({ "success": true }));
    assert_eq!(back.event("snapshot-event").await["nick"], "ana");
    keyed.operator(0).delete_room(VAULT).await;
    let late = Client::connect(keyed.base(1), VAULT, Entrance::aware()).await;
    // Until its name is free there is no such room; from then on it is a new one.
    if let Err(refused) = late {
        assert_eq!((refused.status, refused.code.as_str()), (404, "room-not-found"));
    }
}
