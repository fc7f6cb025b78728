//! What the shell tells agrees with the rows.

use crate::shell::{asked, audit, refused, tried};
use heim_common::job::Lane;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    sharing::{NAMES, finished, share_accepted},
    sql::{number, sql},
    until::until,
};
use serde_json::{Value, json};

#[tokio::test]
async fn lanes_and_usage_agree_with_the_rows() {
    let keyed = Keyed::start(1, 1).await;
    let url = keyed.fleet.database_url();
    let ana = Client::enter(keyed.base(0), "one", Entrance::aware(), "ana").await;
    let ben = Client::enter(keyed.base(0), "two", Entrance::aware(), "ben").await;
    for client in [&ana, &ana, &ben] {
        let id = share_accepted(client, corpus::read(corpus::SMALL)).await;
        finished(client, id).await;
    }
    heim_tests::truth::settled(&keyed.fleet.database().await).await;
    let usage = asked(&keyed, &["usage"]).await;
    assert_eq!((&usage["by"], &usage["usage"][0]["name"]), (&json!("room"), &json!("one")));
    for (word, column) in [("--room", "room"), ("--agent", "agent_id")] {
        let usage = asked(&keyed, &["usage", word]).await;
        let all = usage["usage"].as_array().expect("rows");
        assert_eq!(all.len(), 2, "{usage}");
        for one in all {
            let name = one["name"].as_str().expect("a name");
            let of_it = format!("FROM media_transcoding JOIN media_object ON id = media_id WHERE {column} = '{name}'");
            let bytes = number(url, &format!("SELECT sum(media_transcoding.size) {of_it}")).await;
            let objects = number(url, &format!("SELECT count(*) {of_it}")).await;
            assert_eq!((&one["bytes"], &one["objects"]), (&json!(bytes), &json!(objects)), "{usage}");
            assert_eq!(json!(objects / 5), one["media_objects"], "{} names each", NAMES.len());
            assert_eq!(asked(&keyed, &["usage", word, name]).await["usage"], json!([one]));
        }
    }
    let lanes = asked(&keyed, &["lane", "list"]).await;
    assert_eq!(lanes["lanes"].as_array().map(Vec::len), Some(Lane::ALL.len()));
    let lane = &lanes["lanes"][0];
    assert_eq!(
        (&lane["lane"], &lane["pending"], &lane["paused_since"]),
        (&json!("interactive"), &json!(0), &Value::Null)
    );
    for time in ["hour", "day"] {
        assert_eq!((&lane[time]["arrived"], &lane[time]["done"]), (&json!(3), &json!(3)), "{lane}");
        let longest = number(url, "SELECT max(ended - began) FROM attempt").await;
        assert_eq!(lane[time]["run_ms"]["p95"], longest, "the longest of three");
        let waited = number(url, "SELECT max(waited) FROM attempt").await;
        assert_eq!(lane[time]["wait_ms"]["p95"], waited);
    }
}

#[tokio::test]
async fn a_paused_lane_is_told_and_goes_on() {
    let keyed = Keyed::start(1, 1).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    assert_eq!(tried(&keyed, &["lane", "pause", "interactive"]).await["changed"], json!(["interactive"]));
    let paused = async || asked(&keyed, &["lane", "list"]).await["lanes"][0]["paused_since"].is_number();
    assert!(!paused().await);
    assert_eq!(asked(&keyed, &["lane", "pause", "interactive"]).await["count"], 1);
    assert_eq!(asked(&keyed, &["lane", "pause", "interactive"]).await["count"], 0, "it is paused");
    assert!(paused().await);
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let depth = asked(&keyed, &["lane", "list"]).await;
    assert_eq!(depth["lanes"][0]["pending"], 1, "{depth}");
    assert_eq!(asked(&keyed, &["lane", "resume", "all"]).await["changed"], json!(["interactive"]));
    finished(&ana, id).await;
    let lines = ["pause interactive dry 1", "pause interactive 1", "pause interactive 0", "resume all 1"];
    assert_eq!(audit(&keyed).await, lines.map(|line| format!("shell:unknown lane {line}")));
}

#[tokio::test]
async fn orphans_are_removed_when_an_operator_says_so_and_only_orphans() {
    let settings = [("retention.orphans_s", "1"), ("limits.body_timeout_ms", "10000")];
    let keyed = Keyed::with(1, 1, &settings).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let text = id.to_string();
    let orphan = format!("media/{}/{text}/thumb-160.v999", &text[..6]);
    std::fs::write(keyed.fleet.store().join(&orphan), b"nobody's").expect("the store is a folder");
    until("it is noted", async || {
        let strays = asked(&keyed, &["orphan", "list"]).await;
        (strays["strays"][0]["name"] == *orphan).then_some(())
    })
    .await;
    let soon = refused(&keyed, &["orphan", "remove", &orphan]).await;
    assert!(soon.contains("for long enough"), "an upload before its commit looks like it: {soon}");
    sql(keyed.fleet.database_url(), "UPDATE stray SET seen = seen - 3600000").await;
    assert_eq!(tried(&keyed, &["orphan", "remove", "--all"]).await["objects"], json!([orphan]));
    assert_eq!(asked(&keyed, &["orphan", "remove", "--all"]).await["objects"], json!([orphan]));
    assert_eq!(keyed.fleet.stored().len(), NAMES.len(), "what rows name is there");
    let audit = audit(&keyed).await;
    assert_eq!(
        audit[1..],
        ["orphan remove all dry 1", "orphan remove all 1"].map(|line| format!("shell:unknown {line}"))
    );
}

#[tokio::test]
async fn keys_and_rooms_answer_in_json_and_the_api_is_audited_too() {
    let keyed = Keyed::start(1, 0).await;
    keyed.operator(0).make_private("vault", "sesame").await;
    let made = keyed.admin(&["room", "create", "den", "--json"], "open up\n").await;
    assert_eq!(serde_json::from_str::<Value>(&made.out).expect("JSON")["created"], true);
    let rooms = asked(&keyed, &["room", "list"]).await;
    assert_eq!(rooms["rooms"], json!([{ "room": "den", "private": true }, { "room": "vault", "private": true }]));
    let key = asked(&keyed, &["room", "rotate-key", "vault"]).await["key"].clone();
    assert_eq!(asked(&keyed, &["room", "show", "vault"]).await["key"], key);
    assert_eq!(tried(&keyed, &["room", "rewrap", "vault"]).await["keys_removed"], 1);
    assert_eq!(asked(&keyed, &["room", "rewrap", "vault"]).await["keys_removed"], 1);
    for (words, dry_run) in [(&["keys", "rotate-master"][..], false), (&["keys", "rotate-master", "--dry-run"], true)] {
        let expected = json!({ "rewrapped": 0, "left": 0, "dry_run": dry_run });
        assert_eq!(asked(&keyed, words).await, expected);
    }
    let agent = "agent:9fX19fX19fU=";
    keyed.operator(0).make_manager("den", agent).await;
    assert_eq!(tried(&keyed, &["manager", "remove", "den", agent]).await["manager"], true);
    let epoch = async || asked(&keyed, &["room", "show", "den"]).await["epoch"].clone();
    let before = epoch().await;
    for (passcode, dry_run, changed) in
        [("another\n", true, true), ("open up\n", true, false), ("open up\n", false, false), ("another\n", false, true)]
    {
        let words = ["room", "passcode", "den", "--json", "--dry-run"];
        let said = keyed.admin(&words[..if dry_run { 5 } else { 4 }], passcode).await;
        let said: Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!(said, json!({ "room": "den", "changed": changed, "dry_run": dry_run }));
        assert_eq!(epoch().await == before, dry_run || !changed, "who is in it stays");
    }
    let said = keyed.admin(&["room", "passcode", "den", "--dry-run"], "\n").await;
    assert!(!said.success, "an empty one is refused: {said:?}");
    assert_eq!(asked(&keyed, &["room", "show", "den"]).await["managers"], json!([agent]));
    assert_eq!(tried(&keyed, &["room", "delete", "den"]).await["media_objects"], 0);
    keyed.operator(0).delete_room("den").await;
    assert_eq!(
        audit(&keyed).await,
        [
            "token room make vault 1",
            "shell:unknown room make den 1",
            "shell:unknown room rotate-key vault 1",
            "shell:unknown room rewrap vault dry 0",
            "shell:unknown room rewrap vault 0",
            "shell:unknown keys rotate-master all 0",
            "shell:unknown keys rotate-master all dry 0",
            "token manager add room=den agent=agent:9fX19fX19fU= 1",
            "shell:unknown manager remove room=den agent=agent:9fX19fX19fU= dry 1",
            "shell:unknown room make den dry 1",
            "shell:unknown room make den dry 0",
            "shell:unknown room make den 0",
            "shell:unknown room make den 1",
            "shell:unknown room make den dry null",
            "shell:unknown room delete den dry 1",
            "token room delete den 1",
        ]
    );
    let told = number(keyed.fleet.database_url(), "SELECT count(*) FROM audit").await;
    assert_eq!(told, 16, "to look is not to do");
}
