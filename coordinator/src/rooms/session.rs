//! One connection: the handshake, then commands one at a time, until it ends.

use super::{
    announce,
    closing::{CLOSE_TIMEOUT, Ending, Goodbye},
    command,
    end::{End, Why},
    hub::{Admission, Member, reader},
    keepalive::Keepalive,
    lobby::{self, Admitted},
    outbox::{About, Outbox, Outgoing, Views},
    throttle::{Bucket, Throttle},
    writer::{Known, Writer},
};
use crate::{
    app::App,
    background::PRESENCE_LEASE,
    opened,
    view::{self, Length, Reader},
};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use heim_common::{
    RoomName, SessionId, UserId,
    room_event::News,
    session::SessionView,
    wire::{MessageView, Packet, Reply},
};
use heim_runtime::{Shutdown, telemetry::chain};
use serde::Serialize;
use std::{
    error::Error,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout},
};

/// Messages in a snapshot.
const LOG_MAX: u64 = 100;
pub(super) type Sink = SplitSink<WebSocket, Message>;
pub(super) type Frames = SplitStream<WebSocket>;
pub(super) type Failed = Box<dyn Error + Send + Sync>;

/// Who connects, and where.
pub(crate) struct Joining {
    pub(crate) room: RoomName,
    pub(crate) admission: Admission,
    pub(crate) user: UserId,
    pub(crate) base: Arc<str>,
    pub(crate) media_aware: bool,
    /// Its place among those that are on their way in.
    pub(crate) turn: OwnedSemaphorePermit,
}

/// A session, as its commands see it.
pub(crate) struct Session {
    pub(crate) app: App,
    pub(crate) room: RoomName,
    /// In a private room, what it was let into is known once it is.
    pub(crate) admission: Admission,
    pub(crate) view: SessionView,
    pub(crate) base: Arc<str>,
    pub(crate) throttle: Throttle,
    pub(crate) media_bucket: Bucket,
    pub(crate) keepalive: Keepalive,
    media_aware: Arc<AtomicBool>,
    outbox: Outbox,
    end: End,
    pub(super) shutdown: Shutdown,
    /// There while the way in is under way, and nobody is waited for.
    turn: Option<OwnedSemaphorePermit>,
    /// Whether others may know of it.
    is_in: bool,
}

/// What happens next to a session.
pub(super) enum Turn {
    Command(Packet),
    /// A ping is due.
    Tick,
    Over(Ending),
}

#[derive(Serialize)]
struct Hello<'a> {
    id: &'a UserId,
    session: &'a SessionView,
    room_is_private: bool,
    version: &'static str,
}

#[derive(Serialize)]
struct Snapshot {
    identity: UserId,
    session_id: SessionId,
    version: &'static str,
    listing: Vec<SessionView>,
    log: Vec<MessageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Serves a connection until it ends.
pub(crate) async fn serve(app: App, joining: Joining, socket: WebSocket, shutdown: Shutdown) {
    let (sink, stream) = socket.split();
    let (outbox, queue) = Outbox::new(app.settings.limits.socket_queue_bytes);
    let Joining { room, admission, user, base, media_aware, turn } = joining;
    let view = SessionView {
        session_id: SessionId::new(&user, app.ids.snowflake().0),
        id: user,
        name: String::new(),
        server_id: app.server_id.clone(),
        server_era: app.server_era.clone(),
        is_manager: false,
    };
    let mut session = Session {
        throttle: Throttle::new(app.now()),
        media_bucket: Bucket::media(app.now()),
        keepalive: Keepalive::default(),
        media_aware: Arc::new(AtomicBool::new(media_aware)),
        end: End::default(),
        app,
        room,
        admission,
        view,
        base,
        outbox,
        shutdown,
        turn: Some(turn),
        is_in: false,
    };
    // A panic ends the session and not its presence: others would see it for ever.
    let ran = AssertUnwindSafe(session.run(sink, stream, queue)).catch_unwind().await;
    session.end.stop();
    let last = ran.unwrap_or_else(|_| {
        tracing::error!(room = %session.room, "a session ended by a panic");
        None
    });
    // Who is too slow to hear a goodbye is gone for the others all the same.
    tokio::join!(session.leave(), async {
        if let Some(last) = last {
            last.close().await;
        }
    });
}

impl Session {
    /// Serves it until it ends; what is to be said last is returned.
    async fn run(
        &mut self,
        mut sink: Sink,
        mut stream: Frames,
        queue: mpsc::UnboundedReceiver<Outgoing>,
    ) -> Option<Goodbye> {
        let mut ticks = self.ticks();
        let known = match self.enter(&mut sink, &mut stream, &mut ticks).await {
            Ok(Admitted::Yes(known)) => known,
            Ok(Admitted::Over(ending)) => {
                return Some(Goodbye { ending, why: self.end.why(), sink: Some(sink), stream });
            }
            Err(error) => {
                self.turn = None;
                tracing::debug!(room = %self.room, error = chain(&*error), "session did not join");
                // If it is the connection that failed, nobody hears this.
                return Some(Goodbye { ending: Ending::Unavailable, why: None, sink: Some(sink), stream });
            }
        };
        let writer = tokio::spawn(Writer::new(sink, known, self.outbox.asked(), self.end.clone()).run(queue));
        let ending = loop {
            match self.turn(&mut stream, &mut ticks).await {
                Turn::Command(packet) => {
                    if command::carry_out(self, packet).await.is_break() {
                        break Ending::Cut;
                    }
                }
                Turn::Tick => match self.keepalive.tick(self.app.now()) {
                    Some(ping) => {
                        self.outbox.knock();
                        self.queue(&Reply::event("ping-event", ping), About::Else, Views::default()).await;
                    }
                    None => break Ending::Cut,
                },
                Turn::Over(ending) => break ending,
            }
        };
        self.end.stop();
        let sink = writer.await.ok().flatten();
        Some(Goodbye { ending, why: self.end.why(), sink, stream })
    }

    fn ticks(&self) -> Interval {
        let period = Duration::from_millis(self.app.settings.coordinator.ping_ms);
        let mut ticks = interval_at(Instant::now() + period, period);
        // Those that a slow command made late are not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Waits for what happens next.
    pub(super) async fn turn(&mut self, stream: &mut Frames, ticks: &mut Interval) -> Turn {
        loop {
            let frame = tokio::select! {
                frame = stream.next() => frame,
                _ = ticks.tick() => return Turn::Tick,
                () = self.end.ended() => return Turn::Over(Ending::Ended),
                () = self.shutdown.soft.cancelled() => {
                    return Turn::Over(Ending::Restarting { spread_ms: self.app.rooms.spread_ms() });
                }
            };
            self.keepalive.heard();
            match frame {
                Some(Ok(Message::Text(text))) => match serde_json::from_str::<Packet>(&text) {
                    Ok(packet) => return Turn::Command(packet),
                    Err(_) => return Turn::Over(Ending::Cut),
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) => return Turn::Over(Ending::Asked),
                // heim drops binary frames and broken packets without a word.
                Some(Ok(Message::Binary(_)) | Err(_)) | None => return Turn::Over(Ending::Cut),
            }
        }
    }

    /// hello, ping, snapshot: in this order, before anything else. In a private
    /// room there is no snapshot before the passcode.
    async fn enter(
        &mut self,
        sink: &mut Sink,
        stream: &mut Frames,
        ticks: &mut Interval,
    ) -> Result<Admitted<Known>, Failed> {
        self.view.is_manager = self.app.db.room_is_manager(&self.room, &self.view.id).await?;
        let room_is_private = self.admission.private;
        let hello = Hello { id: &self.view.id, session: &self.view, room_is_private, version: VERSION };
        sink.send(text(&Reply::event("hello-event", hello))?).await?;
        if let Some(ping) = self.keepalive.tick(self.app.now()) {
            sink.send(text(&Reply::event("ping-event", ping))?).await?;
        }
        if room_is_private {
            self.turn = None;
            match lobby::wait(self, sink, stream, ticks).await? {
                Admitted::Yes(epoch) => self.admission.epoch = epoch,
                Admitted::Over(ending) => return Ok(Admitted::Over(ending)),
            }
        }
        self.join(sink).await
    }

    async fn join(&mut self, sink: &mut Sink) -> Result<Admitted<Known>, Failed> {
        let db = self.app.db.clone();
        let nick = db.nick(&self.room, &self.view.id).await?;
        self.view.name = nick.clone().unwrap_or_default();
        // From here on events wait in the queue, so none falls between snapshot
        // and membership.
        self.is_in = true;
        self.app.rooms.hub.join(&self.room, self.member());
        let epoch = self.admission.epoch;
        if !db.session_join(&self.room, &self.view, epoch, PRESENCE_LEASE, self.app.now()).await? {
            self.shut_out().await;
            return Ok(Admitted::Over(Ending::Ended));
        }
        self.app.rooms.hub.note(&self.room, &self.view);
        announce(&self.app, &self.room, News::Join { session: self.view.clone() }).await;
        let mut listing = db.sessions(&self.room).await?;
        listing.retain(|session| session.session_id != self.view.session_id);
        let log = opened::messages(&self.app, db.log(&self.room, LOG_MAX, None).await?).await?;
        let mut known = Known::new(
            log.iter().map(|spoken| spoken.message.id).collect(),
            listing.iter().map(|session| session.session_id.clone()).collect(),
        );
        for object in log.iter().flat_map(|spoken| &spoken.message.attachments) {
            known.media.give(object.id, object.seq);
        }
        let snapshot = Snapshot {
            identity: self.view.id.clone(),
            session_id: self.view.session_id.clone(),
            version: VERSION,
            listing,
            log: log.iter().map(|spoken| view::message(&self.app, self.reader(), spoken, Length::Cut)).collect(),
            nick,
        };
        // Whoever does not read it keeps nobody else from coming in.
        self.turn = None;
        // News pile up already, and who does not read is ended by them.
        match self.end.unless_ended(sink.send(text(&Reply::event("snapshot-event", snapshot))?)).await {
            Some(sent) => sent.map(|()| Admitted::Yes(known)).map_err(Failed::from),
            None => Ok(Admitted::Over(Ending::Ended)),
        }
    }

    fn member(&self) -> Member {
        Member {
            view: self.view.clone(),
            has_joined: false,
            admission: self.admission,
            base: Arc::clone(&self.base),
            media_aware: Arc::clone(&self.media_aware),
            outbox: self.outbox.clone(),
            end: self.end.clone(),
        }
    }

    /// For whom this session's views are made.
    pub(crate) fn reader(&self) -> Reader<'_> {
        reader(&self.base, &self.view.id, self.admission)
    }

    /// Whether the room is still open to this session. If not, it is to be shut
    /// out: it need not wait until news of that comes.
    pub(crate) async fn is_admitted(&self) -> Result<bool, heim_db::DbError> {
        let room = self.app.db.room(&self.room).await?;
        Ok(room.is_some_and(|room| !room.deleted && room.epoch == self.admission.epoch))
    }

    /// Ends this session: its room was closed to it.
    pub(crate) async fn shut_out(&self) {
        let room = self.app.db.room(&self.room).await;
        // If the database does not say now, that the room is closed is sure.
        let is_gone = room.is_ok_and(|room| room.is_none_or(|room| room.deleted));
        self.end.end(Why::closed(is_gone));
    }

    async fn leave(self) {
        if !self.is_in {
            return;
        }
        self.app.rooms.hub.part(&self.room, &self.view.session_id);
        match self.app.db.session_part(&self.view.session_id).await {
            Ok(true) => announce(&self.app, &self.room, News::Part { session: self.view }).await,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(room = %self.room, error = chain(&error), "session not ended; its row is removed later");
            }
        }
    }

    /// Notes that a command begins that will have a reply.
    pub(crate) fn ask(&self) {
        self.outbox.ask();
    }

    /// Queues a packet for this session only, when there is place for it: until
    /// then the session's next command is not read.
    pub(crate) async fn queue(&mut self, packet: &impl Serialize, about: About, views: Views) {
        let text = match serde_json::to_string(packet) {
            Ok(text) => text,
            Err(error) => return tracing::error!(error = chain(&error), "packet not serialised"),
        };
        if !self.outbox.has_place_for(&text) {
            self.keepalive.hold_up();
        }
        tokio::select! {
            biased;
            () = self.outbox.reply(text.into(), about, views) => {}
            () = self.end.ended() => {}
            () = self.shutdown.soft.cancelled() => {}
        }
    }

    /// Waits until the replies so far are written, for a moment.
    pub(crate) async fn written(&self) {
        let _ = timeout(CLOSE_TIMEOUT, self.end.unless_ended(self.outbox.written())).await;
    }

    /// Makes the session wait.
    pub(crate) async fn wait_until(&mut self, until: Instant) {
        self.keepalive.hold_up();
        self.end.unless_ended(sleep_until(until)).await;
    }

    /// Gives the session another nick, and returns the one it had.
    pub(crate) fn set_name(&mut self, name: String) -> String {
        let before = std::mem::replace(&mut self.view.name, name);
        self.app.rooms.hub.note(&self.room, &self.view);
        before
    }

    /// From now on this session is sent media events.
    pub(crate) fn ask_for_media(&self) {
        self.media_aware.store(true, Ordering::Relaxed);
    }
}

/// A packet as a frame.
pub(super) fn text(packet: &impl Serialize) -> Result<Message, serde_json::Error> {
    Ok(Message::Text(serde_json::to_string(packet)?.into()))
}
