//! The envelope: ids, replies, errors.

use heim_tests::{
    client::{Client, Entrance},
    packets::Heard,
    standalone::Standalone,
};
use serde_json::{Value, json};

/// Sends a text and returns the first packet of this type that follows.
async fn after(client: &Client, text: &str, kind: &str) -> Value {
    let known = client.heard.all().len();
    assert!(client.text(text).await);
    let find =
        |heard: &[Heard]| heard[known..].iter().find(|heard| heard.kind() == kind).map(|heard| heard.packet.clone());
    client.heard.wait_for(kind, find).await
}

#[tokio::test]
async fn the_id_is_echoed_and_left_out_where_there_was_none() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    assert_eq!(after(&ana, r#"{"id":"x-7","type":"who"}"#, "who-reply").await["id"], "x-7");
    for none in [r#"{"type":"who"}"#, r#"{"id":"","type":"who"}"#, r#"{"id":null,"type":"who","data":{}}"#] {
        assert!(after(&ana, none, "who-reply").await.get("id").is_none(), "{none}");
    }
}

#[tokio::test]
async fn replies_come_in_the_order_of_the_commands() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let commands = ["send", "who", "log", "nope", "get-message", "send", "ping"];
    for (number, command) in commands.iter().enumerate() {
        let data = json!({ "content": "x", "n": 1, "id": "0000000000001" });
        let packet = json!({ "id": format!("o{number}"), "type": command, "data": data });
        assert!(ana.text(packet.to_string()).await);
    }
    let ids = ana.heard.wait_for("all replies", |heard| {
        let ids = heard.iter().filter_map(|heard| heard.packet["id"].as_str().filter(|id| id.starts_with('o')));
        let ids: Vec<_> = ids.map(str::to_owned).collect();
        (ids.len() == commands.len()).then_some(ids)
    });
    assert_eq!(ids.await, ["o0", "o1", "o2", "o3", "o4", "o5", "o6"]);
}

#[tokio::test]
async fn a_refused_command_has_null_data_and_heims_words() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let reply = after(&ana, r#"{"id":"1","type":"send","data":{"content":"x"}}"#, "send-reply").await;
    let expected = json!({ "id": "1", "type": "send-reply", "data": null,
        "error": "you must choose a name before you may begin chatting" });
    assert_eq!(reply, expected);
    assert_eq!(ana.refused("foo", json!({})).await, "payload: invalid command type: foo");
    let no_data = after(&ana, r#"{"id":"3","type":"nick"}"#, "nick-reply").await;
    assert_eq!((&no_data["data"], &no_data["error"]), (&Value::Null, &json!("payload: unexpected end of JSON input")));
    let wrong_type = ana.refused("nick", json!({ "name": 5 })).await;
    assert!(wrong_type.starts_with("payload: json: cannot unmarshal"), "{wrong_type}");
}

#[tokio::test]
async fn nothing_that_an_old_client_does_not_know_is_sent_to_it() {
    let heim = Standalone::start().await;
    let bot = Client::enter(heim.base(), "welcome", Entrance::unaware(), "bot").await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = heim_tests::sharing::share_accepted(&ana, heim_tests::corpus::read(heim_tests::corpus::SMALL)).await;
    heim_tests::sharing::finished(&ana, id).await;
    ana.cut();
    bot.event("part-event").await;
    let known = [
        "hello-event",
        "ping-event",
        "snapshot-event",
        "join-event",
        "nick-event",
        "send-event",
        "part-event",
        "nick-reply",
    ];
    for heard in bot.heard.all() {
        assert!(known.contains(&heard.kind()), "{}", heard.packet);
    }
}
