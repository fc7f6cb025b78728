//! How long people wait: from an upload's last byte to its thumbnails, for real
//! photos of 12 MP, one and four at a time, in one process and in a fleet; and
//! how long a job waits for a worker; and what CPU time an upload takes of each
//! part of a fleet, beside its pixels alone. Prints tables.
//!
//! Everything runs on this machine, the client included, so a busy machine shows
//! in the figures. Nothing is asserted here.

mod cost;
mod pickup;
mod table;

use cost::Cost;
use heim_tests::{
    alone,
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    raw::{Raw, upload_head},
    spent::Spent,
    standalone::Standalone,
};
use std::{sync::Arc, time::Instant};
use table::{Row, print};

/// Uploads of each measurement.
const UPLOADS: usize = 64;
/// Uploads of one agent: one more, and its messages are held back.
const UPLOADS_OF_AGENT: usize = 4;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let (rows, costs) = runtime.block_on(async {
        let photos: Arc<Vec<Vec<u8>>> = Arc::new(corpus::PHOTOS.iter().map(|name| corpus::read(name)).collect());
        let mut rows = Vec::new();
        let heim = Standalone::start().await;
        for at_once in [1, 4] {
            rows.extend(measure("standalone", [heim.base(), heim.base()], at_once, &photos).await);
        }
        drop(heim);
        let fleet = Fleet::start(2, 2).await;
        let mut costs = Vec::new();
        for at_once in [1, 4] {
            let before = Spent::by(&fleet).await;
            let pixels = alone::pixels_of_a_photo().await;
            rows.extend(measure("fleet", [fleet.base(0), fleet.base(1)], at_once, &photos).await);
            let spent = Spent::by(&fleet).await.since(&before);
            costs.push(Cost { at_once, uploads: UPLOADS, spent, pixels: [pixels, alone::pixels_of_a_photo().await] });
        }
        drop(fleet);
        rows.extend(pickup::measure(UPLOADS).await);
        (rows, costs)
    });
    print(&rows, &costs);
}

/// What is measured of one upload, in the order of the table.
#[derive(Clone, Copy)]
struct Waits {
    last_byte: Instant,
    answered: Instant,
    first: Instant,
    last: Instant,
}

/// Uploads `at_once` at a time; what counts is what a second session of the room
/// sees, in a fleet one at the other coordinator.
async fn measure(place: &'static str, bases: [&str; 2], at_once: usize, photos: &Arc<Vec<Vec<u8>>>) -> Vec<Row> {
    let lanes = (0..at_once).map(|lane| {
        let (bases, photos) = (bases.map(str::to_owned), Arc::clone(photos));
        tokio::spawn(async move {
            self::lane(&bases, &format!("room{at_once}lane{lane}"), UPLOADS / at_once, &photos).await
        })
    });
    let mut waits = Vec::new();
    for lane in lanes.collect::<Vec<_>>() {
        waits.extend(lane.await.expect("a lane ends"));
    }
    let row = |what, end: fn(&Waits) -> Instant| {
        Row::new(place, at_once, what, waits.iter().map(|wait| end(wait) - wait.last_byte).collect())
    };
    vec![
        row("last byte → 201", |wait| wait.answered),
        row("last byte → first thumbnail's event", |wait| wait.first),
        row("last byte → last thumbnail's event", |wait| wait.last),
    ]
}

/// One upload after the other.
async fn lane(bases: &[String; 2], room: &str, uploads: usize, photos: &[Vec<u8>]) -> Vec<Waits> {
    let viewer = Client::enter(&bases[1], room, Entrance::aware(), "viewer").await;
    let mut waits = Vec::new();
    let mut uploader = None;
    for number in 0..uploads {
        if number % UPLOADS_OF_AGENT == 0 {
            uploader = Some(Client::enter(&bases[0], room, Entrance::aware(), "uploader").await);
        }
        let uploader = uploader.as_ref().expect("there is one from the first on");
        waits.push(upload(uploader, &viewer, &photos[number % photos.len()]).await);
    }
    waits
}

async fn upload(uploader: &Client, viewer: &Client, photo: &[u8]) -> Waits {
    let handle = uploader.upload_handle().await;
    uploader.send("", &[handle.id]).await;
    let mut raw = Raw::connect(&handle.url).await;
    raw.write(upload_head(&handle, &[("Content-Length", &photo.len().to_string())])).await;
    let (most, end) = photo.split_at(photo.len() - 1);
    raw.write(most).await;
    let last_byte = Instant::now();
    raw.write(end).await;
    let answer = raw.answer().await.expect("an answer");
    let answered = Instant::now();
    assert_eq!(answer.status, 201, "{answer:?}");
    let (first, _) = viewer.media_event(handle.id, "thumb-160").await;
    let (last, _) = viewer.media_event(handle.id, "preview-1280").await;
    Waits { last_byte, answered, first, last }
}
