//! From the handshake to the snapshot; who is told of it; cookies and origins.

use heim_common::Snowflake;
use heim_tests::{
    client::{Client, Entrance},
    packets::Ending,
    standalone::Standalone,
    until::until,
};
use serde_json::{Value, json};

fn is_snowflake(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 13 && text.parse::<Snowflake>().is_ok_and(|id| id.0 != 0)
}

#[tokio::test]
async fn hello_ping_and_snapshot_come_in_this_order() {
    let heim = Standalone::start().await;
    let bot = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let heard = bot.heard.all();
    let kinds: Vec<_> = heard.iter().map(|heard| heard.kind().to_owned()).collect();
    assert_eq!(kinds[..3], ["hello-event", "ping-event", "snapshot-event"]);
    assert!(heard[..3].iter().all(|heard| heard.packet.get("id").is_none() && heard.packet.get("error").is_none()));

    let hello = heard[0].data();
    let session = &hello["session"];
    assert_eq!(
        (&hello["room_is_private"], &session["name"], &session["id"]),
        (&json!(false), &json!(""), &hello["id"])
    );
    assert!(hello["version"].is_string() && session["server_id"].is_string());
    assert!(is_snowflake(&session["server_era"]), "{session}");
    let id = hello["id"].as_str().unwrap();
    assert!(id.starts_with("bot:") && id.len() == "bot:".len() + 12, "{id}: without h=1 it is a bot");
    let session_id = session["session_id"].as_str().unwrap();
    let (agent, counter) = session_id.split_once('-').unwrap();
    assert_eq!((agent.len(), counter.len()), (24, 16), "{session_id}");
    assert!([agent, counter].iter().all(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())), "{session_id}");

    let ping = heard[1].data();
    assert_eq!(ping["next"].as_i64().unwrap() - ping["time"].as_i64().unwrap(), 30, "integers, in seconds");

    let snapshot = heard[2].data();
    assert_eq!((&snapshot["identity"], &snapshot["session_id"]), (&hello["id"], &session["session_id"]));
    assert_eq!((&snapshot["listing"], &snapshot["log"]), (&json!([]), &json!([])), "lists, never null");
    assert!(snapshot["version"].is_string());
    assert!(snapshot.get("nick").is_none(), "left out when there is none: {snapshot}");
}

#[tokio::test]
async fn a_person_is_an_agent_and_the_kind_is_fixed_with_the_cookie() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance { human: true, ..Entrance::default() }).await;
    let id = ana.event("hello-event").await["id"].clone();
    assert!(id.as_str().unwrap().starts_with("agent:"), "{id}");
    let back = Entrance { cookie: Some(ana.cookie()), ..Entrance::default() };
    let again = Client::join(heim.base(), "welcome", back).await;
    let hello = again.event("hello-event").await;
    assert_eq!(hello["id"], id, "also without h=1");
    assert_ne!(hello["session"]["session_id"], ana.event("hello-event").await["session"]["session_id"]);
}

#[tokio::test]
async fn every_handshake_sets_the_cookie_and_a_bad_one_makes_a_new_agent() {
    let heim = Standalone::start().await;
    let first = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let cookie = first.cookie();
    let header = first.handshake["set-cookie"].to_str().unwrap();
    for attribute in ["Path=/", "HttpOnly"] {
        assert!(header.contains(attribute), "{header}");
    }
    assert!(header.contains("Max-Age=31536000") || header.contains("Expires="), "{header}");
    assert!(!header.contains("Secure"), "over plain HTTP it would be lost: {header}");
    let id = async |cookie: &str| {
        let entrance = Entrance { cookie: Some(cookie.to_owned()), ..Entrance::default() };
        let client = Client::join(heim.base(), "welcome", entrance).await;
        assert!(client.handshake.contains_key("set-cookie"), "{cookie}");
        client.event("hello-event").await["id"].clone()
    };
    let known = first.event("hello-event").await["id"].clone();
    assert_eq!(id(&cookie).await, known);
    assert_eq!(id(&format!("theme=dark; {cookie}; x=y")).await, known);
    let (head, tail) = cookie.split_at(cookie.len() - 1);
    let forged = format!("{head}{}", if tail == "A" { "B" } else { "A" });
    for bad in ["a=", "a=x.y", "b=1", &forged, &cookie[..20]] {
        assert_ne!(id(bad).await, known, "{bad}");
    }
}

#[tokio::test]
async fn the_subprotocol_is_echoed_only_where_it_was_offered() {
    let heim = Standalone::start().await;
    let echoed = async |offered: Option<&str>| {
        let entrance = Entrance { protocol: offered.map(str::to_owned), ..Entrance::default() };
        let client = Client::join(heim.base(), "welcome", entrance).await;
        client.handshake.get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(echoed(Some("heim1")).await.as_deref(), Some("heim1"));
    assert_eq!(echoed(Some("other, heim1")).await.as_deref(), Some("heim1"));
    assert_eq!(echoed(None).await, None, "a bot would not know what to do with it");
}

#[tokio::test]
async fn pages_of_other_sites_are_turned_away() {
    let heim = Standalone::start().await;
    let own = heim.base().to_owned();
    let host = own.strip_prefix("http://").unwrap();
    let connect = async |origin: &str| {
        Client::connect(heim.base(), "welcome", Entrance { origin: Some(origin.to_owned()), ..Entrance::default() })
            .await
    };
    for welcome in
        [own.clone(), format!("https://www.{host}"), format!("https://alpha.{host}"), "http://localhost:8080".into()]
    {
        assert!(connect(&welcome).await.is_ok(), "{welcome}");
    }
    for foreign in ["https://evil.example", "http://127.0.0.1:1", &format!("https://evil.{host}"), "file://", "garbage"]
    {
        let Err(refused) = connect(foreign).await else { panic!("{foreign} came in") };
        assert_eq!((refused.status, refused.code.as_str()), (403, "foreign-origin"), "{foreign}");
    }
}

#[tokio::test]
async fn a_sandboxed_page_comes_in_as_somebody_new() {
    let heim = Standalone::start().await;
    let ana = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let sandboxed = Entrance { cookie: Some(ana.cookie()), origin: Some("null".to_owned()), ..Entrance::default() };
    let page = Client::join(heim.base(), "welcome", sandboxed).await;
    assert_ne!(page.event("hello-event").await["id"], ana.event("hello-event").await["id"]);
}

#[tokio::test]
async fn others_hear_who_joins_and_who_leaves() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let elsewhere = Client::join(heim.base(), "elsewhere", Entrance::unaware()).await;
    let ben = Client::join(heim.base(), "welcome", Entrance::unaware()).await;
    let view = ben.event("hello-event").await["session"].clone();
    assert_eq!(ana.event("join-event").await, view, "a session's view, with an empty name");
    let listing = ben.event("snapshot-event").await["listing"].clone();
    assert_eq!(listing.as_array().unwrap().len(), 1, "the others only: {listing}");
    assert_eq!(listing[0]["name"], "ana");

    ben.command("nick", json!({ "name": "ben" })).await;
    let mut named = view.clone();
    named["name"] = json!("ben");
    ben.cut();
    assert_eq!(ana.event("part-event").await, named);
    let who = until("the list is short again", async || {
        let who = ana.command("who", json!({})).await;
        (who["listing"].as_array().unwrap().len() == 1).then_some(who)
    });
    assert_eq!(who.await["listing"][0]["name"], "ana");
    for kind in ["join-event", "part-event"] {
        assert_eq!(elsewhere.heard.of(kind), Vec::<Value>::new(), "another room");
    }
    assert_eq!(ana.heard.of("join-event").len(), 1, "its own join is not news to it");
}

#[tokio::test]
async fn a_nick_is_remembered_in_its_room() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    let back = || Entrance { cookie: Some(ana.cookie()), ..Entrance::default() };
    let again = Client::join(heim.base(), "welcome", back()).await;
    assert_eq!(again.event("snapshot-event").await["nick"], "ana");
    assert_eq!(ana.event("join-event").await["name"], "ana");
    let elsewhere = Client::join(heim.base(), "elsewhere", back()).await;
    assert!(elsewhere.event("snapshot-event").await.get("nick").is_none());
}

#[tokio::test]
async fn a_restart_says_goodbye_and_rooms_survive_it() {
    let mut heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::unaware(), "ana").await;
    ana.send("before", &[]).await;
    heim.process.terminate();
    assert_eq!(ana.heard.ending().await, Ending::Closed(Some(1012)), "service restart");
    assert!(heim.process.ended().await.success(), "{}", heim.process.log());
}
