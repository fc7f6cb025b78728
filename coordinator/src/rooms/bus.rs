//! How news of a room travels: to the sessions here through a few bounded
//! lines, each in order, and to the other coordinators by pub/sub.

use super::{deliver, hub::Hub};
use crate::app::App;
use heim_common::{
    MediaId, RoomName,
    room_event::{News, RoomEvent},
    spec::TranscodingName,
};
use heim_db::{EventRow, Expired, GivenUp};
use heim_queue::Heard;
use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// News of one room stays in one line, so it stays in order.
const LINES: usize = 8;
/// News that may wait in one line before whoever brings more has to wait.
const LINE_MAX: usize = 1024;
/// News that may wait for pub/sub; what comes on top is healed from the rows.
const PUBLISH_MAX: usize = 4096;
/// Media events remembered so that a catch-up repeats none.
const SEEN_MAX: usize = 8192;
/// How far a catch-up looks back behind the newest event that was heard: rows
/// of concurrent transactions become visible out of order.
const LOOK_BACK: i64 = 512;
/// Rows that a catch-up reads at a time.
const CATCH_UP_PAGE: u64 = 512;

/// The sessions of this coordinator, and the ways to them.
pub(crate) struct Rooms {
    pub(crate) hub: Hub,
    lines: Vec<mpsc::Sender<RoomEvent>>,
    publish: mpsc::Sender<RoomEvent>,
    seen: Mutex<Seen>,
}

/// The receiving ends, for [`run`].
pub(crate) struct Ends {
    lines: Vec<mpsc::Receiver<RoomEvent>>,
    publish: mpsc::Receiver<RoomEvent>,
}

impl Rooms {
    pub(crate) fn new() -> (Self, Ends) {
        let (lines, line_ends) = (0..LINES).map(|_| mpsc::channel(LINE_MAX)).unzip();
        let (publish, publish_end) = mpsc::channel(PUBLISH_MAX);
        let rooms = Self { hub: Hub::default(), lines, publish, seen: Mutex::default() };
        (rooms, Ends { lines: line_ends, publish: publish_end })
    }

    async fn bring(&self, event: RoomEvent) {
        if let News::Media { seq, .. } = event.news
            && !self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(seq)
        {
            return;
        }
        if !self.hub.is_occupied(&event.room) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        event.room.hash(&mut hasher);
        let line = usize::try_from(hasher.finish() % LINES as u64).unwrap_or(0);
        // The line ends only when the process does.
        let _ = self.lines[line].send(event).await;
    }
}

/// The media events that were brought lately.
#[derive(Default)]
struct Seen {
    /// The newest event when this coordinator started: it and all before it are
    /// in the snapshots of its sessions.
    floor: i64,
    newest: i64,
    order: VecDeque<i64>,
    all: HashSet<i64>,
}

impl Seen {
    fn insert(&mut self, seq: i64) -> bool {
        if !self.all.insert(seq) {
            return false;
        }
        self.newest = self.newest.max(seq);
        self.order.push_back(seq);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
        true
    }
}

/// Tells a room something that is committed already.
pub(crate) async fn announce(app: &App, room: &RoomName, news: News) {
    let event = RoomEvent { room: room.clone(), origin: app.server_era.clone(), news };
    if app.rooms.publish.try_send(event.clone()).is_err() {
        tracing::warn!(%room, "news not published: pub/sub is too slow");
    }
    app.rooms.bring(event).await;
}

/// Tells a room of a row of the table `event`.
pub(crate) async fn announce_media(app: &App, room: &RoomName, media: MediaId, name: TranscodingName, seq: i64) {
    announce(app, room, News::Media { seq, media, name }).await;
}

/// Tells a room of all that a failed job will never bring.
pub(crate) async fn announce_given_up(app: &App, given_up: GivenUp) {
    let GivenUp { job, room, media, reason, events } = given_up;
    tracing::warn!(%job, %media, reason = reason.as_str(), "job given up");
    for (name, seq) in events {
        announce_media(app, &room, media, name, seq).await;
    }
}

/// Tells a room of a media object whose upload will never come, if a message
/// shows it.
pub(crate) async fn announce_expired(app: &App, expired: Expired) {
    match expired {
        Expired::Removed(media) => tracing::debug!(%media, "unused upload handle removed"),
        Expired::Failed { media, room, seq } => {
            announce_media(app, &room, media, TranscodingName::original(), seq).await;
        }
    }
}

/// Moves news until `stop`.
pub(crate) async fn run(app: App, ends: Ends, stop: CancellationToken) {
    if let Ok(newest) = app.db.events_last().await {
        let mut seen = app.rooms.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.floor, seen.newest) = (newest, seen.newest.max(newest));
    }
    let tasks = TaskTracker::new();
    for mut line in ends.lines {
        let app = app.clone();
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Some(event) = line.recv().await {
                deliver::deliver(&app, &event).await;
            }
        }));
    }
    tasks.spawn(stop.clone().run_until_cancelled_owned(publish(app.clone(), ends.publish)));
    tasks.spawn(stop.run_until_cancelled_owned(listen(app)));
    tasks.close();
    tasks.wait().await;
}

async fn publish(app: App, mut events: mpsc::Receiver<RoomEvent>) {
    let mut failing = false;
    while let Some(event) = events.recv().await {
        match app.queue.publish(&event).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "other coordinators are not told; they will catch up");
            }
            Err(_) => {}
        }
    }
}

async fn listen(app: App) {
    let mut subscription = app.queue.subscribe().await;
    loop {
        match subscription.next().await {
            Heard::Event(event) if event.origin == app.server_era => {}
            Heard::Event(event) => app.rooms.bring(event).await,
            Heard::Gap => {
                if let Err(error) = catch_up(&app).await {
                    tracing::warn!(%error, "cannot catch up with media events");
                }
            }
        }
    }
}

/// Brings the media events whose news may have been lost.
async fn catch_up(app: &App) -> Result<(), heim_db::DbError> {
    let mut from = {
        let seen = app.rooms.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.newest - LOOK_BACK).max(seen.floor)
    };
    loop {
        let rows = app.db.events_since(from, CATCH_UP_PAGE).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(()) };
        for EventRow { seq, room, media, name, created: _ } in rows {
            let event = RoomEvent { room, origin: String::new(), news: News::Media { seq, media, name } };
            app.rooms.bring(event).await;
        }
        from = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_media_event_is_brought_twice_and_memory_is_bounded() {
        let mut seen = Seen::default();
        assert!(seen.insert(7));
        assert!(!seen.insert(7));
        for seq in 8..=i64::try_from(SEEN_MAX).unwrap() + 10 {
            assert!(seen.insert(seq));
        }
        assert_eq!((seen.all.len(), seen.order.len()), (SEEN_MAX, SEEN_MAX));
        assert!(seen.insert(7), "forgotten by then");
    }
}
