//! How news of a room travels: to the sessions here through a few bounded
//! lines, each in order, and to the other coordinators by pub/sub.

use super::{
    chairs::Chairs,
    deliver,
    heal::{self, Unread},
    hub::Hub,
    seen::{Origins, Seen},
};
use crate::{app::App, lasting::caught, measures};
use heim_common::{
    EditId, MediaId, MessageId, Millis, RoomName,
    room_event::{News, RoomEvent},
    spec::TranscodingName,
};
use heim_db::{Expired, GivenUp};
use heim_runtime::telemetry::chain;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// News of one room stays in one line, so it stays in order.
const LINES: usize = 8;
/// News that may wait in one line before whoever brings more has to wait.
const LINE_MAX: usize = 1024;
/// News that may wait for pub/sub. Of what comes on top, other coordinators find
/// messages, their changes and media events in the rows; their sessions hear no
/// more of who joined, left or chose a nick meanwhile, until their next snapshot.
const PUBLISH_MAX: usize = 4096;
/// Pause before news is published again that pub/sub did not take.
const PUBLISH_AGAIN: Duration = Duration::from_millis(100);
/// What each session adds to the time over which a herd spreads, and the longest
/// such time.
const SPREAD_MS_EACH: u64 = 3;
const SPREAD_MS_MAX: u64 = 30_000;
/// How long a coordinator that stops may still publish: its sessions' parting
/// is told by nobody else.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The sessions of this coordinator, and the ways to them.
pub(crate) struct Rooms {
    pub(crate) hub: Hub,
    pub(crate) chairs: Chairs,
    lines: Vec<mpsc::Sender<RoomEvent>>,
    publish: mpsc::Sender<RoomEvent>,
    heard: Mutex<HeardBefore>,
    /// How many sessions this coordinator sent away when it stopped.
    herd: OnceLock<usize>,
}

/// What was brought already.
struct HeardBefore {
    media: Seen,
    messages: Seen,
    edits: Seen,
    origins: Origins,
}

/// The receiving ends, for [`run`].
pub(crate) struct Ends {
    lines: Vec<mpsc::Receiver<RoomEvent>>,
    publish: mpsc::Receiver<RoomEvent>,
    unread: Unread,
}

impl Rooms {
    /// Empty ones. Sessions that come find everything up to `last_event` and
    /// `now` in their snapshots.
    pub(crate) fn new(last_event: i64, now: Millis) -> (Self, Ends) {
        let (lines, line_ends) = (0..LINES).map(|_| mpsc::channel(LINE_MAX)).unzip();
        let (publish, publish_end) = mpsc::channel(PUBLISH_MAX);
        let unread = Unread { events: last_event, messages: heal::message_at(now), edits: heal::edit_at(now) };
        let heard = HeardBefore {
            media: Seen::above(last_event),
            messages: Seen::above(unread.messages.as_i64()),
            edits: Seen::above(unread.edits.as_i64()),
            origins: Origins::default(),
        };
        let rooms = Self {
            hub: Hub::default(),
            chairs: Chairs::default(),
            lines,
            publish,
            heard: Mutex::new(heard),
            herd: OnceLock::new(),
        };
        (rooms, Ends { lines: line_ends, publish: publish_end, unread })
    }

    fn heard(&self) -> MutexGuard<'_, HeardBefore> {
        // Every change is a single insertion: whole even after a panic.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Over how many milliseconds the sessions that are sent away all at once
    /// should spread their way back.
    pub(super) fn spread_ms(&self) -> u64 {
        // Counted by the first that goes, when all are there.
        let herd = *self.herd.get_or_init(|| self.hub.len());
        SPREAD_MS_MAX.min(SPREAD_MS_EACH.saturating_mul(herd as u64))
    }

    /// Whether news of this message may have been brought.
    pub(super) fn may_have_brought(&self, message: MessageId) -> bool {
        self.heard().messages.may_have(message.as_i64())
    }

    /// Whether news of this change of a message may have been brought.
    pub(super) fn may_have_brought_edit(&self, edit: EditId) -> bool {
        self.heard().edits.may_have(edit.as_i64())
    }

    /// Brings what another coordinator tells, once.
    pub(super) async fn bring_published(&self, event: RoomEvent) {
        let is_new = self.heard().origins.insert(&event.origin, event.n);
        if is_new {
            self.bring(event).await;
        }
    }

    /// Brings news to the sessions here. Messages, their changes and media events
    /// may come from several sides and are brought once.
    pub(super) async fn bring(&self, event: RoomEvent) {
        let is_new = match &event.news {
            News::Media { seq, .. } => self.heard().media.insert(*seq),
            News::Sent { message, .. } => self.heard().messages.insert(message.as_i64()),
            News::Edited { edit, .. } => self.heard().edits.insert(edit.as_i64()),
            News::Join { .. }
            | News::Part { .. }
            | News::Nick { .. }
            | News::Partition { .. }
            | News::Closed { .. } => true,
        };
        if !is_new || !self.hub.is_occupied(&event.room) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        event.room.hash(&mut hasher);
        let line = usize::try_from(hasher.finish() % LINES as u64).unwrap_or(0);
        // The line ends only when the process does.
        let _ = self.lines[line].send(event).await;
    }
}

/// Tells a room something that is committed already.
pub(crate) async fn announce(app: &App, room: &RoomName, news: News) {
    let event = RoomEvent { room: room.clone(), origin: app.server_era.clone(), n: 0, news };
    publish_soon(app, event.clone());
    app.rooms.bring(event).await;
}

/// Tells only the sessions of other coordinators: those here know it.
pub(super) fn announce_elsewhere(app: &App, room: &RoomName, news: News) {
    let event = RoomEvent { room: room.clone(), origin: app.server_era.clone(), n: 0, news };
    publish_soon(app, event);
}

fn publish_soon(app: &App, event: RoomEvent) {
    if let Err(error) = app.rooms.publish.try_send(event) {
        let room = &error.into_inner().room;
        tracing::warn!(%room, "news not published: pub/sub is too slow");
    }
}

/// Tells a room of a row of the table `event`.
pub(crate) async fn announce_media(app: &App, room: &RoomName, media: MediaId, name: TranscodingName, seq: i64) {
    announce(app, room, News::Media { seq, media, name }).await;
}

/// Tells a room of all that a failed job will never bring.
pub(crate) async fn announce_given_up(app: &App, given_up: GivenUp) {
    let GivenUp { job, room, media, reason, events } = given_up;
    tracing::warn!(%job, %media, reason = reason.as_str(), "job given up");
    measures::job_ended(Some(reason));
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
                if Box::pin(caught("deliver", deliver::deliver(&app, &event))).await.is_none() {
                    deliver::send_away(&app, &event.room);
                }
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
    tasks.spawn(stop.run_until_cancelled_owned(heal::listen(app, ends.unread)));
    tasks.close();
    tasks.wait().await;
}

/// Publishes in order, each news until it is taken, under a number of its own:
/// what failed may have been taken all the same. After `stop` what is queued,
/// as far as it goes.
async fn publish(app: &App, mut events: mpsc::Receiver<RoomEvent>, stop: &CancellationToken) {
    let mut failing = false;
    for n in 1.. {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            () = stop.cancelled() => None,
        };
        let Some(event) = event else { return };
        let event = RoomEvent { n, ..event };
        while let Err(error) = app.queue.publish(&event).await {
            if !failing {
                failing = true;
                tracing::warn!(error = chain(&error), "other coordinators are not told for now");
            }
            sleep(PUBLISH_AGAIN).await;
        }
        failing = false;
    }
}
