//! What a full house costs: 2,000 sockets in one room and over 200 rooms, on
//! two coordinators; how long a message and a media event take to reach
//! everybody, how much memory a socket holds; and what encryption takes from
//! uploads and downloads. Prints a table.
//!
//! Everything runs on this machine, the clients included, so a busy machine shows
//! in the figures. Nothing is asserted of them here.

mod board;
mod cost;
mod delivery;
mod house;
mod open_files;
mod sealed;
mod socket;
mod table;

use house::House;
use table::{Row, print};

/// Sockets of each house.
const SOCKETS: u16 = 2_000;
/// Messages and media events at once.
const AT_ONCE: [usize; 2] = [1, 8];
/// Messages that are measured of each kind, and media events.
const ROUNDS: usize = 96;

fn main() {
    open_files::raise(SOCKETS.into());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let rows = runtime.block_on(async {
        let mut rows = full("one room", 1).await;
        rows.extend(full("200 rooms", 200).await);
        rows.extend(sealed::measure().await);
        rows
    });
    print(&rows);
}

/// Fills a house and measures in it.
async fn full(place: &'static str, rooms: usize) -> Vec<Row> {
    let (house, mut rows) = House::build(place, rooms).await.fill(SOCKETS).await;
    for at_once in AT_ONCE {
        rows.extend(delivery::messages(&house, at_once, ROUNDS.max(rooms)).await);
        rows.extend(delivery::media_events(&house, at_once, ROUNDS.max(rooms)).await);
    }
    rows
}
