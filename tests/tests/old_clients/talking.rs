//! A day of an old client in a room where pictures are posted: it comes, takes a
//! nick, talks, is talked to, reads the log, goes, and comes back.

use crate::driven::{Driven, Kind};
use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    packets::Heard,
    sharing::{NAMES, finished, names},
    standalone::Standalone,
    strict::Strict,
    web::Web,
};
use serde_json::{Value, json};

/// A picture that cannot be decoded.
const DAMAGED: &str = "hostile/trunc/jpg_15.jpg";

/// Pings come so often that a client which does not answer them would be
/// dropped within the test.
pub(crate) const OFTEN: (&str, &str) = ("coordinator.ping_ms", "200");

/// A message without what differs from one delivery of it to the next: the
/// handles of its media objects, and their state.
pub(crate) fn plain(message: &Value) -> Value {
    let mut plain = message.clone();
    if let Some(attachments) = plain.get_mut("attachments").and_then(Value::as_array_mut) {
        *attachments = attachments.iter().map(|media| media["id"].clone()).collect();
    }
    plain
}

pub(crate) fn plain_all(messages: &[Value]) -> Vec<Value> {
    messages.iter().map(plain).collect()
}

/// As [`plain_all`], of the log in a snapshot.
pub(crate) fn plain_log(snapshot: &Value) -> Vec<Value> {
    plain_all(snapshot["log"].as_array().expect("a log is a list"))
}

/// Says something that shows a picture, which comes only then, and waits until
/// all is told about it.
pub(crate) async fn post(client: &Client, content: &str, picture: &str) -> (Value, MediaId) {
    let handle = client.upload_handle().await;
    let sent = client.send(content, &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, corpus::read(picture)).await.status, 201);
    finished(client, handle.id).await;
    (sent, handle.id)
}

/// As [`post`], but the picture comes first.
async fn post_when_ready(client: &Client, content: &str, picture: &str) -> Value {
    let handle = client.upload_handle().await;
    assert_eq!(Web::default().upload(&handle, corpus::read(picture)).await.status, 201);
    assert_eq!(finished(client, handle.id).await.state, MediaState::Ready);
    client.send(content, &[handle.id]).await
}

/// Says that it is over, and returns when everybody has heard it, and so all
/// that was told in the room before.
pub(crate) async fn over(speaker: &Client, strict: &mut Strict, old: &[Driven]) {
    let last = speaker.send("over", &[]).await;
    let is_last = |heard: &Heard| heard.kind() == "send-event" && heard.data()["id"] == last["id"];
    strict.client.heard.wait_for("the end", |heard| heard.iter().any(is_last).then_some(())).await;
    for client in old {
        client.sees(&last["id"]).await;
    }
    strict.look();
}

async fn a_day(kind: Kind) {
    let heim = Standalone::with(&[OFTEN]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let (before, _) = post(&ana, "from before you came", corpus::SMALL).await;

    let mut old = Driven::enter(kind, heim.base(), "welcome", "old").await;
    assert_eq!(plain_log(&old.of("snapshot-event")[0]), [plain(&before)]);
    assert_eq!(old.of("snapshot-event")[0]["listing"].as_array().map(Vec::len), Some(2));
    assert_eq!(ben.event("nick-event").await["to"], "old");

    let hello = ana.send("hello, old one", &[]).await;
    old.sees(&hello["id"]).await;
    let answer = old.say("hello to you", hello["id"].as_str()).await;
    assert_eq!(answer["parent"], hello["id"]);
    assert_eq!(ben.event("send-event").await["id"], before["id"]);
    let (posted, shown) = post(&ana, "look at this", corpus::SMALL).await;
    let (damaged, _) = post(&ben, "and at this", DAMAGED).await;
    let ready = post_when_ready(&ben, "", corpus::SMALL).await;
    let own = old.say("nice pictures", None).await;
    old.rename("older").await;
    old.rename("old").await;
    assert_eq!(old.who().await, ["ana", "ben", "old"]);

    // Bots answer a ping by what their libraries do with it.
    let asked = ana.send("!ping", &[]).await;
    old.sees(&asked["id"]).await;
    let mut said = vec![before, hello, answer, posted, damaged, ready, own, asked];
    let from_others = plain_all(&[1, 3, 4, 5, 7].map(|place| said[place].clone()));
    assert_eq!(plain_all(&old.saw()), from_others, "what it was given is what was sent");
    if kind != Kind::EuphoriaConnection {
        let pong = ben.heard.wait_for("Pong!", |heard| {
            let sent = heard.iter().filter(|heard| heard.kind() == "send-event");
            sent.map(|heard| heard.data().clone()).find(|message| message["content"] == "Pong!")
        });
        let pong = pong.await;
        assert_eq!((&pong["sender"]["name"], &pong["parent"]), (&json!("old"), &said[7]["id"]));
        said.push(pong);
    }
    assert_eq!(names(&ana, shown).len(), NAMES.len(), "there were media events, and not for everybody");

    assert_eq!(plain_all(&old.whole_log(3).await), plain_all(&said));
    let snapshot = old.reconnect().await;
    assert_eq!(snapshot["nick"], "old", "the nick is remembered");
    assert_eq!(plain_log(&snapshot), plain_all(&said));
    let (again, _) = post(&ben, "welcome back", corpus::SMALL).await;
    old.sees(&again["id"]).await;
    assert_eq!(old.saw().last().map(plain), Some(plain(&again)));
    if kind == Kind::EuphoriaConnection {
        old.tell(json!({ "do": "page-all" })).await;
        old.wait_for("all of the log", |all| all.iter().any(|seen| seen["paged-all"] == true).then_some(())).await;
    }
    old.assert_noticed_nothing(2);
}

#[tokio::test]
async fn kareliapy_notices_nothing() {
    a_day(Kind::Kareliapy).await;
}

#[tokio::test]
async fn doclib_notices_nothing() {
    a_day(Kind::Doclib).await;
}

#[tokio::test]
async fn euphoria_connection_notices_nothing() {
    a_day(Kind::EuphoriaConnection).await;
}
