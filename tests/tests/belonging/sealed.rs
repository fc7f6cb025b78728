//! What is said in a private room: in the clear for those who are in it, and
//! sealed in the database.

use crate::vault::{PASSCODE, VAULT, again, agent, enter, picture, share_finished, vault};
use heim_tests::{
    admitted::admitted,
    client::Client,
    sharing::{NAMES, all_heard},
    sql::{number, sql},
    web::Web,
};
use serde_json::{Value, json};
use std::fs;

/// What must not be found.
const CANARY: &str = "the canary sings at noon";
/// Bytes of content that are delivered to whoever does not ask for all of it.
const CUT: usize = 4096;

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("below sixteen");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Everything that the tables of a database hold, as text.
async fn dump(url: &str) -> String {
    let tables = sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").await;
    let mut text = String::new();
    for table in tables.lines() {
        text += &sql(url, &format!("SELECT {table}::text FROM {table}")).await;
    }
    assert!(text.contains(VAULT), "the dump is empty");
    text
}

#[tokio::test]
async fn a_message_is_sealed_in_the_database_and_right_wherever_it_is_read() {
    let keyed = vault(2, 0).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    keyed.operator(0).make_manager(VAULT, &agent(&ana).await).await;
    let sent = ana.send(CANARY, &[]).await;
    let key = sent["encryption_key_id"].clone();
    assert!(key.as_str().is_some_and(|key| key.strip_prefix("v1/").is_some_and(|id| id.len() == 13)), "{sent}");
    let long = format!("{CANARY} {}", "é".repeat(300_000));
    let long_sent = ana.send(&long, &[]).await;
    let empty = ana.send("", &[]).await;
    assert_eq!((&empty["content"], &empty["encryption_key_id"]), (&json!(""), &key));

    let row = sql(keyed.fleet.database_url(), "SELECT count(*), max(length(content)) FROM message").await;
    assert_eq!(row, "3|0", "three messages, and none with a content");
    let edited = ana.command("edit-message", edit(&sent, None, "better: the canary sings", true)).await;
    let dump = dump(keyed.fleet.database_url()).await;
    for secret in [CANARY, "canary", PASSCODE] {
        assert!(!dump.contains(secret) && !dump.contains(&hex(secret.as_bytes())), "{secret} is in the database");
    }

    let got = async |client: &Client, id: &Value| client.command("get-message", json!({ "id": id })).await;
    let told = ben.event("edit-message-event").await;
    assert_eq!((&told["content"], &told["encryption_key_id"]), (&json!("better: the canary sings"), &key));
    let back = admitted(keyed.base(1), VAULT, PASSCODE, again(&ben), "ben").await;
    let snapshot = back.event("snapshot-event").await["log"].take();
    let reply = ben.command("log", json!({ "n": 10 })).await["log"].take();
    for list in [&snapshot, &reply] {
        let contents: Vec<_> = list.as_array().expect("a list").iter().map(|message| &message["content"]).collect();
        assert_eq!(contents, [&json!("better: the canary sings"), &long_sent["content"], &json!("")]);
        assert_eq!((&list[0]["previous_edit_id"], &list[0]["edited"]), (&edited["edit_id"], &edited["edited"]));
    }
    let cut = long_sent["content"].as_str().expect("a text");
    assert!(long.starts_with(cut) && (CUT - 3..=CUT).contains(&cut.len()), "{} bytes", cut.len());
    for message in [&long_sent, &snapshot[1], &reply[1]] {
        assert_eq!((&message["truncated"], &message["encryption_key_id"]), (&json!(true), &key));
    }
    let whole = got(&ben, &long_sent["id"]).await;
    assert_eq!((&whole["content"], whole.get("truncated")), (&json!(long), None));
    assert_eq!(got(&ben, &sent["id"]).await["content"], "better: the canary sings");
}

fn edit(message: &Value, previous: Option<&Value>, content: &str, announce: bool) -> Value {
    json!({
        "id": message["id"], "previous_edit_id": previous, "content": content, "delete": false, "announce": announce,
    })
}

#[tokio::test]
async fn messages_at_the_edge_of_what_is_cut_keep_every_byte() {
    let keyed = vault(2, 0).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    for (length, is_cut) in [(CUT - 1, false), (CUT, false), (CUT + 1, true)] {
        let text = "x".repeat(length);
        let sent = ana.send(&text, &[]).await;
        assert_eq!(sent.get("truncated").is_some(), is_cut, "{length}");
        assert_eq!(sent["content"].as_str().map(str::len), Some(length.min(CUT)));
        let whole = ben.command("get-message", json!({ "id": sent["id"] })).await;
        assert_eq!(whole["content"], text, "{length}");
    }
    all_heard(&ana, &ben).await;
    let told: Vec<_> = ben.heard.of("send-event");
    let cut: Vec<_> = told.iter().map(|message| message["content"].as_str().map_or(0, str::len)).collect();
    assert_eq!(cut, [CUT - 1, CUT, CUT]);
    let too_long = "x".repeat((1 << 20) + 1);
    assert_eq!(ana.refused("send", json!({ "content": too_long })).await, "message too long");
}

#[tokio::test]
async fn a_long_message_that_is_edited_short_and_back_loses_nothing() {
    let keyed = vault(1, 0).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 0, "ben").await);
    keyed.operator(0).make_manager(VAULT, &agent(&ana).await).await;
    let long = "y".repeat(10_000);
    let sent = ana.send(&long, &[]).await;
    let short = ana.command("edit-message", edit(&sent, None, "short", true)).await;
    assert_eq!((&short["content"], short.get("truncated")), (&json!("short"), None));
    let content = |id: Value| ben.command("get-message", json!({ "id": id }));
    assert_eq!(content(sent["id"].clone()).await["content"], "short");
    let back = ana.command("edit-message", edit(&sent, Some(&short["edit_id"]), &long, true)).await;
    assert_eq!(back["truncated"], true);
    assert_eq!(content(sent["id"].clone()).await["content"], long);
    // Deleting and bringing back says nothing about the content: it is as it was.
    let deletion = json!({ "id": sent["id"], "previous_edit_id": back["edit_id"], "delete": true, "announce": true });
    let deleted = ana.command("edit-message", deletion).await;
    let restoration = json!({ "id": sent["id"], "previous_edit_id": deleted["edit_id"], "delete": false });
    ana.command("edit-message", restoration).await;
    assert_eq!(content(sent["id"].clone()).await["content"], long);
}

#[tokio::test]
async fn pictures_and_what_shows_them_are_sealed_and_served_as_they_were() {
    let keyed = vault(2, 1).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let id = share_finished(&ana, 7).await;
    let view = ben.media(id).await;
    assert!(view.encryption_key_id.as_deref().is_some_and(|key| key.starts_with("v1/")), "{view:?}");
    let (web, whole) = (Web::default(), picture(7));
    for name in NAMES {
        let served = web.get(&view.transcodings[&name.parse().expect("a name")].url).await;
        assert_eq!((served.status, served.header("cache-control")), (200, "private, no-store"), "{name}");
        assert!(name != "original" || served.body == whole, "the original is another one");
    }
    let placeholder = view.placeholder.expect("it was decoded").0;
    let dump = dump(keyed.fleet.database_url()).await;
    assert!(!dump.contains(&hex(&placeholder)), "the placeholder is in the database");
    assert!(view.description.expect("it was decoded").color.is_some());
    let sealed = number(keyed.fleet.database_url(), "SELECT octet_length(color) FROM media_object").await;
    assert!(sealed > 16, "the colour is in the database");
    let files = keyed.fleet.stored();
    assert_eq!(files.len(), NAMES.len(), "{files:?}");
    for file in files {
        let bytes = fs::read(keyed.fleet.store().join(&file)).expect("it was just listed");
        assert!(bytes.starts_with(b"HEIMENC1"), "{file} is not sealed");
        let shows = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!shows(&whole[54..86]) && !shows(b"WEBP"), "{file} shows what is in it");
    }
}
