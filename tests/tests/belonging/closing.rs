//! A room is closed to those who are in it: its passcode changes, or it is
//! deleted. They go at once, wherever they are.

use crate::vault::{PASSCODE, VAULT, again, enter, is_sent_away, make_when_free, vault};
use futures_util::future::join_all;
use heim_tests::{
    admitted::{admitted, knock, say},
    client::{Client, Entrance},
    keyed::Keyed,
    packets::Heard,
    until::until,
};
use serde_json::{Value, json};

const ANOTHER: &str = "open up";
const CHANGED: &str = "access changed";
const DELETED: &str = "room deleted";

/// Whether a session heard that this was said.
fn heard(client: &Client, content: &str) -> bool {
    client.heard.all().iter().any(|heard| heard.packet.to_string().contains(content))
}

async fn comes_back(keyed: &Keyed, coordinator: usize, client: &Client, passcode: &str) -> Client {
    let back = knock(keyed.base(coordinator), VAULT, again(client)).await;
    let wrong = json!({ "success": false, "reason": "passcode incorrect" });
    assert_eq!(say(&back, PASSCODE).await, wrong, "the old passcode");
    assert_eq!(say(&back, passcode).await, json!({ "success": true }));
    back.event("snapshot-event").await;
    back
}

#[tokio::test]
async fn another_passcode_sends_everybody_away_at_all_coordinators() {
    let keyed = vault(2, 0).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let cleo = knock(keyed.base(1), VAULT, Entrance::aware()).await;
    let elsewhere = Client::enter(keyed.base(1), "hall", Entrance::aware(), "dora").await;
    let said = ana.send("before", &[]).await;
    keyed.operator(0).change_passcode(VAULT, ANOTHER).await;
    is_sent_away(&ana, CHANGED).await;
    is_sent_away(&ben, CHANGED).await;
    let ana = comes_back(&keyed, 1, &ana, ANOTHER).await;
    let snapshot = ana.event("snapshot-event").await;
    assert_eq!((&snapshot["listing"], &snapshot["nick"]), (&json!([]), &json!("ana")));
    assert_eq!(snapshot["log"][0]["id"], said["id"], "what was said stays");
    // Whoever stood before the door, or was in another room, has not moved.
    assert_eq!(say(&cleo, ANOTHER).await, json!({ "success": true }));
    elsewhere.send("what was that noise?", &[]).await;
}

#[tokio::test]
async fn another_passcode_by_the_command_line_sends_everybody_away_too() {
    let keyed = vault(2, 0).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let said = keyed.admin(&["room", "passcode", VAULT], &format!("{ANOTHER}\n")).await;
    assert!(said.success, "{said:?}");
    is_sent_away(&ana, CHANGED).await;
    is_sent_away(&ben, CHANGED).await;
    comes_back(&keyed, 0, &ben, ANOTHER).await;
    let dora = admitted(keyed.base(1), VAULT, ANOTHER, Entrance::aware(), "dora").await;
    let said = keyed.admin(&["room", "delete", VAULT], "").await;
    assert!(said.success, "{said:?}");
    is_sent_away(&dora, DELETED).await;
}

/// Whoever is closed out while no news goes from one coordinator to another:
/// `ben` at the second one, when it is the first that changes the passcode.
async fn closed_while_redis_is_down(keyed: &mut Keyed) -> Client {
    let ben = enter(keyed, 1, "ben").await;
    keyed.fleet.redis.kill9();
    keyed.operator(0).change_passcode(VAULT, ANOTHER).await;
    ben
}

#[tokio::test]
async fn without_redis_the_next_command_of_whoever_was_closed_out_is_the_last() {
    let mut keyed = vault(2, 0).await;
    let ben = closed_while_redis_is_down(&mut keyed).await;
    let ana = admitted(keyed.base(0), VAULT, ANOTHER, Entrance::aware(), "ana").await;
    let ask = json!({ "id": "last", "type": "send", "data": { "content": "I am still in" } });
    assert!(ben.text(ask.to_string()).await);
    is_sent_away(&ben, CHANGED).await;
    assert!(ben.heard.all().iter().all(|heard| heard.packet["id"] != "last"), "and has no reply: {ben:?}");
    assert_eq!(ana.command("log", json!({ "n": 10 })).await["log"], json!([]), "nor an effect");
}

#[tokio::test]
async fn without_redis_whoever_was_closed_out_hears_nothing_more() {
    let mut keyed = vault(2, 0).await;
    let ben = closed_while_redis_is_down(&mut keyed).await;
    let ana = admitted(keyed.base(0), VAULT, ANOTHER, Entrance::aware(), "ana").await;
    let cleo = admitted(keyed.base(1), VAULT, ANOTHER, Entrance::aware(), "cleo").await;
    // Told at the first coordinator, and found in the rows by the second.
    ana.send("not for ben", &[]).await;
    cleo.send("nor is this", &[]).await;
    is_sent_away(&ben, CHANGED).await;
    let found = |heard: &[Heard]| heard.iter().any(|heard| heard.data()["content"] == "not for ben").then_some(());
    cleo.heard.wait_for("what was said at the other coordinator", found).await;
    assert!(!heard(&ben, "not for ben") && !heard(&ben, "nor is this"), "{ben:?}");
    // The names of those who came since are none of ben's business either.
    assert!(!heard(&ben, "cleo") && !heard(&ben, "ana"), "{ben:?}");
}

#[tokio::test]
async fn without_redis_whoever_was_closed_out_goes_without_being_asked() {
    let mut keyed = vault(2, 0).await;
    let ben = closed_while_redis_is_down(&mut keyed).await;
    is_sent_away(&ben, CHANGED).await;
    keyed.fleet.redis.restart();
    comes_back(&keyed, 1, &ben, ANOTHER).await;
}

#[tokio::test]
async fn a_deleted_room_sends_everybody_away_and_is_another_one_when_it_is_made_again() {
    let keyed = vault(2, 0).await;
    let operator = keyed.operator(1);
    let in_vault = [enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await];
    let in_hall = [
        Client::enter(keyed.base(0), "hall", Entrance::aware(), "ana").await,
        Client::enter(keyed.base(1), "hall", Entrance::unaware(), "ben").await,
    ];
    let epoch = operator.ask(reqwest::Method::GET, VAULT, &Value::Null).await.json()["epoch"].as_i64();
    in_vault[0].send("old words", &[]).await;
    in_hall[0].send("old words", &[]).await;
    operator.delete_room(VAULT).await;
    operator.delete_room("hall").await;
    for client in in_vault.iter().chain(&in_hall) {
        is_sent_away(client, DELETED).await;
    }
    let gone = operator.ask(reqwest::Method::DELETE, VAULT, &Value::Null).await;
    assert_eq!(gone.refusal(), (404, "room-not-found".into()), "it is deleted once");
    make_when_free(&keyed.operator(0), VAULT, ANOTHER).await;
    let again = operator.ask(reqwest::Method::GET, VAULT, &Value::Null).await.json();
    assert!(again["epoch"].as_i64() > epoch, "whoever knew the old room is not in the new one");
    let ana = admitted(keyed.base(1), VAULT, ANOTHER, self::again(&in_vault[0]), "ana").await;
    let snapshot = ana.event("snapshot-event").await;
    assert_eq!((&snapshot["log"], snapshot.get("nick")), (&json!([]), None), "nothing of the old room is left");
    let hall =
        until("the other name is free", async || Client::connect(keyed.base(0), "hall", Entrance::aware()).await.ok())
            .await;
    assert_eq!(hall.event("snapshot-event").await["log"], json!([]));
}

#[tokio::test]
async fn whoever_comes_in_while_the_passcode_changes_is_not_left_inside() {
    let keyed = vault(2, 0).await;
    for round in 0..4 {
        let (old, new) = (format!("word {round}"), format!("word {}", round + 1));
        keyed.operator(0).put_private(VAULT, &old).await;
        let mut knocking = Vec::new();
        for at in 0..6 {
            knocking.push(knock(keyed.base(at % 2), VAULT, Entrance::aware()).await);
        }
        let auth = knocking.iter().map(|client| say(client, &old));
        let operator = keyed.operator(round % 2);
        let (said, ()) = tokio::join!(join_all(auth), operator.change_passcode(VAULT, &new));
        let ana = admitted(keyed.base(0), VAULT, &new, Entrance::aware(), "ana").await;
        let secret = format!("after the change of round {round}");
        ana.send(&secret, &[]).await;
        for (client, said) in knocking.iter().zip(said) {
            if said["success"] == true {
                is_sent_away(client, CHANGED).await;
            } else {
                assert_eq!(client.refused("who", Value::Null).await, "access denied, please authenticate");
            }
            assert!(!heard(client, &secret), "{client:?}");
        }
        assert_eq!(ana.command("who", Value::Null).await["listing"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn access_can_be_taken_away_while_redis_is_down() {
    let mut keyed = vault(1, 0).await;
    let ana = enter(&keyed, 0, "ana").await;
    keyed.fleet.redis.kill9();
    let said = keyed.admin(&["room", "passcode", VAULT], &format!("{ANOTHER}\n")).await;
    assert!(said.success && said.out == "vault has another passcode\n", "{said:?}");
    is_sent_away(&ana, CHANGED).await;
    let said = keyed.admin(&["room", "delete", VAULT], "").await;
    assert!(said.success, "{said:?}");
    keyed.fleet.redis.restart();
}
