//! Ten rooms with ten agents each, and something to be found in every room.

use crate::{
    operator::{API, MASTER, Operator, admitted},
    pictures::pixel,
};
use futures_util::future::join_all;
use heim_common::wire::{MediaView, UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    sharing::finished,
    web::Web,
};
use serde_json::Value;

pub(super) const ROOMS: usize = 10;
pub(super) const PRIVATE: usize = 5;
pub(super) const AGENTS: usize = 10;
/// The place of the agent who manages its room.
pub(super) const MANAGER: usize = AGENTS - 1;

/// A room, as those know it who are in it.
pub(super) struct Room {
    pub(super) name: String,
    pub(super) passcode: Option<String>,
    /// In every nick and every message of the room, and nowhere else.
    pub(super) marker: String,
    pub(super) members: Vec<Client>,
    /// A picture that a message shows, that message, and a handle that nobody used.
    pub(super) shown: MediaView,
    pub(super) said: Value,
    pub(super) pending: UploadHandle,
    /// A picture that no message shows.
    pub(super) hidden: MediaView,
    /// A picture whose message was deleted.
    pub(super) deleted: MediaView,
    pub(super) unsaid: Value,
}

impl Room {
    /// What its members are known by, and what their handles are signed with.
    fn secrets(&self) -> Vec<String> {
        let hello = |member: &Client| member.heard.of("hello-event").remove(0);
        let ids = self.members.iter().map(hello).flat_map(|hello| {
            [&hello["id"], &hello["session"]["session_id"]].map(|id| id.as_str().expect("an id").to_owned())
        });
        let mut secrets: Vec<_> = ids.chain([self.marker.clone()]).collect();
        if self.passcode.is_some() {
            let handles = [&self.shown, &self.hidden, &self.deleted].map(|media| media.transcodings.values());
            let signature = |url: &str| url.rsplit_once("&s=").expect("it is signed").1.to_owned();
            secrets.extend(handles.into_iter().flatten().map(|transcoding| signature(&transcoding.url)));
        }
        secrets
    }
}

/// All of them.
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) rooms: Vec<Room>,
    /// Of each room, what is of the others.
    foreign: Vec<Vec<String>>,
}

impl World {
    pub(super) async fn new() -> Self {
        let fleet = Fleet::with(2, 1, &[API, MASTER]).await;
        // All are there before anything is said, so that each could hear it.
        let names: Vec<_> = (0..ROOMS).map(|place| format!("room{place}")).collect();
        let populated = join_all(names.iter().enumerate().map(|(place, name)| populated(&fleet, place, name))).await;
        let rooms = join_all(populated.into_iter().map(|populated| furnished(&fleet, populated))).await;
        let secrets: Vec<_> = rooms.iter().map(Room::secrets).collect();
        let others = |own: usize| secrets.iter().enumerate().filter(move |(place, _)| *place != own);
        let foreign = (0..ROOMS).map(|own| others(own).flat_map(|(_, secrets)| secrets.clone()).collect()).collect();
        Self { fleet, rooms, foreign }
    }

    /// Looks for anything of another room in what was answered to one of `room`.
    pub(super) fn assert_own(&self, room: usize, what: &str, answer: &str) {
        for secret in &self.foreign[room] {
            assert!(!answer.contains(secret.as_str()), "{what} showed {secret} to room{room}: {answer}");
        }
    }

    /// The same, in all that a session has heard.
    pub(super) fn assert_heard_own(&self, room: usize, client: &Client) {
        for heard in client.heard.all() {
            self.assert_own(room, heard.kind(), &heard.packet.to_string());
        }
    }
}

/// A room in which nothing was said.
struct Populated {
    name: String,
    passcode: Option<String>,
    marker: String,
    members: Vec<Client>,
}

async fn populated(fleet: &Fleet, place: usize, name: &str) -> Populated {
    let passcode = (place < PRIVATE).then(|| format!("the passcode of {name}"));
    let operator = Operator::of(fleet.base(place % 2));
    if let Some(passcode) = &passcode {
        operator.make_private(name, passcode).await;
    }
    let marker = format!("planted-in-{name}");
    let enter = async |agent: usize| {
        let (base, nick) = (fleet.base(agent % 2), format!("{marker} {agent}"));
        match &passcode {
            Some(passcode) => admitted(base, name, passcode, Entrance::aware(), &nick).await,
            None => Client::enter(base, name, Entrance::aware(), &nick).await,
        }
    };
    let mut members = Vec::new();
    for agent in 0..AGENTS {
        members.push(enter(agent).await);
    }
    let manager = members[MANAGER].event("hello-event").await;
    operator.make_manager(name, manager["id"].as_str().expect("an id")).await;
    Populated { name: name.to_owned(), passcode, marker, members }
}

async fn furnished(fleet: &Fleet, populated: Populated) -> Room {
    let Populated { name, passcode, marker, members } = populated;
    let uploader = &members[0];
    let (said, shown) = post(uploader, &marker, corpus::read(corpus::SMALL)).await;
    let (unsaid, deleted) = post(uploader, &format!("unsaid: {marker}"), pixel(&marker)).await;
    Operator::of(fleet.base(0)).delete_message(&name, unsaid["id"].as_str().expect("an id")).await;
    let hidden = uploader.upload_handle().await;
    assert_eq!(Web::default().upload(&hidden, pixel(&marker)).await.status, 201);
    let hidden = finished(uploader, hidden.id).await;
    let pending = uploader.upload_handle().await;
    Room { name, passcode, marker, members, shown, said, pending, hidden, deleted, unsaid }
}

async fn post(client: &Client, content: &str, picture: Vec<u8>) -> (Value, MediaView) {
    let handle = client.upload_handle().await;
    let said = client.send(content, &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, picture).await.status, 201);
    (said, finished(client, handle.id).await)
}
