//! Everything that can happen in a private room, with canaries and secrets in it,
//! and the same in a public one.

use super::{keys, needles::Needles};
use crate::{
    operator::{Operator, admitted},
    pictures::{commented, pixel},
    wire::url,
};
use heim_common::{MediaId, wire::MediaView};
use heim_db::Database;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::{NAMES, finished},
    truth,
    until::until,
    web::{Web, answer},
};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use std::path::PathBuf;

/// The first master key, as it is given, and the one that comes after it.
pub(super) const MASTERS: [&str; 2] = [
    "8f1d0c63b27e4a95f0613ad87c2be94450de9718a36bc52f19e07d84c6a3f25b",
    "d27a5be41c8096f3e85b0a7d316cf942be097f63a8d41527c90e4bb86fd3125a",
];
/// The room's passcodes, one after the other, and one that is none.
const PASSCODES: [&str; 3] = ["heron on the first step", "heron on the second step", "heron on the third step"];
const WRONG: &str = "heron on no step at all";
const ATTIC: &str = "heron under the roof";
/// What is said in private rooms.
const SAID: [&str; 6] = [
    "canary in a message",
    "canary in a changed message",
    "canary at the head of a long message",
    "canary in the rest of a long message",
    "canary under another key",
    "canary under the roof",
];
/// What is in pictures of private rooms, and in what was said of one.
const PICTURED: [&str; 3] = ["canary in a picture", "canary in a small picture", "canary-in-a-name.jpg"];
/// What is in the public room.
pub(super) const PUBLIC_SAID: &str = "sparrow in a message";
pub(super) const PUBLIC_PICTURED: &str = "sparrow in a picture";
pub(super) const PUBLIC_NICK: &str = "sparrow in a nick";

/// A deployment.
pub(super) trait House {
    /// Where a coordinator is; any number leads to one.
    fn base(&self, coordinator: usize) -> String;
    /// Its database.
    async fn database(&self) -> Database;
    /// The folder of its store.
    fn store(&self) -> PathBuf;
    /// Runs `heim-coordinator admin`, with the master keys in this order.
    async fn admin(&mut self, masters: [&str; 2], words: &[&str], input: &str);
    /// Ends whoever is at work, and starts another.
    async fn replace_worker(&mut self, signal: Signal);
}

/// What is to be found nowhere, or where it belongs only.
pub(super) struct Planted {
    pub(super) needles: Needles,
    /// A picture of the public room.
    pub(super) public: MediaId,
}

fn key(text: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("digits"))
}

/// Lives all of it.
pub(super) async fn live(house: &mut impl House) -> Planted {
    let mut needles = Needles::default();
    for text in PASSCODES.iter().chain([&WRONG, &ATTIC]).chain(&SAID).chain(&PICTURED) {
        needles.add(text, text.as_bytes());
    }
    let masters = MASTERS.map(key);
    for master in &masters {
        needles.add("a master key", master);
    }
    let operator = Operator::of(&house.base(0));
    operator.make_private("vault", PASSCODES[0]).await;
    let database = house.database().await;

    let mut media = talk(house, &operator, &mut needles).await;
    keys::add(&mut needles, &database, &masters, &media, &house.store()).await;
    operator.rotate_key("vault").await;
    media.push(talk_on(house).await);
    keys::add(&mut needles, &database, &masters, &media, &house.store()).await;
    house.admin(MASTERS, &["room", "rewrap", "vault"], "").await;
    house.admin([MASTERS[1], MASTERS[0]], &["keys", "rotate-master"], "").await;
    keys::add(&mut needles, &database, &masters, &media, &house.store()).await;

    media.push(lose_workers(house, &database).await);
    // Another process may have another port.
    let operator = Operator::of(&house.base(0));
    change_passcodes(house, &operator).await;
    let gone = demolish(house, &operator, &database, &mut needles, &masters).await;
    keys::add(&mut needles, &database, &masters, &media, &house.store()).await;
    let public = be_public(house).await;
    let id = gone.to_string();
    until("the files of the deleted room are removed", async || {
        (!heim_tests::stored::files(&house.store()).iter().any(|file| file.contains(&id))).then_some(())
    })
    .await;
    truth::settled(&database).await;
    Planted { needles, public }
}

/// Somebody fails to come in, and comes in; pictures and messages, read and
/// downloaded in all the ways there are.
async fn talk(house: &impl House, operator: &Operator, needles: &mut Needles) -> Vec<MediaId> {
    let ana = admitted(&house.base(0), "vault", PASSCODES[0], Entrance::aware(), "ana").await;
    let ben = Client::connect(&house.base(1), "vault", Entrance::aware()).await.expect("everybody may knock");
    for (passcode, success) in [(WRONG, false), (PASSCODES[0], true)] {
        let said = ben.command("auth", json!({ "type": "passcode", "passcode": passcode })).await;
        assert_eq!(said["success"], success);
    }
    ben.event("snapshot-event").await;
    ben.command("nick", json!({ "name": "ben" })).await;
    let wish = json!({ "content_type": "image/jpeg", "name": PICTURED[2] });
    let handle = serde_json::from_value(ana.command("media-upload", wish).await).expect("a handle");
    let photo = commented(&corpus::read(corpus::SMALL), PICTURED[0]);
    let said = ana.send(SAID[0], &[]).await;
    let heim_common::wire::UploadHandle { id, .. } = handle;
    ana.send("look", &[id]).await;
    assert_eq!(Web::default().upload(&handle, photo.clone()).await.status, 201);
    let view = finished(&ana, id).await;
    ben.event("send-event").await;
    read(&ben, needles, &ben.media(id).await, &house.base(1)).await;
    needles.add_parts("a part of a picture", &photo);
    needles.add("a picture's digest", aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &photo).as_ref());
    needles.add("a placeholder", &view.placeholder.expect("it was decoded").0);

    let text = format!("{}{}{}", SAID[2], "long ".repeat(1000), SAID[3]);
    let sent = ana.send(&text, &[]).await;
    let whole = ben.command("get-message", json!({ "id": sent["id"] })).await;
    assert!(whole["content"].as_str().is_some_and(|content| content.ends_with(SAID[3])), "{whole}");
    let hello = ben.event("hello-event").await;
    operator.make_manager("vault", hello["id"].as_str().expect("an id")).await;
    let edit = json!({ "id": said["id"], "content": SAID[1], "delete": false, "announce": true });
    ben.command("edit-message", edit).await;
    assert_eq!(ana.event("edit-message-event").await["content"], SAID[1]);
    let log = ben.command("log", json!({ "n": 100 })).await;
    assert_eq!(log["log"][0]["content"], SAID[1], "{log}");
    vec![id]
}

/// Downloads all there is of an object, in whole and in part.
async fn read(client: &Client, needles: &mut Needles, media: &MediaView, base: &str) {
    let web = Web::default();
    for name in NAMES {
        let whole = web.get(url(media, name)).await;
        assert_eq!(whole.status, 200, "{whole:?}");
        needles.add_parts("a part of a transcoding", &whole.body);
        let part = answer(web.request(Method::GET, url(media, name)).header("range", "bytes=100-999")).await;
        assert_eq!((part.status, &part.body[..]), (206, &whole.body[100..1000]));
        let link = format!("{base}/room/{}/media/{}/{name}", media.room, media.id);
        let followed = answer(web.request(Method::GET, &link).header("cookie", client.cookie())).await;
        assert_eq!(followed.status, 302, "{followed:?}");
        assert_eq!(web.get(&url(media, name).replace("&s=", "&s=A")).await.status, 403);
    }
}

/// The same people under a new key of the room.
async fn talk_on(house: &impl House) -> MediaId {
    let ana = admitted(&house.base(1), "vault", PASSCODES[0], Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    ana.send(SAID[4], &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, pixel(PICTURED[1])).await.status, 201);
    finished(&ana, handle.id).await;
    handle.id
}

/// A picture that takes long, and workers that die of it.
async fn lose_workers(house: &mut impl House, database: &Database) -> MediaId {
    let ana = admitted(&house.base(0), "vault", PASSCODES[0], Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    ana.send("this takes a while", &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SLOW)).await.status, 201);
    let mut dead = None;
    for signal in [Signal::KILL, Signal::ABORT] {
        // The lease of who is dead outlives it.
        let other = async || truth::holder(database).await.filter(|holder| dead.as_ref() != Some(holder));
        dead = Some(until("somebody is at work", other).await);
        house.replace_worker(signal).await;
    }
    truth::settled(database).await;
    let media = database.media(handle.id).await.expect("the database answers").expect("it is there");
    assert_eq!(media.transcodings.len(), NAMES.len(), "{media:?}");
    handle.id
}

/// Everybody has to come again, with another passcode, twice.
async fn change_passcodes(house: &mut impl House, operator: &Operator) {
    let ana = admitted(&house.base(0), "vault", PASSCODES[0], Entrance::aware(), "ana").await;
    operator.change_passcode("vault", PASSCODES[1]).await;
    ana.heard.ending().await;
    let ana = admitted(&house.base(1), "vault", PASSCODES[1], Entrance::aware(), "ana").await;
    let words = format!("{}\n", PASSCODES[2]);
    house.admin([MASTERS[1], MASTERS[0]], &["room", "passcode", "vault"], &words).await;
    let ended = async || {
        // Where nobody told it, it finds out when it is asked.
        ana.text(json!({ "type": "who" }).to_string()).await;
        let told = ana.heard.of("disconnect-event");
        (!told.is_empty()).then_some(())
    };
    until("the session is ended", ended).await;
    let ana = admitted(&house.base(0), "vault", PASSCODES[2], Entrance::aware(), "ana").await;
    let log = ana.command("log", json!({ "n": 100 })).await;
    assert!(log["log"].as_array().is_some_and(|log| log.len() > 3), "{log}");
    let last = log["log"][0]["id"].as_str().expect("an id");
    operator.delete_message("vault", last).await;
}

/// A room that is deleted with all that is in it.
async fn demolish(
    house: &impl House,
    operator: &Operator,
    database: &Database,
    needles: &mut Needles,
    masters: &[[u8; 32]],
) -> MediaId {
    operator.make_private("attic", ATTIC).await;
    let ana = admitted(&house.base(0), "attic", ATTIC, Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    ana.send(SAID[5], &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, pixel(PICTURED[1])).await.status, 201);
    finished(&ana, handle.id).await;
    keys::add(needles, database, masters, &[handle.id], &house.store()).await;
    operator.delete_room("attic").await;
    ana.heard.ending().await;
    handle.id
}

/// What the search must find, to show that it finds something.
async fn be_public(house: &impl House) -> MediaId {
    let eve = Client::enter(&house.base(0), "hall", Entrance::aware(), PUBLIC_NICK).await;
    let handle = eve.upload_handle().await;
    eve.send(PUBLIC_SAID, &[handle.id]).await;
    let photo = commented(&corpus::read(corpus::PHOTO), PUBLIC_PICTURED);
    assert_eq!(Web::default().upload(&handle, photo).await.status, 201);
    finished(&eve, handle.id).await;
    handle.id
}
