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
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// News of one room stays in one line, so it stays in order.
const LINES: usize = 8;
/// News that may wait in one line before whoever brings more has to wait.
const LINE_MAX: usize = 1024;
/// News that may wait for pub/sub; what comes on top is healed from the rows.
const PUBLISH_MAX: usize = 4096;
/// Media events remembered so that a catch-up repeats none.
const SEEN_MAX: usize = 8192;
/// Rows that a catch-up reads at a time.
const CATCH_UP_PAGE: u64 = 512;
/// How often the rows are looked at for events of which no news came: whoever
/// committed them may have died before it told anybody.
const CATCH_UP_TICK: Duration = Duration::from_secs(2);
/// Pause before news is published again that pub/sub did not take.
const PUBLISH_AGAIN: Duration = Duration::from_millis(100);
/// How long a coordinator that stops may still publish: its sessions' parting
/// is told by nobody else.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    order: VecDeque<i64>,
    all: HashSet<i64>,
}

impl Seen {
    fn insert(&mut self, seq: i64) -> bool {
        if !self.all.insert(seq) {
            return false;
        }
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
    let tasks = TaskTracker::new();
    for mut line in ends.lines {
        let app = app.clone();
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Some(event) = line.recv().await {
                deliver::deliver(&app, &event).await;
            }
        }));
    }
    let last_words = stop.clone();
    tasks.spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move {
            tokio::select! {
                () = publish(&app, ends.publish, &stop) => {}
                () = async { last_words.cancelled().await; sleep(LAST_WORDS).await } => {}
            }
        }
    });
    tasks.spawn(stop.run_until_cancelled_owned(listen(app)));
    tasks.close();
    tasks.wait().await;
}

/// Publishes in order, each news until it is taken; after `stop` what is queued,
/// as far as it goes.
async fn publish(app: &App, mut events: mpsc::Receiver<RoomEvent>, stop: &CancellationToken) {
    let mut failing = false;
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            () = stop.cancelled() => None,
        };
        let Some(event) = event else { return };
        while let Err(error) = app.queue.publish(&event).await {
            if !failing {
                failing = true;
                tracing::warn!(%error, "other coordinators are not told for now");
            }
            sleep(PUBLISH_AGAIN).await;
        }
        failing = false;
    }
}

async fn listen(app: App) {
    let mut subscription = app.queue.subscribe().await;
    let mut ticks = interval(CATCH_UP_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What was there before this coordinator started is in the snapshots.
    let mut from = None;
    loop {
        let heard = tokio::select! {
            heard = subscription.next() => heard,
            _ = ticks.tick() => Heard::Gap,
        };
        match heard {
            Heard::Event(event) if event.origin == app.server_era => {}
            Heard::Event(event) => app.rooms.bring(event).await,
            Heard::Gap => {
                if let Err(error) = catch_up(&app, &mut from).await {
                    tracing::warn!(%error, "cannot catch up with media events");
                }
            }
        }
    }
}

/// Brings the media events after `from` whose news may have been lost, and moves
/// `from` behind them.
async fn catch_up(app: &App, from: &mut Option<i64>) -> Result<(), heim_db::DbError> {
    let Some(from) = from else {
        *from = Some(app.db.events_last().await?);
        return Ok(());
    };
    loop {
        let rows = app.db.events_since(*from, CATCH_UP_PAGE).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(()) };
        for EventRow { seq, room, media, name, created: _ } in rows {
            let event = RoomEvent { room, origin: String::new(), news: News::Media { seq, media, name } };
            app.rooms.bring(event).await;
        }
        *from = last;
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
