//! The stable link of a media object, `/room/{room}/media/{id}/{name}`: who it
//! leads to the picture, and who is told that there is none.

use crate::vault::{VAULT, agent, enter, picture, vault};
use heim_common::MediaId;
use heim_tests::{
    client::{Client, Entrance},
    keyed::Keyed,
    sharing::finished,
    sql::number,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::json;

/// What is to be seen of a media object.
const STATES: [&str; 3] = ["unattached", "attached", "deleted"];

/// Three media objects in a room, one in each state, of one uploader.
struct Shelf {
    room: &'static str,
    media: Vec<MediaId>,
}

async fn shelf(keyed: &Keyed, room: &'static str, uploader: &Client) -> Shelf {
    let mut media = Vec::new();
    for (seed, state) in (0..).zip(STATES) {
        let handle = uploader.upload_handle().await;
        assert_eq!(Web::default().upload(&handle, picture(seed)).await.status, 201);
        finished(uploader, handle.id).await;
        if state != "unattached" {
            let sent = uploader.send(state, &[handle.id]).await;
            if state == "deleted" {
                keyed.operator(0).delete_message(room, sent["id"].as_str().expect("an id")).await;
            }
        }
        media.push(handle.id);
    }
    Shelf { room, media }
}

async fn follow(keyed: &Keyed, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Web::default().request(Method::GET, &format!("{}{path}", keyed.base(0)));
    answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

/// Follows the link of each of a shelf's media objects; whether it leads there.
async fn leads(keyed: &Keyed, shelf: &Shelf, headers: &[(&str, &str)]) -> [bool; 3] {
    let mut all = [false; 3];
    for (at, id) in shelf.media.iter().enumerate() {
        let found = follow(keyed, &format!("/room/{}/media/{id}/original", shelf.room), headers).await;
        assert_eq!(found.header("x-content-type-options"), "nosniff");
        if found.status != 302 {
            assert_eq!(found.refusal(), (404, "media-not-found".into()), "{}", STATES[at]);
            continue;
        }
        assert_eq!(found.header("cache-control"), "private, no-store");
        let served = Web::default().get(found.header("location")).await;
        assert_eq!((served.status, served.body), (200, picture(u8::try_from(at).expect("three"))));
        all[at] = true;
    }
    all
}

#[tokio::test]
async fn a_stable_link_leads_whoever_may_see_it_and_nobody_else() {
    let keyed = vault(2, 1).await;
    let ana = enter(&keyed, 0, "ana").await;
    let ben = enter(&keyed, 1, "ben").await;
    // A stranger has a cookie of this server, and is in another room.
    let public = Client::enter(keyed.base(0), "hall", Entrance::aware(), "cleo").await;
    let dora = Client::enter(keyed.base(0), "hall", Entrance::aware(), "dora").await;
    let (vault, hall) = (shelf(&keyed, VAULT, &ana).await, shelf(&keyed, "hall", &public).await);
    let cookies = [&ana, &ben, &public, &dora].map(Client::cookie);
    let [ana_is, ben_is, public_is, dora_is] = cookies.each_ref().map(|cookie| ("cookie", cookie.as_str()));
    let (nobody, attached, own) = ([false; 3], [false, true, false], [true, true, false]);

    assert_eq!(leads(&keyed, &vault, &[ana_is]).await, own, "the uploader, who is there");
    assert_eq!(leads(&keyed, &vault, &[ben_is]).await, attached, "who is there, too");
    assert_eq!(leads(&keyed, &vault, &[dora_is]).await, nobody, "who is elsewhere");
    assert_eq!(leads(&keyed, &vault, &[]).await, nobody, "who has no cookie");
    let forged = format!("{}x", ana_is.1);
    assert_eq!(leads(&keyed, &vault, &[("cookie", &forged)]).await, nobody);

    assert_eq!(leads(&keyed, &hall, &[public_is]).await, own, "the uploader");
    for headers in [&[dora_is][..], &[ana_is], &[]] {
        assert_eq!(leads(&keyed, &hall, headers).await, attached, "in a public room everybody");
    }
    for origin in ["null", "https://elsewhere.example"] {
        let from = ("origin", origin);
        assert_eq!(leads(&keyed, &vault, &[ana_is, from]).await, nobody, "no cookie counts from {origin}");
        assert_eq!(leads(&keyed, &hall, &[public_is, from]).await, attached, "no cookie counts from {origin}");
    }
    let own_site = keyed.base(0).to_owned();
    assert_eq!(leads(&keyed, &vault, &[ana_is, ("origin", &own_site)]).await, own);
}

#[tokio::test]
async fn in_a_private_room_the_link_is_for_those_who_are_there_now() {
    let keyed = vault(1, 1).await;
    let (ana, ben) = (enter(&keyed, 0, "ana").await, enter(&keyed, 0, "ben").await);
    let shelf = shelf(&keyed, VAULT, &ana).await;
    let cookie = ben.cookie();
    let headers = [("cookie", cookie.as_str())];
    assert_eq!(leads(&keyed, &shelf, &headers).await, [false, true, false]);
    let name = agent(&ben).await;
    ben.cut();
    let sessions = format!("SELECT count(*) FROM session WHERE agent_id = '{name}'");
    until("ben is gone", async || (number(keyed.fleet.database_url(), &sessions).await == 0).then_some(())).await;
    assert_eq!(leads(&keyed, &shelf, &headers).await, [false; 3], "a minute is for pictures that are shown already");
}

#[tokio::test]
async fn links_that_lead_nowhere_are_all_alike() {
    let keyed = vault(1, 1).await;
    let ana = enter(&keyed, 0, "ana").await;
    let cookie = ana.cookie();
    let shelf = shelf(&keyed, VAULT, &ana).await;
    let waiting = ana.upload_handle().await.id;
    ana.send("soon", &[waiting]).await;
    let id = shelf.media[1];
    for path in [
        format!("/room/hall/media/{id}/original"),
        format!("/room/Vault/media/{id}/original"),
        format!("/room/vault/media/{id}/thumb-9"),
        format!("/room/vault/media/{id}/..%2foriginal"),
        format!("/room/vault/media/{waiting}/original"),
        "/room/vault/media/0zzzzzzzzzzzz/original".to_owned(),
        "/room/vault/media/-/original".to_owned(),
    ] {
        let refused = follow(&keyed, &path, &[("cookie", &cookie)]).await;
        assert_eq!(refused.refusal(), (404, "media-not-found".into()), "{path}");
        assert_eq!(refused.json(), follow(&keyed, &path, &[]).await.json(), "{path}");
    }
    assert_eq!(Web::default().upload(&Client::upload_handle(&ana).await, picture(9)).await.status, 201);
    assert_eq!(ana.refused("get-media", json!({ "id": "0zzzzzzzzzzzz" })).await, "media not found");
}
