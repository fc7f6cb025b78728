//! A coordinator dies in the middle of a picture. Who is at the other one is
//! told in heim's own words, and goes on.

use crate::{
    driven::{ALL, Driven},
    talking::{OFTEN, over, post},
};
use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    packets::Heard,
    sharing::{all_heard, finished, share_accepted},
    strict::Strict,
};
use serde_json::{Value, json};

/// Who is at the coordinator that stays.
const STAYING: [&str; 4] = ["Doclib", "EuphoriaConnection", "Kareliapy", "ben"];

#[tokio::test]
async fn the_death_of_a_coordinator_is_told_to_old_clients_as_heim_tells_it() {
    let mut fleet = Fleet::with(2, 1, &[OFTEN]).await;
    let ben = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ben").await;
    let mut strict = Strict::enter(fleet.base(0), "welcome", "strict").await;
    let mut old = Vec::new();
    for kind in ALL {
        old.push(Driven::enter(kind, fleet.base(0), "welcome", &format!("{kind:?}")).await);
    }
    let ana = Client::enter(fleet.base(1), "welcome", Entrance::aware(), "ana").await;
    let second = Strict::enter(fleet.base(1), "welcome", "second").await;
    let gone = ana.event("hello-event").await["session"].clone();
    post(&ana, "from the other side", corpus::SMALL).await;
    all_heard(&ana, &strict.client).await;
    all_heard(&second.client, &strict.client).await;
    strict.look();
    assert_eq!(strict.others().len(), STAYING.len() + 2, "{:?}", strict.others());

    let interrupted = share_accepted(&ana, corpus::read(corpus::PHOTO)).await;
    let is_shown = |heard: &Heard| heard.kind() == "send-event" && heard.data()["content"] == "look";
    strict.client.heard.wait_for("its message", |heard| heard.iter().any(is_shown).then_some(())).await;
    fleet.coordinators[1].kill9().await;
    let lost = json!({ "type": "partition", "server_id": gone["server_id"], "server_era": gone["server_era"] });
    assert_eq!(strict.client.event("network-event").await, lost);
    for client in &old {
        let told = |all: &[Value]| all.iter().any(|seen| seen["heard"]["data"] == lost).then_some(());
        client.wait_for("the network-event", told).await;
    }
    assert_eq!(finished(&ben, interrupted).await.state, MediaState::Ready);
    post(&ben, "still here", corpus::SMALL).await;
    over(&ben, &mut strict, &old).await;
    assert_eq!(strict.others(), STAYING, "those of the dead coordinator are gone");
    assert_eq!(strict.log(), ["from the other side", "look", "still here", "over"]);
    strict.keep_alive(18).await;
    strict.look();
    for client in &mut old {
        client.assert_noticed_nothing(1);
    }
}
