//! nick, send, log, get-message, who.

use heim_tests::{
    client::{Client, Entrance},
    sharing::all_heard,
    standalone::Standalone,
};
use serde_json::{Value, json};

#[tokio::test]
async fn nicks_are_tidied_and_told() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let ben = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let session = ana.event("hello-event").await["session"].clone();
    let reply = ana.command("nick", json!({ "name": "  alice   smith " })).await;
    let expected = json!({ "session_id": session["session_id"], "id": session["id"], "from": "", "to": "alice smith" });
    assert_eq!(reply, expected);
    assert_eq!(ben.event("nick-event").await, expected);
    assert_eq!(ana.command("nick", json!({ "name": "alice" })).await["from"], "alice smith");
    all_heard(&ben, &ana).await;
    assert_eq!(ana.heard.of("nick-event").len(), 1, "its own is told in the reply");
}

#[tokio::test]
async fn nicks_have_an_edge() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let longest = "ä".repeat(36);
    assert_eq!(ana.command("nick", json!({ "name": longest })).await["to"], longest.as_str());
    for bad in ["", "   ", "\t\n", &"x".repeat(37)] {
        assert_eq!(ana.refused("nick", json!({ "name": bad })).await, "invalid nick", "{bad:?}");
    }
    assert_eq!(ana.command("who", json!({})).await["listing"][0]["name"], longest.as_str());
}

#[tokio::test]
async fn who_has_no_nick_cannot_speak() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let refused = ana.refused("send", json!({ "content": "x" })).await;
    assert_eq!(refused, "you must choose a name before you may begin chatting");
}

#[tokio::test]
async fn a_message_is_a_reply_to_its_sender_and_an_event_to_the_others() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ben").await;
    let sent = ana.command("send", json!({ "content": "hello", "parent": "" })).await;
    let mut fields: Vec<_> = sent.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["content", "deleted", "edited", "id", "sender", "time"], "nothing else, and never less");
    assert_eq!((&sent["edited"], &sent["deleted"]), (&Value::Null, &Value::Null), "there, and null");
    assert!(sent["time"].is_i64() && sent["id"].as_str().unwrap().len() == 13, "{sent}");
    assert_eq!(sent["sender"]["name"], "ana");
    assert_eq!(ben.event("send-event").await, sent);

    let child = ben.command("send", json!({ "content": "child", "parent": sent["id"] })).await;
    assert_eq!(child["parent"], sent["id"]);
    all_heard(&ana, &ben).await;
    all_heard(&ben, &ana).await;
    assert_eq!(ana.heard.of("send-event"), [child], "its own is no event to it");
    assert_eq!(ben.heard.of("send-event"), [sent]);
}

#[tokio::test]
async fn what_a_message_answers_must_be_in_the_room() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let elsewhere = Client::enter(heim.base(), "elsewhere", Entrance::unaware(), "ana").await;
    let foreign = elsewhere.send("over there", &[]).await["id"].clone();
    for parent in [json!("0000000000001"), foreign] {
        assert_eq!(ana.refused("send", json!({ "content": "x", "parent": parent })).await, "invalid parent ID");
    }
    for none in [json!(""), Value::Null] {
        let sent = ana.command("send", json!({ "content": "x", "parent": none })).await;
        assert!(sent.get("parent").is_none(), "{sent}");
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_content_may_be_empty() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let sent = ana.command("send", json!({ "content": "x", "mood": ["fine"] })).await;
    assert!(sent.get("mood").is_none());
    assert_eq!(ana.command("send", json!({})).await["content"], "");
}

#[tokio::test]
async fn long_messages_are_cut_everywhere_but_in_get_message() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let content = "z".repeat(5_000);
    let sent = ana.command("send", json!({ "content": content })).await;
    for cut in [&sent, &ben.event("send-event").await, &ben.command("log", json!({ "n": 1 })).await["log"][0]] {
        assert_eq!((&cut["truncated"], cut["content"].as_str().unwrap().len()), (&json!(true), 4_096));
    }
    let whole = ben.command("get-message", json!({ "id": sent["id"] })).await;
    assert_eq!((whole.get("truncated"), &whole["content"]), (None, &json!(content)));
    let edge = ana.command("send", json!({ "content": "z".repeat(4_096) })).await;
    assert!(edge.get("truncated").is_none());
    let too_long = ana.refused("send", json!({ "content": "z".repeat((1 << 20) + 1) })).await;
    assert_eq!(too_long, "message too long");
    assert_eq!(ana.command("send", json!({ "content": "z".repeat(1 << 20) })).await["truncated"], true);
}

#[tokio::test]
async fn the_log_is_read_backwards_and_told_forwards() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(ana.send(&number.to_string(), &[]).await["id"].clone());
    }
    let contents = |reply: &Value| {
        reply["log"].as_array().unwrap().iter().map(|message| message["content"].clone()).collect::<Vec<_>>()
    };
    let newest = ana.command("log", json!({ "n": 2 })).await;
    assert_eq!((contents(&newest), newest.get("before")), (vec![json!("3"), json!("4")], None));
    let before = ana.command("log", json!({ "n": 2, "before": ids[2] })).await;
    assert_eq!((contents(&before), &before["before"]), (vec![json!("0"), json!("1")], &ids[2]));
    let all = ana.command("log", json!({ "n": 1_000_000 })).await;
    assert_eq!(contents(&all).len(), 5);
    assert_eq!(contents(&ana.command("log", json!({ "n": 5, "before": ids[0] })).await), Vec::<Value>::new());
    for nothing in [json!({ "n": 0 }), json!({ "n": -3 }), json!({})] {
        assert_eq!(ana.command("log", nothing).await["log"], json!([]), "a list, never null");
    }
    for no_point in [json!(""), Value::Null] {
        assert_eq!(contents(&ana.command("log", json!({ "n": 1, "before": no_point })).await), ["4"]);
    }
}

#[tokio::test]
async fn a_message_of_another_room_is_not_found() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let elsewhere = Client::enter(heim.base(), "elsewhere", Entrance::unaware(), "ana").await;
    let id = ana.send("here", &[]).await["id"].clone();
    assert_eq!(ana.command("get-message", json!({ "id": id })).await["content"], "here");
    assert_eq!(elsewhere.refused("get-message", json!({ "id": id })).await, "message not found");
    assert_eq!(ana.refused("get-message", json!({ "id": "0000000000001" })).await, "message not found");
    assert_eq!(elsewhere.command("log", json!({ "n": 10 })).await["log"], json!([]));
}

#[tokio::test]
async fn who_lists_everybody_and_oneself() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let _elsewhere = Client::enter(heim.base(), "elsewhere", Entrance::unaware(), "cleo").await;
    let listing = ben.command("who", Value::Null).await["listing"].clone();
    let mut names: Vec<_> = listing.as_array().unwrap().iter().map(|session| session["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["ana", "ben"]);
    let own = ana.event("hello-event").await["session"]["session_id"].clone();
    assert!(listing.as_array().unwrap().iter().any(|session| session["session_id"] == own));
}
