//! A fleet of two coordinators with pictures in its rooms, and the sockets that
//! fill it, half of them at either coordinator.

use crate::{
    board::Board,
    cost,
    socket::{MARK, Socket},
    table::Row,
};
use futures_util::{StreamExt, stream};
use heim_common::MediaId;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    process::Process,
    sharing::{finished, share_accepted},
};
use serde_json::json;
use std::{sync::Arc, time::Instant};

/// Pictures in a house of one room: nobody makes a hundred transcodings of one.
const OBJECTS_MIN: usize = 12;
/// Sockets that may speak: so many that none is slowed down.
const SPEAKERS_MIN: usize = 64;
/// Sockets that join at once.
const JOINING: usize = 32;
/// Pictures that are uploaded at once.
const UPLOADING: usize = 4;

/// A full house.
pub(crate) struct House {
    // The first to go: sockets that leave one by one would be told of to all.
    pub(crate) fleet: Fleet,
    pub(crate) place: &'static str,
    pub(crate) board: Arc<Board>,
    /// The pictures, each with its room.
    pub(crate) objects: Vec<(usize, MediaId)>,
    rooms: usize,
    /// Those of even place are at the first coordinator.
    sockets: Vec<Socket>,
}

/// The name of a room.
pub(crate) fn name(room: usize) -> String {
    format!("hall{room}")
}

impl House {
    /// An empty one. All transcodings of its pictures are there.
    pub(crate) async fn build(place: &'static str, rooms: usize) -> Self {
        // All sockets come from one address.
        let fleet = Fleet::with(2, 1, &[("limits.connections_per_ip", "0")]).await;
        let photo = corpus::read(corpus::SMALL);
        let hanging = stream::iter(0..rooms.max(OBJECTS_MIN)).map(|number| {
            let (base, room, photo) = (fleet.base(number % 2), number % rooms, photo.clone());
            async move {
                let host = Client::enter(base, &name(room), Entrance::aware(), "host").await;
                let id = share_accepted(&host, photo).await;
                finished(&host, id).await;
                (room, id)
            }
        });
        let objects = hanging.buffered(UPLOADING).collect().await;
        Self { fleet, place, board: Arc::default(), objects, rooms, sockets: Vec::new() }
    }

    /// Lets so many sockets in, and tells what that costs. When it returns, nobody
    /// has any news to come.
    pub(crate) async fn fill(mut self, sockets: u16) -> (Self, Vec<Row>) {
        let empty = held(&self.fleet, cost::resident_kib);
        let joining = stream::iter(0..usize::from(sockets)).map(|number| {
            let (coordinator, room) = (coordinator_of(number), number / 2 % self.rooms);
            let (base, board) = (self.fleet.base(coordinator), Arc::clone(&self.board));
            async move {
                let began = Instant::now();
                let socket = Socket::join(base, &name(room), coordinator, board).await;
                (socket, began.elapsed())
            }
        });
        let (joined, waits): (_, Vec<_>) = joining.buffered(JOINING).unzip().await;
        self.sockets = joined;
        for speaker in 0..self.speakers() {
            self.sockets[speaker].command("nick", json!({ "name": "guest" })).await;
        }
        // News of a room stay in order: who has heard these has heard all before.
        for speaker in 0..self.speakers() {
            self.speak(speaker, 0).await;
        }
        self.board.take((0..self.speakers()).map(|speaker| self.others(speaker)).sum()).await;
        let each = (held(&self.fleet, cost::resident_kib) - empty) / f64::from(sockets);
        let most = held(&self.fleet, cost::resident_max_kib) / 1024.0;
        let rows = vec![
            Row::waits(self.place, JOINING, "connect → snapshot-event, ms", &waits),
            Row::single(self.place, sockets.into(), "memory (RSS) of a socket, KiB", each),
            Row::single(self.place, sockets.into(), "… of both coordinators at most, MiB", most),
        ];
        (self, rows)
    }

    /// How many may speak: two of every room, one at either coordinator.
    pub(crate) fn speakers(&self) -> usize {
        SPEAKERS_MIN.max(2 * self.rooms)
    }

    /// Says something with this number in it, and returns the instant before that
    /// was written.
    pub(crate) async fn speak(&self, speaker: usize, number: usize) -> Instant {
        self.sockets[speaker].command("send", json!({ "content": format!("{MARK}{number}") })).await
    }

    /// How many sockets are in a room.
    pub(crate) fn occupants(&self, room: usize) -> usize {
        (0..self.sockets.len()).filter(|number| number / 2 % self.rooms == room).count()
    }

    /// How many hear this speaker.
    pub(crate) fn others(&self, speaker: usize) -> usize {
        self.occupants(speaker / 2 % self.rooms) - 1
    }
}

/// What the coordinators hold in memory, in KiB.
fn held(fleet: &Fleet, of: fn(&Process) -> u32) -> f64 {
    fleet.coordinators.iter().map(|process| f64::from(of(process))).sum()
}

/// Where a socket of this place is.
pub(crate) fn coordinator_of(socket: usize) -> usize {
    socket % 2
}
