//! `heim-coordinator admin …`: every command, and what it says to those who get
//! it wrong.

use crate::vault::{PASSCODE, VAULT, agent, enter, vault};
use heim_tests::{
    client::{Client, Entrance},
    keyed::{Keyed, Said},
    sql::sql,
};
use serde_json::{Value, json};

/// A command that is carried out: what it says.
async fn done(keyed: &Keyed, words: &[&str], input: &str) -> String {
    let said = keyed.admin(words, input).await;
    assert!(said.success, "{words:?}: {said:?}");
    assert_tells_no_passcode(&said);
    said.out
}

/// A command that is refused: why, in a sentence.
async fn refused(keyed: &Keyed, words: &[&str], input: &str) -> String {
    let said = keyed.admin(words, input).await;
    assert!(!said.success && said.out.is_empty(), "{words:?}: {said:?}");
    assert!(!said.error.contains("panicked"), "{words:?}: {said:?}");
    assert_tells_no_passcode(&said);
    said.error
}

fn assert_tells_no_passcode(said: &Said) {
    assert!(!said.out.contains(PASSCODE) && !said.error.contains(PASSCODE), "{said:?}");
}

#[tokio::test]
async fn rooms_are_made_shown_listed_and_deleted() {
    let keyed = Keyed::start(1, 0).await;
    assert_eq!(done(&keyed, &["room", "list"], "").await, "");
    let passcode = format!("{PASSCODE}\n");
    assert_eq!(done(&keyed, &["room", "create", VAULT], &passcode).await, "vault created\n");
    assert_eq!(done(&keyed, &["room", "create", "hall", "--public"], "").await, "hall created\n");
    assert_eq!(done(&keyed, &["room", "list"], "").await, "hall public\nvault private\n");
    let ana = enter(&keyed, 0, "ana").await;
    let id = agent(&ana).await;
    let said = done(&keyed, &["manager", "add", VAULT, &id], "").await;
    assert_eq!(said, format!("{id} manages vault\n"));
    let shown = done(&keyed, &["room", "show", VAULT], "").await;
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("vault private epoch "), "{shown}");
    assert_eq!(lines[1], format!("manager {id}"));
    assert!(lines[2].starts_with("key v1/") && lines[2].contains(" under master key "), "{shown}");
    let key = done(&keyed, &["room", "rotate-key", VAULT], "").await;
    let key = key.strip_prefix("vault has key ").expect("which one").trim_end().to_owned();
    assert!(done(&keyed, &["room", "show", VAULT], "").await.contains(&format!("key {key} ")));
    assert_eq!(ana.send("under the new key", &[]).await["encryption_key_id"], key);
    let said = done(&keyed, &["manager", "remove", VAULT, &id], "").await;
    assert_eq!(said, format!("{id} does not manage vault any more\n"));
    assert_eq!(done(&keyed, &["room", "passcode", VAULT], &passcode).await, "vault had this passcode already\n");
    ana.send("still here", &[]).await;
    assert_eq!(done(&keyed, &["room", "passcode", VAULT], "another\n").await, "vault has another passcode\n");
    assert!(done(&keyed, &["room", "delete", VAULT], "").await.starts_with("vault deleted"));
    assert_eq!(done(&keyed, &["room", "list"], "").await, "hall public\n");
}

#[tokio::test]
async fn a_passcode_is_the_first_line_without_its_end() {
    let keyed = Keyed::start(1, 0).await;
    for (room, input) in [("unix", "open up\nmore\n"), ("dos", "open up\r\n"), ("bare", "open up")] {
        done(&keyed, &["room", "create", room], input).await;
        let ana = heim_tests::admitted::knock(keyed.base(0), room, Entrance::aware()).await;
        assert_eq!(heim_tests::admitted::say(&ana, "open up").await, json!({ "success": true }), "{room}");
    }
    // As long as it may be, and one byte longer.
    done(&keyed, &["room", "create", "long"], &format!("{}\n", "x".repeat(1024))).await;
    let said = refused(&keyed, &["room", "create", "longer"], &format!("{}\n", "x".repeat(1025))).await;
    assert!(said.contains("a passcode has 1 to 1024 bytes"), "{said}");
}

#[tokio::test]
async fn whoever_gets_it_wrong_is_told_so_in_words() {
    let keyed = vault(1, 0).await;
    let ana = Client::enter(keyed.base(0), "hall", Entrance::aware(), "ana").await;
    let id = agent(&ana).await;
    let cases: &[(&[&str], &str, &str)] = &[
        (&["room", "create", VAULT], PASSCODE, "there is a room vault already"),
        (&["room", "create", "hall", "--public"], "", "there is a room hall already"),
        (&["room", "create", "den"], "", "a passcode has 1 to 1024 bytes"),
        (&["room", "create", "den"], "\nsecond line\n", "a passcode has 1 to 1024 bytes"),
        (&["room", "create", "Den"], PASSCODE, "not a room name"),
        (&["room", "create"], PASSCODE, "<ROOM>"),
        (&["room", "passcode", "nowhere"], PASSCODE, "there is no private room nowhere"),
        (&["room", "passcode", "hall"], PASSCODE, "there is no private room hall"),
        (&["room", "passcode", VAULT], "", "a passcode has 1 to 1024 bytes"),
        (&["room", "show", "nowhere"], "", "there is no room nowhere"),
        (&["room", "delete", "nowhere"], "", "room not found"),
        (&["room", "rotate-key", "nowhere"], "", "room not found"),
        (&["room", "rotate-key", "hall"], "", "room not found"),
        (&["room", "rewrap", "nowhere"], "", "room not found"),
        (&["room", "rename", VAULT], "", "unrecognized subcommand"),
        (&["manager", "add", VAULT, "ana"], "", "an agent's id begins with `agent:` or `bot:`"),
        (&["manager", "add", "nowhere", &id], "", "there is no room nowhere"),
        (&["manager", "remove", VAULT, &id], "", "is no manager of vault"),
        (&["manager", "remove", VAULT, "ana"], "", "an agent's id begins with `agent:` or `bot:`"),
        (&["keys"], "", "rotate-master"),
    ];
    for (words, input, sentence) in cases {
        let said = refused(&keyed, words, input).await;
        assert!(said.contains(sentence), "{words:?}: {said}");
    }
    assert_eq!(done(&keyed, &["room", "list"], "").await, "hall public\nvault private\n", "nothing was done");
    ana.send("nobody noticed", &[]).await;
}

#[tokio::test]
async fn commands_without_the_keys_that_they_need_change_nothing() {
    let keyed = vault(1, 0).await;
    let other = "00".repeat(32);
    let none: &[(&str, &str)] = &[("keys.master", "")];
    let wrong: &[(&str, &str)] = &[("keys.master", &other)];
    let bad: &[(&str, &str)] = &[("keys.master", "hunter2")];
    let away: &[(&str, &str)] = &[("database.url", "postgres://postgres@127.0.0.1:1/heim")];
    let cases: [(&[&str], _, &str); 8] = [
        (&["room", "create", "den"], none, "keys.master"),
        (&["room", "rotate-key", VAULT], none, "keys.master"),
        (&["room", "rewrap", VAULT], none, "keys.master"),
        (&["keys", "rotate-master"], none, "keys.master"),
        (&["room", "rewrap", VAULT], wrong, "keys.previous"),
        (&["keys", "rotate-master"], wrong, "keys.previous"),
        (&["room", "list"], bad, "keys.master is no master key"),
        (&["room", "list"], away, "database"),
    ];
    for (words, settings, hint) in cases {
        let said = keyed.admin_with(words, PASSCODE, settings).await;
        assert!(!said.success && said.out.is_empty(), "{words:?} {settings:?}: {said:?}");
        assert!(said.error.contains(hint), "{words:?}: {said:?}");
        assert!(!said.error.contains("hunter2") && !said.error.contains(&other), "a key is shown: {said:?}");
    }
    let ana = enter(&keyed, 0, "ana").await;
    assert_eq!(ana.command("log", json!({ "n": 1 })).await["log"], Value::Array(Vec::new()));
    assert_eq!(done(&keyed, &["room", "list"], "").await, "vault private\n");
}

#[tokio::test]
async fn a_database_without_a_schema_is_named_with_what_to_do() {
    let keyed = Keyed::start(0, 0).await;
    let url = keyed.fleet.database_url();
    let (server, name) = url.rsplit_once('/').expect("a database's name comes last");
    sql(url, &format!("CREATE DATABASE {name}_empty")).await;
    let said = keyed.admin_with(&["room", "list"], "", &[("database.url", &format!("{server}/{name}_empty"))]).await;
    assert!(!said.success && said.error.contains("heim-coordinator migrate"), "{said:?}");
}
