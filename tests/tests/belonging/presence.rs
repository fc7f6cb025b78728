//! Who is in a room: the same at every coordinator, also when one of them dies.

use crate::vault::{enter, vault};
use heim_common::session::SessionView;
use heim_tests::{
    client::{Client, Entrance},
    keyed::Keyed,
    sharing::all_heard,
};
use serde_json::{Value, json};

/// Whom a session is told to be there, by nick.
async fn who(client: &Client) -> Vec<String> {
    let listing = client.command("who", Value::Null).await["listing"].take();
    let sessions: Vec<SessionView> = serde_json::from_value(listing).expect("sessions");
    sessions.into_iter().map(|session| session.name).collect()
}

#[tokio::test]
async fn all_coordinators_agree_on_who_is_there() {
    let keyed = Keyed::start(2, 0).await;
    let ana = Client::enter(keyed.base(0), "hall", Entrance::aware(), "ana").await;
    let ben = Client::enter(keyed.base(1), "hall", Entrance::unaware(), "ben").await;
    let other = Client::enter(keyed.base(1), "attic", Entrance::unaware(), "dora").await;
    let joined = ana.event("join-event").await;
    assert_eq!(
        (&joined["name"], &joined["session_id"]),
        (&json!(""), &ben.event("hello-event").await["session"]["session_id"])
    );
    let chosen = ana.event("nick-event").await;
    assert_eq!((&chosen["from"], &chosen["to"]), (&json!(""), &json!("ben")));
    for client in [&ana, &ben] {
        assert_eq!(who(client).await, ["ana", "ben"]);
    }
    let cleo = Client::enter(keyed.base(0), "hall", Entrance::aware(), "cleo").await;
    let listing = cleo.event("snapshot-event").await["listing"].take();
    let names: Vec<_> = listing.as_array().expect("a list").iter().map(|session| session["name"].clone()).collect();
    assert_eq!(names, ["ana", "ben"], "the others, sorted");
    all_heard(&cleo, &ben).await;
    let gone = ben.event("hello-event").await["session"]["session_id"].clone();
    ben.cut();
    for client in [&ana, &cleo] {
        assert_eq!(client.event("part-event").await["session_id"], gone);
        assert_eq!(client.heard.of("part-event").len(), 1);
        assert_eq!(who(client).await.len(), 2);
    }
    assert!(other.heard.of("join-event").is_empty() && other.heard.of("part-event").is_empty());
    assert_eq!(who(&other).await, ["dora"]);
}

#[tokio::test]
async fn the_death_of_a_coordinator_is_told_in_the_rooms_where_it_had_sessions() {
    let mut keyed = vault(2, 0).await;
    let public = Client::enter(keyed.base(0), "hall", Entrance::unaware(), "ana").await;
    let private = enter(&keyed, 0, "ana").await;
    let elsewhere = Client::enter(keyed.base(0), "attic", Entrance::aware(), "cleo").await;
    let lost = [
        Client::enter(keyed.base(1), "hall", Entrance::aware(), "ben").await,
        Client::enter(keyed.base(1), "hall", Entrance::aware(), "bert").await,
        enter(&keyed, 1, "ben").await,
    ];
    let hello = lost[0].event("hello-event").await;
    all_heard(&lost[1], &public).await;
    all_heard(&lost[2], &private).await;
    keyed.fleet.coordinators[1].kill9().await;
    let (id, era) = (&hello["session"]["server_id"], &hello["session"]["server_era"]);
    let told = json!({ "type": "partition", "server_id": id, "server_era": era });
    for client in [&public, &private] {
        assert_eq!(client.event("network-event").await, told);
        assert_eq!(who(client).await, ["ana"]);
        // heim says it once for all sessions, and nothing of each of them.
        assert_eq!((client.heard.of("network-event").len(), client.heard.of("part-event").len()), (1, 0));
    }
    assert_eq!(who(&elsewhere).await, ["cleo"]);
    assert!(elsewhere.heard.of("network-event").is_empty());
    // The room goes on, and whoever lost their coordinator comes back by another.
    let back = enter(&keyed, 0, "ben").await;
    assert_eq!(who(&back).await, ["ana", "ben"]);
    keyed.add_coordinator(&[]).await;
    let again = Client::enter(keyed.base(2), "hall", Entrance::aware(), "bert").await;
    assert_eq!(who(&again).await, ["ana", "bert"]);
}
