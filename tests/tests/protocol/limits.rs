//! What one session may ask for, and what it may leave unread.

use heim_tests::{
    client::{Client, Entrance},
    packets::{Ending, Heard},
    standalone::Standalone,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

fn replies(heard: &[Heard], kind: &str) -> Vec<Value> {
    heard.iter().filter(|heard| heard.kind() == kind).map(|heard| heard.packet.clone()).collect()
}

#[tokio::test]
async fn a_flood_is_slowed_down_and_then_dropped() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ben").await;
    for _ in 0..20 {
        ana.text(json!({ "type": "send", "data": { "content": "x" } }).to_string()).await;
    }
    assert_eq!(ana.heard.ending().await, Ending::Cut, "abruptly, as heim does");
    let sent = replies(&ana.heard.all(), "send-reply");
    let throttled = sent.iter().filter(|reply| reply["throttled"] == true).count();
    assert_eq!(throttled, 11, "ten in a row are borne, and the next is still answered");
    // The nick was not free, so the fifth may come a little too soon.
    assert!((4..=5).contains(&(sent.len() - throttled)), "{}", sent.len());
    let (first, last) = (sent.first().unwrap(), sent.last().unwrap());
    assert!(first.get("throttled").is_none() && first.get("throttled_reason").is_none());
    assert_eq!((&last["throttled_reason"], &last["data"]["content"]), (&json!("woah, slow down there"), &json!("x")));
    ben.event("part-event").await;
    assert_eq!(ben.heard.of("send-event").len(), sent.len());
}

#[tokio::test]
async fn media_commands_are_slowed_down_and_never_drop_a_session() {
    // Fifty cost a wait of nine seconds, in which the answers to many pings wait
    // behind the commands.
    let heim = Standalone::with(&[("coordinator.ping_ms", "200")]).await;
    let ana = Client::join(heim.base(), "welcome", Entrance::aware()).await;
    for number in 0..50 {
        let packet = json!({ "id": format!("m{number}"), "type": "get-media", "data": { "id": "0zzzzzzzzzzzz" } });
        assert!(ana.text(packet.to_string()).await);
    }
    let all = |heard: &[Heard]| {
        let all = replies(heard, "get-media-reply");
        (all.len() == 50).then_some(all)
    };
    let all = ana.heard.wait_for("all replies", all).await;
    assert!(all.iter().all(|reply| reply.get("throttled").is_none()));
    ana.command("who", Value::Null).await;
}

#[tokio::test]
async fn who_asks_for_much_gets_it_all_and_is_not_too_slow() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let sent = ana.send(&"z".repeat(1 << 20), &[]).await["id"].clone();
    let asked = 30;
    for _ in 0..asked {
        let packet = json!({ "type": "get-message", "data": { "id": sent } });
        assert!(ana.text(packet.to_string()).await);
    }
    let all = |heard: &[Heard]| (replies(heard, "get-message-reply").len() == asked).then_some(());
    ana.heard.wait_for("all replies", all).await;
    ana.command("who", Value::Null).await;
}

#[tokio::test]
async fn a_close_frame_is_answered() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    assert!(ana.frame(Message::Close(None)).await);
    assert_eq!(ana.heard.ending().await, Ending::Closed(None));
    ben.event("part-event").await;
}

#[tokio::test]
async fn what_only_servers_send_and_what_is_left_out_is_refused_in_heims_words() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    for (kind, name) in [("send-event", "SendEvent"), ("hello-event", "HelloEvent"), ("send-reply", "SendReply")] {
        let refused = ana.refused(kind, json!({ "content": "x" })).await;
        assert_eq!(refused, format!("command type *proto.{name} not implemented"));
    }
    for command in ["login", "register-account"] {
        let answer = ana.command(command, json!({ "namespace": "email", "id": "a@b", "password": "x" })).await;
        assert_eq!(answer["success"], false);
        assert!(answer["reason"].is_string(), "{answer}");
    }
    for command in ["logout", "change-name", "resend-verification-email"] {
        assert_eq!(ana.refused(command, json!({})).await, "not logged in");
    }
    for command in ["ban", "grant-access", "pm-initiate", "staff-create-room", "edit-message"] {
        assert_eq!(ana.refused(command, json!({})).await, "access denied", "{command}");
    }
    assert_eq!(ana.refused("nick", json!({})).await, "invalid nick");
    assert_eq!(ana.refused("get-message", json!({})).await, "message not found");
}
