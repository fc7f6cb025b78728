//! Private rooms by the API: made, shown, changed, deleted.

use crate::vault::{PASSCODE, VAULT, agent, enter, vault};
use futures_util::future::join_all;
use heim_common::session::SessionView;
use heim_tests::{
    admitted::knock,
    client::{Client, Entrance},
    keyed::{Keyed, TOKEN},
    operator::Operator,
    sql::number,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

fn private(passcode: &str) -> Value {
    json!({ "private": true, "passcode": passcode })
}

#[tokio::test]
async fn a_room_is_made_shown_and_made_again_without_harm() {
    let keyed = Keyed::start(2, 0).await;
    let (operator, other) = (keyed.operator(0), keyed.operator(1));
    assert_eq!(operator.ask(Method::GET, VAULT, &Value::Null).await.refusal(), (404, "room-not-found".into()));
    let made = operator.ask(Method::PUT, VAULT, &private(PASSCODE)).await;
    assert_eq!(made.status, 201);
    let room = made.json();
    assert_eq!((&room["name"], &room["private"], &room["managers"]), (&json!(VAULT), &json!(true), &json!([])));
    assert!(room["epoch"].is_i64() && room["created"].is_i64(), "{room}");
    assert!(!made.json().to_string().contains(PASSCODE), "nobody is told the passcode");
    let ana = enter(&keyed, 1, "ana").await;
    let again = other.ask(Method::PUT, VAULT, &private(PASSCODE)).await;
    assert_eq!((again.status, again.json()), (200, room.clone()));
    assert_eq!(other.ask(Method::GET, VAULT, &Value::Null).await.json(), room);
    // Nobody is sent away by what changes nothing.
    ana.send("still here", &[]).await;
    let hall = operator.ask(Method::PUT, "hall", &json!({ "private": false })).await;
    assert_eq!((hall.status, &hall.json()["private"]), (201, &json!(false)));
    assert_eq!(other.ask(Method::PUT, "hall", &json!({ "private": false })).await.status, 200);
}

#[tokio::test]
async fn no_room_becomes_another_kind_of_room() {
    let keyed = vault(1, 0).await;
    let operator = keyed.operator(0);
    let ana = Client::enter(keyed.base(0), "hall", Entrance::aware(), "ana").await;
    let exists = (409, "room-exists".to_owned());
    assert_eq!(operator.ask(Method::PUT, "hall", &private(PASSCODE)).await.refusal(), exists);
    assert_eq!(operator.ask(Method::PUT, VAULT, &json!({ "private": false })).await.refusal(), exists);
    ana.send("still public", &[]).await;
    knock(keyed.base(0), VAULT, Entrance::aware()).await;
}

/// Every call of the API, with a body that it would understand.
fn calls() -> Vec<(Method, &'static str, Value)> {
    let agent = "agent:AAAAAAAAAAA=";
    let manager: &str = Box::leak(format!("{VAULT}/managers/{agent}").into_boxed_str());
    vec![
        (Method::PUT, VAULT, private("another one")),
        (Method::GET, VAULT, Value::Null),
        (Method::DELETE, VAULT, Value::Null),
        (Method::POST, "vault/keys", Value::Null),
        (Method::PUT, manager, Value::Null),
        (Method::DELETE, manager, Value::Null),
        (Method::DELETE, "vault/messages/0c1oft7ew7ojk", Value::Null),
    ]
}

async fn without_a_token(base: &str, method: Method, path: &str, body: &Value) -> Answer {
    answer(Web::default().request(method, &format!("{base}/api/v1/rooms/{path}")).json(body)).await
}

#[tokio::test]
async fn nobody_calls_the_api_without_its_token() {
    let mut keyed = vault(1, 0).await;
    let epoch = keyed.operator(0).ask(Method::GET, VAULT, &Value::Null).await.json()["epoch"].clone();
    keyed.add_coordinator(&[("admin.token", "")]).await;
    for (method, path, body) in calls() {
        let refused = without_a_token(keyed.base(0), method.clone(), path, &body).await;
        assert_eq!(refused.refusal(), (401, "authorization-required".into()), "{method} {path}");
        assert!(refused.header("www-authenticate").starts_with("Bearer "), "{method} {path}");
        for wrong in ["x", &TOKEN[1..], &TOKEN.to_uppercase(), ""] {
            let refused = Operator::new(keyed.base(0), wrong).ask(method.clone(), path, &body).await;
            assert!([401, 403].contains(&refused.status), "{method} {path} {wrong:?}: {refused:?}");
        }
        // Where no token is configured, none is right.
        for token in [TOKEN, ""] {
            let refused = Operator::new(keyed.base(1), token).ask(method.clone(), path, &body).await;
            assert!([401, 403].contains(&refused.status), "{method} {path}: {refused:?}");
        }
    }
    let room = keyed.operator(0).ask(Method::GET, VAULT, &Value::Null).await.json();
    assert_eq!((&room["epoch"], &room["managers"]), (&epoch, &json!([])), "nothing was done");
}

#[tokio::test]
async fn bodies_that_say_nothing_sensible_are_refused_in_words() {
    let keyed = vault(1, 0).await;
    let operator = keyed.operator(0);
    let long = "x".repeat(1025);
    for body in [
        json!({}),
        json!([]),
        json!("private"),
        json!({ "private": true }),
        json!({ "private": "yes", "passcode": PASSCODE }),
        json!({ "private": true, "passcode": 5 }),
        json!({ "private": true, "passcode": PASSCODE, "color": "red" }),
        json!({ "private": false, "passcode": PASSCODE }),
        private(""),
        private(&long),
    ] {
        let refused = operator.ask(Method::PUT, "other", &body).await;
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(["bad-request", "invalid-json"].contains(&refused.code().as_str()), "{body}");
        assert!(refused.json()["detail"].is_string(), "{body}: {refused:?}");
        assert!(!refused.json().to_string().contains(PASSCODE), "the answer repeats the passcode: {refused:?}");
    }
    let url = format!("{}/api/v1/rooms/other", keyed.base(0));
    for (kind, text) in [("text/plain", private(PASSCODE).to_string()), ("application/json", "{\"private\":".into())] {
        let request = Web::default().request(Method::PUT, &url).bearer_auth(TOKEN).header("content-type", kind);
        assert_eq!(answer(request.body(text)).await.refusal(), (400, "invalid-json".into()), "{kind}");
    }
    for bad in ["Vault", "va-ult", "pm:0c1oft7ew7ojk", &"a".repeat(65)] {
        assert_eq!(operator.ask(Method::PUT, bad, &private(PASSCODE)).await.status, 400, "{bad}");
        assert_eq!(operator.ask(Method::GET, bad, &Value::Null).await.status, 404, "{bad}");
    }
    assert_eq!(operator.ask(Method::GET, "other", &Value::Null).await.status, 404, "none was made");
    assert_eq!(operator.ask(Method::PATCH, VAULT, &json!({})).await.refusal(), (405, "method-not-allowed".into()));
    assert_eq!(operator.ask(Method::GET, "vault/nothing", &json!({})).await.refusal(), (404, "not-found".into()));
}

async fn managers(client: &Client) -> Vec<String> {
    let listing = client.command("who", Value::Null).await["listing"].take();
    let sessions: Vec<SessionView> = serde_json::from_value(listing).expect("sessions");
    sessions.into_iter().filter(|session| session.is_manager).map(|session| session.name).collect()
}

#[tokio::test]
async fn managers_are_made_and_unmade() {
    let keyed = vault(2, 0).await;
    let operator = keyed.operator(0);
    let (ana, ben) = (enter(&keyed, 1, "ana").await, enter(&keyed, 0, "ben").await);
    let said = ben.send("a slip", &[]).await;
    let edit = json!({ "id": said["id"], "content": "better", "delete": false, "announce": true });
    assert_eq!(ana.refused("edit-message", edit.clone()).await, "access denied");
    let path = format!("{VAULT}/managers/{}", agent(&ana).await);
    for _ in 0..2 {
        assert_eq!(operator.ask(Method::PUT, &path, &Value::Null).await.status, 204);
    }
    assert_eq!(managers(&ben).await, ["ana"]);
    let room = operator.ask(Method::GET, VAULT, &Value::Null).await.json();
    assert_eq!(room["managers"], json!([agent(&ana).await]));
    assert_eq!(ana.command("edit-message", edit.clone()).await["content"], "better");
    assert_eq!(ben.event("edit-message-event").await["content"], "better");
    for _ in 0..2 {
        assert_eq!(operator.ask(Method::DELETE, &path, &Value::Null).await.status, 204);
    }
    assert_eq!(managers(&ben).await, [""; 0]);
    assert_eq!(ana.refused("edit-message", edit).await, "access denied", "at once, in the same session");
    for bad in ["ana", "account:0c1oft7ew7ojk", "agent:", "agent:AAAA"] {
        let refused = operator.ask(Method::PUT, &format!("{VAULT}/managers/{bad}"), &Value::Null).await;
        assert_eq!(refused.refusal(), (400, "bad-request".into()), "{bad}");
    }
    for method in [Method::PUT, Method::DELETE] {
        let path = "nowhere/managers/agent:AAAAAAAAAAA=";
        assert_eq!(operator.ask(method, path, &Value::Null).await.refusal(), (404, "room-not-found".into()));
    }
}

#[tokio::test]
async fn messages_are_deleted_by_chat_servers() {
    let keyed = vault(2, 0).await;
    let operator = keyed.operator(0);
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let said = ana.send("a slip", &[]).await;
    let id = said["id"].as_str().expect("an id");
    operator.delete_message(VAULT, id).await;
    for client in [&ana, &ben] {
        let told = client.event("edit-message-event").await;
        assert!(told["id"] == id && !told["deleted"].is_null() && told["edit_id"].is_string(), "{told}");
    }
    assert_eq!(ana.command("log", json!({ "n": 10 })).await["log"], json!([]));
    // Once more changes nothing, and an unknown one is not there.
    operator.delete_message(VAULT, id).await;
    for path in
        [format!("{VAULT}/messages/0zzzzzzzzzzzz"), format!("{VAULT}/messages/-"), format!("hall/messages/{id}")]
    {
        let refused = operator.ask(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(refused.refusal(), (404, "message-not-found".into()), "{path}");
    }
}

#[tokio::test]
async fn a_room_has_one_maker_however_many_try_at_once() {
    let keyed = Keyed::start(2, 0).await;
    for n in 0..4 {
        let room = format!("den{n}");
        let tries = (0..8).map(|at| {
            let (operator, room) = (keyed.operator(at % 2), room.clone());
            async move { operator.ask(Method::PUT, &room, &private(PASSCODE)).await.status }
        });
        let knocks = (0..4).map(|at| Client::connect(keyed.base(at % 2), &room, Entrance::aware()));
        let (statuses, knocks) = tokio::join!(join_all(tries), join_all(knocks));
        let count = |status| statuses.iter().filter(|found| **found == status).count();
        let knocking: Vec<_> = knocks.into_iter().map(|knock| knock.expect("everybody may knock")).collect();
        let room_row = keyed.operator(0).ask(Method::GET, &room, &Value::Null).await.json();
        let keys = format!("SELECT count(*) FROM room_key WHERE room = '{room}'");
        let keys = number(keyed.fleet.database_url(), &keys).await;
        if room_row["private"] == true {
            assert_eq!((count(201), count(200) + count(409), keys), (1, 7, 1), "{statuses:?}");
        } else {
            assert_eq!((count(409), keys), (8, 0), "whoever knocked first made a public room: {statuses:?}");
        }
        for client in &knocking {
            assert_eq!(client.event("hello-event").await["room_is_private"], room_row["private"]);
            let next = if room_row["private"] == true { "bounce-event" } else { "snapshot-event" };
            client.event(next).await;
        }
    }
}
