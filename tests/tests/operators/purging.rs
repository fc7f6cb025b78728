//! Media objects that are removed for good: rows, files, and from messages.

use crate::shell::{asked, audit, refused, texts, tried};
use heim_common::MediaId;
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    keyed::Keyed,
    sharing::{NAMES, finished, share_accepted},
    sql::{number, sql},
    web::Web,
};
use serde_json::{Value, json};
use std::path::Path;

const VAULT: &str = "vault";
const PASSCODE: &str = "sesame, if you please";

/// A picture of 8 × 8 pixels (BMP, 24 bits, bottom up); another one for each seed.
fn picture(seed: u8) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for word in [54 + 192_u32, 0, 54, 40, 8, 8, 1 | 24 << 16, 0, 192, 2835, 2835, 0, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend((0..=u8::MAX).cycle().skip(usize::from(seed)).take(192));
    bytes
}

/// A shared picture of which everything is there, and where its original is.
async fn shared(client: &Client, seed: u8) -> (MediaId, String) {
    let id = share_accepted(client, picture(seed)).await;
    let media = finished(client, id).await;
    (id, media.transcodings[&"original".parse().expect("a name")].url.clone())
}

async fn status(url: &str) -> u16 {
    Web::default().get(url).await.status
}

/// What rows and files say of a media object that is removed: nothing.
async fn is_gone(keyed: &Keyed, id: MediaId, url: &str) {
    assert_eq!(status(url).await, 404, "{id}");
    let text = id.to_string();
    assert!(!keyed.fleet.stored().iter().any(|file| file.contains(&text)), "{:?}", keyed.fleet.stored());
    let number_of = id.as_i64();
    for table in ["media_transcoding", "message_attachment", "job"] {
        let rows = format!("SELECT count(*) FROM {table} WHERE media_id = {number_of}");
        assert_eq!(number(keyed.fleet.database_url(), &rows).await, 0, "{table}");
    }
    let left = format!(
        "SELECT count(*) FROM media_object WHERE id = {number_of} AND
           (gone IS NULL OR digest IS NOT NULL OR placeholder IS NOT NULL OR wrapped_key IS NOT NULL)"
    );
    assert_eq!(number(keyed.fleet.database_url(), &left).await, 0);
}

/// The change of a message that a session hears of.
async fn edited(client: &Client, message: &str) -> Value {
    client
        .heard
        .wait_for("the change of the message", |heard| {
            let mut changes = heard.iter().filter(|heard| heard.kind() == "edit-message-event");
            changes.find(|heard| heard.data()["id"] == message).map(|heard| heard.data().clone())
        })
        .await
}

async fn enter(keyed: &Keyed, coordinator: usize, room: &str, nick: &str) -> Client {
    Client::enter(keyed.base(coordinator), room, Entrance::aware(), nick).await
}

/// The tries first, with what they must have said, and then the deed.
async fn purged(keyed: &Keyed, words: &[&str]) -> Value {
    let words = [&["purge"], words].concat();
    let tried = tried(keyed, &words).await;
    let done = asked(keyed, &words).await;
    for part in ["media", "messages_deleted", "messages_changed", "files", "count"] {
        assert_eq!(tried[part], done[part], "{part}: {tried} {done}");
    }
    assert_eq!(done["files_left"], 0, "{done}");
    let again = refused(keyed, &words).await;
    assert!(again.contains("there is no such media object"), "{again}");
    done
}

#[tokio::test]
async fn a_media_object_goes_from_rows_files_and_messages() {
    let keyed = Keyed::start(2, 1).await;
    let ana = enter(&keyed, 0, "welcome", "ana").await;
    let ben = enter(&keyed, 1, "welcome", "ben").await;
    let (first, first_url) = shared(&ana, 1).await;
    let (second, second_url) = shared(&ana, 2).await;
    let both = ana.send("both of them", &[first, second]).await["id"].as_str().expect("an id").to_owned();
    let alone = sql(
        keyed.fleet.database_url(),
        &format!("SELECT min(message_id) FROM message_attachment WHERE media_id = {}", first.as_i64()),
    )
    .await;
    let alone = heim_common::MessageId::from_i64(alone.parse().expect("a number")).to_string();
    assert_eq!(status(&first_url).await, 200);
    let done = purged(&keyed, &["--media", &first.to_string()]).await;
    assert_eq!((&done["count"], &done["files"]), (&json!(1), &json!(NAMES.len())));
    assert_eq!(
        (texts(&done["messages_deleted"]), texts(&done["messages_changed"])),
        (vec![alone.clone()], vec![both.clone()])
    );
    is_gone(&keyed, first, &first_url).await;
    for client in [&ana, &ben] {
        assert!(edited(client, &alone).await["deleted"].is_number(), "as if its author had deleted it");
        let changed = edited(client, &both).await;
        assert!(changed.get("deleted").is_none_or(Value::is_null), "{changed}");
        let shown: Vec<_> =
            changed["attachments"].as_array().expect("attachments").iter().map(|one| &one["id"]).collect();
        assert_eq!(shown, [&json!(second)]);
        assert_eq!(client.refused("get-media", json!({ "id": first })).await, "media not found");
    }
    assert_eq!(status(&second_url).await, 200, "the other is there");
    // By the message that still shows it.
    let done = purged(&keyed, &["--message", &both]).await;
    assert_eq!((&done["media"][0]["media"], &done["count"]), (&json!(second), &json!(1)));
    is_gone(&keyed, second, &second_url).await;
    assert!(keyed.fleet.stored().is_empty(), "{:?}", keyed.fleet.stored());
    let lines = audit(&keyed).await;
    assert_eq!(
        lines[..2],
        [format!("purge media={first} dry 1"), format!("purge media={first} 1")]
            .map(|line| format!("shell:unknown {line}"))
    );
}

#[tokio::test]
async fn all_of_an_agent_and_all_of_a_room_go_and_nothing_else() {
    let keyed = Keyed::start(1, 1).await;
    let ana = enter(&keyed, 0, "one", "ana").await;
    let ben = enter(&keyed, 0, "one", "ben").await;
    let elsewhere = Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() };
    let elsewhere = Client::enter(keyed.base(0), "two", elsewhere, "ana").await;
    let agent = ana.event("hello-event").await["session"]["id"].as_str().expect("an id").to_owned();
    let ones = [shared(&ana, 1).await, shared(&elsewhere, 2).await];
    let bens = shared(&ben, 3).await;
    let done = purged(&keyed, &["--agent", &agent]).await;
    assert_eq!(done["count"], 2);
    for (id, url) in &ones {
        is_gone(&keyed, *id, url).await;
    }
    assert_eq!(status(&bens.1).await, 200);
    let done = purged(&keyed, &["--room", "one"]).await;
    assert_eq!(done["media"][0]["media"], json!(bens.0));
    is_gone(&keyed, bens.0, &bens.1).await;
    ben.send("the room is there", &[]).await;
    for words in [&["purge"][..], &["purge", "--room", "one", "--agent", &agent], &["purge", "--sha256", "12"]] {
        refused(&keyed, words).await;
    }
    let missing = refused(&keyed, &["purge", "--media", &ones[0].0.to_string()]).await;
    assert!(missing.contains("there is no such media object"), "{missing}");
}

/// Of the store's files, those that hold these bytes as they are.
fn holding(folder: &Path, files: &[String], bytes: &[u8]) -> usize {
    let holds = |file: &&String| {
        let there = std::fs::read(folder.join(file)).expect("the file can be read");
        there.windows(bytes.len()).any(|window| window == bytes)
    };
    files.iter().filter(holds).count()
}

#[tokio::test]
async fn every_upload_of_a_file_goes_also_where_its_digest_is_keyed() {
    let keyed = Keyed::start(1, 1).await;
    keyed.operator(0).make_private(VAULT, PASSCODE).await;
    let ana = enter(&keyed, 0, "welcome", "ana").await;
    let bea = admitted(keyed.base(0), VAULT, PASSCODE, Entrance::aware(), "bea").await;
    let open = [shared(&ana, 1).await, shared(&ana, 1).await];
    let old = shared(&bea, 1).await;
    asked(&keyed, &["room", "rotate-key", VAULT]).await;
    let new = shared(&bea, 1).await;
    let others = [shared(&ana, 2).await, shared(&bea, 2).await];
    let file = picture(1);
    assert_eq!(holding(&keyed.fleet.store(), &keyed.fleet.stored(), &file), 2, "in the public room");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &file);
    let sha256 = data_encoding::HEXLOWER.encode(digest.as_ref());
    let done = purged(&keyed, &["--sha256", &sha256]).await;
    assert_eq!((&done["count"], &done["rooms_unopened"]), (&json!(4), &json!([])));
    for (id, url) in [&open[0], &open[1], &old, &new] {
        is_gone(&keyed, *id, url).await;
    }
    for (_, url) in &others {
        assert_eq!(status(url).await, 200);
    }

    // A digest under a key that is gone: the file itself is looked at.
    let last = shared(&bea, 1).await;
    asked(&keyed, &["room", "rotate-key", VAULT]).await;
    assert_eq!(asked(&keyed, &["room", "rewrap", VAULT]).await["keys_removed"], 2);
    let done = purged(&keyed, &["--sha256", &sha256]).await;
    assert_eq!((&done["count"], &done["media"][0]["media"]), (&json!(1), &json!(last.0)));
    is_gone(&keyed, last.0, &last.1).await;
    assert_eq!(status(&others[1].1).await, 200);
    let audit = audit(&keyed).await;
    assert!(audit.contains(&format!("shell:unknown purge sha256={sha256} 4")), "{audit:?}");
}
