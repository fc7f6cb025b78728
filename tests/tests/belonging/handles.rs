//! Download handles in a private room: whose they are, and until when.

use crate::vault::{PASSCODE, VAULT, again, agent, enter, make_when_free, picture, share_finished, shown, turn, vault};
use heim_common::{MediaId, wire::MediaView};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    keyed::Keyed,
    sharing::NAMES,
    sql::{number, sql},
    until::until,
    web::{Answer, Web},
};
use serde_json::json;

const ANOTHER: &str = "open up";

async fn get(url: &str) -> Answer {
    Web::default().get(url).await
}

/// The handle of the original in a session's view.
async fn url(client: &Client, id: MediaId) -> String {
    original(&client.media(id).await)
}

fn original(view: &MediaView) -> String {
    view.transcodings[&"original".parse().expect("a name")].url.clone()
}

fn in_query(agent: &str) -> String {
    agent.replace('=', "%3D")
}

/// An uploader at the first coordinator, a viewer at the second, and a picture
/// between them.
async fn scene() -> (Keyed, Client, Client, MediaId) {
    let keyed = vault(2, 1).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let id = share_finished(&ana, 1).await;
    (keyed, ana, ben, id)
}

async fn is_refused(url: &str) {
    let refused = get(url).await;
    let codes = [(403, "bad-signature".to_owned()), (404, "media-not-found".to_owned())];
    assert!(codes.contains(&refused.refusal()), "{url}: {refused:?}");
}

#[tokio::test]
async fn a_handle_is_its_agents_and_good_at_every_coordinator() {
    let (keyed, ana, ben, id) = scene().await;
    let (anas, bens) = (agent(&ana).await, agent(&ben).await);
    let view = ben.media(id).await;
    assert_eq!(view.transcodings.len(), NAMES.len());
    for transcoding in view.transcodings.values() {
        let url = &transcoding.url;
        assert!(url.starts_with(keyed.base(1)) && url.contains(&format!("&a={}&", in_query(&bens))), "{url}");
        for base in [keyed.base(0), keyed.base(1)] {
            assert_eq!(get(&url.replace(keyed.base(1), base)).await.status, 200, "{url}");
        }
        for other in [
            url.replace(&in_query(&bens), &in_query(&anas)),
            url.replace(&format!("&a={}", in_query(&bens)), ""),
            url.replace(&in_query(&bens), ""),
            url.replace(&in_query(&bens), "agent%3AAAAAAAAAAAA%3D"),
        ] {
            assert_eq!(get(&other).await.refusal(), (403, "bad-signature".into()), "{other}");
        }
    }
    assert_ne!(url(&ana, id).await, original(&view));
    // In a public room there is no agent in it, and nobody can put one in.
    let hall = Client::enter(keyed.base(0), "hall", Entrance::aware(), "ana").await;
    let public = share_finished(&hall, 2).await;
    let public = url(&hall, public).await;
    assert!(!public.contains("a=") && get(&public).await.status == 200, "{public}");
    assert_eq!(get(&format!("{public}&a={}", in_query(&anas))).await.refusal(), (403, "bad-signature".into()));
}

#[tokio::test]
async fn another_passcode_ends_all_handles_at_once() {
    let (keyed, ana, ben, id) = scene().await;
    let old = [url(&ana, id).await, url(&ben, id).await];
    for url in &old {
        assert_eq!(get(url).await.status, 200);
    }
    keyed.operator(0).change_passcode(VAULT, ANOTHER).await;
    for url in &old {
        is_refused(url).await;
        is_refused(&url.replace(keyed.base(1), keyed.base(0))).await;
    }
    let ben = admitted(keyed.base(1), VAULT, ANOTHER, again(&ben), "ben").await;
    let new = url(&ben, id).await;
    assert_eq!(get(&new).await.body, picture(1));
    for url in &old {
        is_refused(url).await;
    }
}

#[tokio::test]
async fn a_deleted_message_ends_the_handles_unless_another_one_shows_the_picture() {
    let (keyed, ana, ben, id) = scene().await;
    keyed.operator(0).make_manager(VAULT, &agent(&ana).await).await;
    let handles = [url(&ana, id).await, url(&ben, id).await];
    let first = shown(&ana, id).await["id"].as_str().expect("an id").to_owned();
    let second = ana.send("once more", &[id]).await["id"].as_str().expect("an id").to_owned();
    let change = turn(&ana, &first, None, true).await;
    for url in &handles {
        assert_eq!(get(url).await.status, 200, "the second message shows it");
    }
    turn(&ana, &second, None, true).await;
    for url in &handles {
        assert_eq!(get(url).await.refusal(), (404, "media-not-found".into()));
    }
    // The uploader is no exception: what was deleted is nobody's to see.
    for client in [&ana, &ben] {
        assert_eq!(client.refused("get-media", json!({ "id": id })).await, "media not found");
    }
    turn(&ana, &first, Some(&change), false).await;
    for url in &handles {
        assert_eq!(get(url).await.body, picture(1), "the picture is not broken");
    }
}

#[tokio::test]
async fn before_a_message_shows_it_a_picture_is_its_uploaders_alone() {
    let keyed = vault(2, 1).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 1, "ben").await);
    let handle = ana.upload_handle().await;
    assert_eq!(Web::default().upload(&handle, picture(3)).await.status, 201);
    heim_tests::sharing::finished(&ana, handle.id).await;
    let own = url(&ana, handle.id).await;
    assert_eq!(get(&own).await.status, 200);
    assert_eq!(ben.refused("get-media", json!({ "id": handle.id })).await, "media not found");
    is_refused(&own.replace(&in_query(&agent(&ana).await), &in_query(&agent(&ben).await))).await;
    ana.send("here it is", &[handle.id]).await;
    shown(&ben, handle.id).await;
    assert_eq!(get(&url(&ben, handle.id).await).await.body, picture(3));
}

#[tokio::test]
async fn a_deleted_room_ends_all_handles_at_once() {
    let (keyed, ana, ben, id) = scene().await;
    let handles = [url(&ana, id).await, url(&ben, id).await];
    keyed.operator(1).delete_room(VAULT).await;
    for url in &handles {
        is_refused(url).await;
    }
    make_when_free(&keyed.operator(0), VAULT, PASSCODE).await;
    let ben = admitted(keyed.base(1), VAULT, PASSCODE, again(&ben), "ben").await;
    assert_eq!(ben.refused("get-media", json!({ "id": id })).await, "media not found");
    for url in &handles {
        is_refused(url).await;
    }
}

/// Moves all that is known of when agents left into the past.
async fn is_later(keyed: &Keyed, seconds: i64) {
    let ms = seconds * 1000;
    sql(keyed.fleet.database_url(), &format!("UPDATE departure SET departed = departed - {ms}")).await;
}

async fn departures(keyed: &Keyed, count: i64) {
    until("departures", async || {
        (number(keyed.fleet.database_url(), "SELECT count(*) FROM departure").await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pictures_stay_for_a_minute_after_an_agents_last_session_and_no_longer() {
    let (keyed, ana, ben, id) = scene().await;
    let (anas, bens) = (url(&ana, id).await, url(&ben, id).await);
    let second = admitted(keyed.base(0), VAULT, PASSCODE, again(&ben), "ben").await;
    let bens_entrance = again(&ben);
    ben.cut();
    departures(&keyed, 1).await;
    is_later(&keyed, 3600).await;
    assert_eq!(get(&bens).await.status, 200, "another session of the agent is there");
    second.cut();
    let at_home = "SELECT count(*) FROM session";
    until("ben is gone", async || (number(keyed.fleet.database_url(), at_home).await == 1).then_some(())).await;
    assert_eq!(get(&bens).await.status, 200, "a reconnect shows no broken picture");
    is_later(&keyed, 30).await;
    assert_eq!(get(&bens).await.status, 200, "half a minute later, too");
    is_later(&keyed, 31).await;
    assert_eq!(get(&bens).await.refusal(), (404, "media-not-found".into()), "a minute later");
    assert_eq!(get(&anas).await.status, 200, "who is there is not touched by it");
    admitted(keyed.base(1), VAULT, PASSCODE, bens_entrance, "ben").await;
    assert_eq!(get(&bens).await.status, 200, "back again");
}

#[tokio::test]
async fn whose_coordinator_died_has_left_when_its_lease_ran_out() {
    let (mut keyed, ana, ben, id) = scene().await;
    let bens = url(&ben, id).await.replace(keyed.base(1), keyed.base(0));
    keyed.fleet.coordinators[1].kill9().await;
    assert_eq!(get(&bens).await.status, 200);
    let name = agent(&ben).await;
    let ran_out = async |seconds: i64| {
        let expires = format!("expires = (extract(epoch FROM clock_timestamp()) * 1000)::bigint - {}", seconds * 1000);
        let left = format!("departed = (extract(epoch FROM clock_timestamp()) * 1000)::bigint - {}", seconds * 1000);
        // Whether a sweep has taken the row away already does not matter.
        for (table, change) in [("session", expires), ("departure", left)] {
            let change = format!("UPDATE {table} SET {change} WHERE agent_id = '{name}'");
            sql(keyed.fleet.database_url(), &change).await;
        }
    };
    ran_out(20).await;
    assert_eq!(get(&bens).await.status, 200);
    let told = ana.event("network-event").await;
    assert_eq!(told["server_era"], ben.event("hello-event").await["session"]["server_era"]);
    assert_eq!(get(&bens).await.status, 200);
    ran_out(61).await;
    assert_eq!(get(&bens).await.refusal(), (404, "media-not-found".into()));
}
