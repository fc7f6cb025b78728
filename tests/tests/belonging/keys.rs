//! Keys of rooms, and the master keys above them: made anew, taken away, and
//! wrong ones.

use crate::vault::{PASSCODE, VAULT, enter, picture, share_finished, vault};
use futures_util::future::join_all;
use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    keyed::{Keyed, MASTER},
    sharing::share_accepted,
    sql::{number, sql},
    until::until,
    web::Web,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

const OTHER_MASTER: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const ROOM_KEYS: &str = "SELECT count(*) FROM room_key";

async fn log(client: &Client) -> Vec<(String, Value)> {
    let log = client.command("log", json!({ "n": 100 })).await["log"].take();
    let log = log.as_array().expect("a list").clone();
    let text = |message: &Value| message["content"].as_str().expect("a text").to_owned();
    log.iter().map(|message| (text(message), message["encryption_key_id"].clone())).collect()
}

/// Whether a picture is served as it was uploaded.
async fn is_served(client: &Client, id: MediaId, seed: u8) -> Option<String> {
    let view = client.media(id).await;
    for transcoding in view.transcodings.values() {
        let served = Web::default().get(&transcoding.url).await;
        assert_eq!(served.status, 200, "{served:?}");
        assert!(!transcoding.name.is_original() || served.body == picture(seed), "another picture");
    }
    view.encryption_key_id
}

fn files(keyed: &Keyed) -> BTreeMap<String, Vec<u8>> {
    let read = |file: String| {
        let bytes = fs::read(keyed.fleet.store().join(&file)).expect("it was just listed");
        (file, bytes)
    };
    keyed.fleet.stored().into_iter().map(read).collect()
}

#[tokio::test]
async fn a_new_room_key_is_for_what_is_new_and_rewrapping_brings_the_rest_under_it() {
    let keyed = vault(2, 1).await;
    let url = keyed.fleet.database_url();
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let first = ana.send("first", &[]).await["encryption_key_id"].clone();
    let old = share_finished(&ana, 1).await;
    let made = keyed.operator(1).ask(reqwest::Method::POST, "vault/keys", &Value::Null).await;
    let second = made.json()["id"].clone();
    assert!(made.status == 201 && second != first && second.as_str().is_some_and(|id| id.starts_with("v1/")));
    // Whoever is in the room stays, and both coordinators use the new key at once.
    assert_eq!(ana.send("second", &[]).await["encryption_key_id"], second);
    assert_eq!(ben.send("third", &[]).await["encryption_key_id"], second);
    let new = share_finished(&ben, 2).await;
    let keys: Vec<_> = log(&ben).await.into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, [&first, &first, &second, &second, &second].map(Clone::clone));
    assert_eq!(is_served(&ben, old, 1).await.as_deref(), first.as_str());
    assert_eq!(is_served(&ana, new, 2).await.as_deref(), second.as_str());
    assert_eq!(number(url, ROOM_KEYS).await, 2);

    let before = files(&keyed);
    let said = keyed.admin(&["room", "rewrap", VAULT, "--dry-run"], "").await;
    let would = "1 media objects and 2 messages would be rewrapped, 1 old keys would be removed\n";
    assert_eq!(said.out, would, "{said:?}");
    assert_eq!(number(url, ROOM_KEYS).await, 2, "it was only said");
    let said = keyed.admin(&["room", "rewrap", VAULT], "").await;
    assert_eq!(said.out, "1 media objects and 2 messages rewrapped, 1 old keys removed\n", "{said:?}");
    assert_eq!(number(url, ROOM_KEYS).await, 1, "the old key is gone");
    assert_eq!(files(&keyed), before, "files stay as they are");
    let contents: Vec<_> = log(&ana).await;
    assert_eq!(
        contents.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(),
        ["first", "look", "second", "third", "look"]
    );
    assert!(contents.iter().all(|(_, key)| *key == second), "{contents:?}");
    for (id, seed) in [(old, 1), (new, 2)] {
        assert_eq!(is_served(&ben, id, seed).await.as_deref(), second.as_str());
    }
    let said = keyed.admin(&["room", "rewrap", VAULT], "").await;
    assert_eq!(said.out, "0 media objects and 0 messages rewrapped, 0 old keys removed\n", "{said:?}");
    let back = enter(&keyed, 1, "cleo").await;
    assert_eq!(back.event("snapshot-event").await["log"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn rows_that_do_not_open_keep_their_key_and_hide_no_others() {
    let keyed = vault(1, 0).await;
    let url = keyed.fleet.database_url();
    let ana = enter(&keyed, 0, "ana").await;
    ana.send("first", &[]).await;
    // Copies do not open: each is sealed for its own id. They come before it.
    let copied = "INSERT INTO message SELECT (jsonb_populate_record(message, jsonb_build_object('id', id - n))).*
                  FROM message, generate_series(1, 300) AS n";
    sql(url, copied).await;
    keyed.operator(0).rotate_key(VAULT).await;
    for (words, told, left) in [
        (
            &["room", "rewrap", VAULT, "--dry-run"][..],
            "1 messages would be rewrapped, 0 old keys would be removed",
            301,
        ),
        (&["room", "rewrap", VAULT], "1 messages rewrapped, 0 old keys removed", 300),
        (&["room", "rewrap", VAULT], "0 messages rewrapped, 0 old keys removed", 300),
    ] {
        let said = keyed.admin(words, "").await;
        let told = format!("{told}; 300 rows could not be: the log says why");
        assert!(!said.success && said.out.is_empty() && said.error.contains(&told), "{said:?}");
        assert_eq!(said.error.matches("not rewrapped").count(), 300, "each is told of once: {words:?}");
        let old = "SELECT count(*) FROM message WHERE encryption_key_id <> (SELECT max(id) FROM room_key)";
        assert_eq!(number(url, old).await, left, "{words:?}");
    }
    assert_eq!(number(url, ROOM_KEYS).await, 2, "something is under the old one");
    let said = keyed.admin(&["room", "rewrap", VAULT, "--json"], "").await;
    let json: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let expected = json!({ "media": 0, "messages": 0, "left": 300, "keys_removed": 0, "dry_run": false });
    assert!(!said.success && said.error.contains("300 rows could not be") && json == expected, "{said:?}");
}

#[tokio::test]
async fn rooms_have_keys_of_their_own_and_public_ones_have_none() {
    let keyed = vault(1, 0).await;
    let operator = keyed.operator(0);
    operator.make_private("den", PASSCODE).await;
    let hall = Client::enter(keyed.base(0), "hall", Entrance::aware(), "ana").await;
    assert!(hall.send("in public", &[]).await.get("encryption_key_id").is_none());
    for room in ["hall", "nowhere"] {
        let refused = operator.ask(reqwest::Method::POST, &format!("{room}/keys"), &Value::Null).await;
        assert_eq!(refused.refusal(), (404, "room-not-found".into()), "{room}");
        let said = keyed.admin(&["room", "rewrap", room], "").await;
        assert!(!said.success && said.error.contains("room not found"), "{said:?}");
    }
    let wrapped = "SELECT count(DISTINCT wrapped), count(DISTINCT room), count(*) FROM room_key";
    assert_eq!(sql(keyed.fleet.database_url(), wrapped).await, "2|2|2");
}

#[tokio::test]
async fn another_master_key_takes_over_and_the_old_one_is_not_needed_any_more() {
    let mut keyed = vault(1, 1).await;
    let ana = enter(&keyed, 0, "ana").await;
    ana.send("first", &[]).await;
    let id = share_finished(&ana, 3).await;
    let both = [("keys.master", OTHER_MASTER), ("keys.previous", MASTER)];
    keyed.replace_coordinator(0, &both).await;
    let ana = enter(&keyed, 0, "ana").await;
    assert_eq!(log(&ana).await[0].0, "first");
    is_served(&ana, id, 3).await;
    // What is made now is wrapped with the new one.
    keyed.operator(0).make_private("den", PASSCODE).await;
    let masters = "SELECT count(DISTINCT master) FROM room_key";
    assert_eq!(number(keyed.fleet.database_url(), masters).await, 2);
    let said = keyed.admin_with(&["keys", "rotate-master", "--dry-run"], "", &both).await;
    assert_eq!(said.out, "1 room keys would be wrapped with keys.master\n", "{said:?}");
    assert_eq!(number(keyed.fleet.database_url(), masters).await, 2, "it was only said");
    let said = keyed.admin_with(&["keys", "rotate-master"], "", &both).await;
    assert_eq!(said.out, "1 room keys wrapped with keys.master\n", "{said:?}");
    let said = keyed.admin_with(&["keys", "rotate-master"], "", &both).await;
    assert_eq!(said.out, "0 room keys wrapped with keys.master\n", "{said:?}");
    assert_eq!(number(keyed.fleet.database_url(), masters).await, 1);
    keyed.replace_coordinator(0, &[("keys.master", OTHER_MASTER)]).await;
    let ana = enter(&keyed, 0, "ana").await;
    assert_eq!(log(&ana).await[0].0, "first");
    is_served(&ana, id, 3).await;
    assert!(!keyed.fleet.coordinators[0].log().contains("cannot be opened"), "nothing is missing");
}

#[tokio::test]
async fn a_job_without_the_keys_of_its_room_waits_for_them_but_not_for_ever() {
    let mut keyed = vault(1, 0).await;
    let ana = enter(&keyed, 0, "ana").await;
    let (early, late) = (share_accepted(&ana, picture(5)).await, share_accepted(&ana, picture(6)).await);
    let url = keyed.fleet.database_url().to_owned();
    keyed.replace_coordinator(0, &[("keys.master", OTHER_MASTER), ("jobs.backoff_ms", "200")]).await;
    keyed.fleet.add_worker().await;
    let waiting = "SELECT count(*) FROM job WHERE state = 'pending' AND snoozes > 1 AND reason = 'keys-unavailable'";
    until("both wait for the keys", async || (number(&url, waiting).await == 2).then_some(())).await;
    assert_eq!(sql(&url, "SELECT sum(failures) FROM job").await, "0");

    // One has waited for a day by now.
    let old = format!("UPDATE job SET away_since = away_since - 86400000 WHERE media_id = {}", early.as_i64());
    sql(&url, &old).await;
    let failure = format!("SELECT failure FROM media_object WHERE state = 'failed' AND id = {}", early.as_i64());
    until("it has failed", async || (sql(&url, &failure).await == "keys-unavailable").then_some(())).await;

    keyed.fleet.workers.clear();
    keyed.replace_coordinator(0, &[]).await;
    keyed.fleet.add_worker().await;
    let ana = enter(&keyed, 0, "ana").await;
    until("the other is ready", async || (ana.media(late).await.state == MediaState::Ready).then_some(())).await;
}

/// Who knocks at a private room that cannot be opened is told so.
async fn is_shut(keyed: &Keyed, coordinator: usize) {
    let refused = Client::connect(keyed.base(coordinator), VAULT, Entrance::aware()).await.expect_err("no key");
    assert_eq!((refused.status, refused.code.as_str()), (503, "keys-unavailable"));
}

#[tokio::test]
async fn with_a_wrong_master_key_public_rooms_are_served_and_private_ones_stay_shut() {
    let mut keyed = vault(1, 1).await;
    let ana = enter(&keyed, 0, "ana").await;
    let id = share_finished(&ana, 4).await;
    let url = ana.media(id).await.transcodings[&"original".parse().expect("a name")].url.clone();
    let handle = ana.upload_handle().await;
    let files_before = keyed.fleet.stored();
    for wrong in [&[("keys.master", OTHER_MASTER)][..], &[("keys.master", "")]] {
        keyed.add_coordinator(wrong).await;
        let at = keyed.fleet.coordinators.len() - 1;
        let log = keyed.fleet.coordinators[at].log();
        assert!(log.contains("ERROR") && log.contains("master"), "the operator is told:\n{log}");
        is_shut(&keyed, at).await;
        let here = |url: &str| url.replace(keyed.base(0), keyed.base(at));
        let refused = Web::default().get(&here(&url)).await;
        assert_eq!(refused.refusal(), (503, "keys-unavailable".into()));
        let handle = heim_common::wire::UploadHandle { url: here(&handle.url), ..handle.clone() };
        let refused = Web::default().upload(&handle, picture(5)).await;
        assert_eq!(refused.refusal(), (503, "keys-unavailable".into()));
        assert_eq!(keyed.fleet.stored(), files_before, "nothing is kept that could not be sealed");

        let hall = Client::enter(keyed.base(at), "hall", Entrance::aware(), "ben").await;
        hall.send("public rooms go on", &[]).await;
        share_finished_elsewhere(&keyed, at, &hall).await;
        let made = keyed.operator(at).put_private(&format!("den{at}"), PASSCODE).await;
        let expected = if wrong[0].1.is_empty() { 503 } else { 201 };
        assert_eq!(made, expected, "{wrong:?}");
        assert_eq!(keyed.operator(at).ask(reqwest::Method::GET, VAULT, &Value::Null).await.status, 200);
    }
    // Who was in the room at the coordinator that has the key goes on, and the
    // handle is still good there.
    ana.send("still here", &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, picture(5)).await.status, 201);
    heim_tests::sharing::finished(&ana, handle.id).await;
    admitted(keyed.base(0), VAULT, PASSCODE, Entrance::aware(), "cleo").await;
}

/// A public picture, although the keys of private ones are away.
async fn share_finished_elsewhere(keyed: &Keyed, coordinator: usize, hall: &Client) {
    let id = share_finished(hall, 6).await;
    let view = hall.media(id).await;
    assert_eq!(view.encryption_key_id, None);
    for transcoding in view.transcodings.values() {
        assert!(transcoding.url.starts_with(keyed.base(coordinator)));
        assert_eq!(Web::default().get(&transcoding.url).await.status, 200);
    }
    // It leaves the store as it was for whoever counts the files of others.
    for file in keyed.fleet.stored().into_iter().filter(|file| file.contains(&id.to_string())) {
        fs::remove_file(keyed.fleet.store().join(file)).expect("it was just listed");
    }
}

#[tokio::test]
async fn keys_change_under_a_room_in_use_and_nobody_notices() {
    // As many as a session may say before it is slowed down.
    const ROUNDS: usize = 4;
    let keyed = vault(2, 1).await;
    let mut speakers = Vec::new();
    for at in 0..4 {
        speakers.push(enter(&keyed, at % 2, &format!("speaker {at}")).await);
    }
    let ana = enter(&keyed, 0, "ana").await;
    let mut pictures = Vec::new();
    for round in 0..ROUNDS {
        let speaking = speakers.iter().enumerate().map(async |(at, client)| {
            client.send(&format!("{round} by {at}"), &[]).await;
            let log = client.command("log", json!({ "n": 100 })).await["log"].take();
            assert!(log.as_array().expect("a list").iter().all(|message| message["content"] != ""), "{log}");
        });
        let changing = async {
            keyed.operator(1).rotate_key(VAULT).await;
            keyed.admin(&["room", "rewrap", VAULT], "").await
        };
        let seed = u8::try_from(round).expect("few");
        let (_, said, picture) = tokio::join!(join_all(speaking), changing, share_finished(&ana, seed));
        assert!(said.success, "{said:?}");
        pictures.push((picture, seed));
    }
    let said = keyed.admin(&["room", "rewrap", VAULT], "").await;
    assert!(said.success, "{said:?}");
    assert_eq!(number(keyed.fleet.database_url(), ROOM_KEYS).await, 1);
    for (id, seed) in pictures {
        is_served(&speakers[1], id, seed).await;
    }
    let log = log(&ana).await.into_iter().map(|(text, _)| text);
    let said: BTreeSet<_> = log.filter(|text| text != "look").collect();
    let expected: BTreeSet<_> =
        (0..ROUNDS).flat_map(|round| (0..4).map(move |at| format!("{round} by {at}"))).collect();
    assert_eq!(said, expected);
    for client in speakers.iter().chain([&ana]) {
        assert!(client.heard.of("disconnect-event").is_empty());
    }
}
