//! One connection: the handshake, then commands one at a time, until it ends.

use super::{
    announce, command,
    hub::Member,
    keepalive::Keepalive,
    outbox::{Outbox, Outgoing},
    throttle::{Bucket, Throttle},
    writer::{Known, write},
};
use crate::{
    app::App,
    background::PRESENCE_LEASE,
    view::{self, Content},
};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{
    SinkExt, StreamExt,
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
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// Messages in a snapshot.
const LOG_MAX: u64 = 100;
/// WebSocket close codes (IANA registry): the service restarts; try again later.
const RESTART: (u16, &str) = (1012, "restarting");
const TOO_SLOW: (u16, &str) = (1013, "too slow");
/// How long the last frames may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Who connects, and where.
pub(crate) struct Joining {
    pub(crate) room: RoomName,
    pub(crate) user: UserId,
    pub(crate) base: Arc<str>,
    pub(crate) media_aware: bool,
}

/// A session that has joined, as its commands see it.
pub(crate) struct Session {
    pub(crate) app: App,
    pub(crate) room: RoomName,
    pub(crate) view: SessionView,
    pub(crate) base: Arc<str>,
    pub(crate) throttle: Throttle,
    pub(crate) media_bucket: Bucket,
    pub(crate) keepalive: Keepalive,
    media_aware: Arc<AtomicBool>,
    outbox: Outbox,
    end: CancellationToken,
    shutdown: Shutdown,
}

/// How a session ends.
enum Ending {
    /// Without a word, as heim does.
    Cut,
    /// The client said goodbye.
    Asked,
    /// With this close frame.
    Told((u16, &'static str)),
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
    let (outbox, queue) = Outbox::new();
    let Joining { room, user, base, media_aware } = joining;
    let view = SessionView {
        session_id: SessionId::new(&user, app.ids.snowflake().0),
        id: user,
        name: String::new(),
        server_id: app.server_id.clone(),
        server_era: app.server_era.clone(),
    };
    let mut session = Session {
        throttle: Throttle::new(app.now()),
        media_bucket: Bucket::media(app.now()),
        keepalive: Keepalive::default(),
        media_aware: Arc::new(AtomicBool::new(media_aware)),
        end: CancellationToken::new(),
        app,
        room,
        view,
        base,
        outbox,
        shutdown,
    };
    let member = Member {
        view: session.view.clone(),
        has_joined: false,
        base: Arc::clone(&session.base),
        media_aware: Arc::clone(&session.media_aware),
        outbox: session.outbox.clone(),
        end: session.end.clone(),
    };
    // From here on events wait in the queue, so none falls between snapshot and
    // membership.
    session.app.rooms.hub.join(&session.room, member);
    session.run(sink, stream, queue).await;
    session.leave().await;
}

impl Session {
    async fn run(
        &mut self,
        mut sink: SplitSink<WebSocket, Message>,
        mut stream: SplitStream<WebSocket>,
        queue: mpsc::UnboundedReceiver<Outgoing>,
    ) {
        let known = match self.enter(&mut sink).await {
            Ok(known) => known,
            Err(error) => return tracing::debug!(room = %self.room, error = chain(&*error), "session did not join"),
        };
        let writer = tokio::spawn(write(sink, queue, known, self.end.clone()));
        let period = Duration::from_millis(self.app.settings.coordinator.ping_ms);
        let mut ticks = interval_at(Instant::now() + period, period);
        // Those that a slow command made late are not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ending = loop {
            tokio::select! {
                frame = stream.next() => match frame {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str::<Packet>(&text) {
                        Ok(packet) => if command::carry_out(self, packet).await.is_break() { break Ending::Cut },
                        Err(_) => break Ending::Cut,
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) => break Ending::Asked,
                    // heim drops binary frames and broken packets without a word.
                    Some(Ok(Message::Binary(_)) | Err(_)) | None => break Ending::Cut,
                },
                _ = ticks.tick() => match self.keepalive.tick(self.app.now()) {
                    Some(ping) => self.reply(&Reply::event("ping-event", ping)).await,
                    None => break Ending::Cut,
                },
                () = self.end.cancelled() => break Ending::Told(TOO_SLOW),
                () = self.shutdown.soft.cancelled() => break Ending::Told(RESTART),
            }
        };
        self.end.cancel();
        let sink = writer.await;
        match ending {
            Ending::Cut => {}
            // The answer to a close frame is ready, and sent by reading on.
            Ending::Asked => drop(timeout(CLOSE_TIMEOUT, stream.next()).await),
            Ending::Told((code, reason)) => {
                if let Ok(Some(mut sink)) = sink {
                    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
                    let _ = timeout(CLOSE_TIMEOUT, sink.send(close)).await;
                }
            }
        }
    }

    /// hello, ping, snapshot: in this order, before anything else.
    async fn enter(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
    ) -> Result<Known, Box<dyn std::error::Error + Send + Sync>> {
        let hello = Hello { id: &self.view.id, session: &self.view, room_is_private: false, version: VERSION };
        sink.send(text(&Reply::event("hello-event", hello))?).await?;
        if let Some(ping) = self.keepalive.tick(self.app.now()) {
            sink.send(text(&Reply::event("ping-event", ping))?).await?;
        }
        let db = &self.app.db;
        let nick = db.nick(&self.room, &self.view.id).await?;
        self.view.name = nick.clone().unwrap_or_default();
        db.session_join(&self.room, &self.view, PRESENCE_LEASE, self.app.now()).await?;
        self.app.rooms.hub.note(&self.room, &self.view);
        announce(&self.app, &self.room, News::Join { session: self.view.clone() }).await;
        let mut listing = db.sessions(&self.room).await?;
        listing.retain(|session| session.session_id != self.view.session_id);
        let log = db.log(&self.room, LOG_MAX, None).await?;
        let known = Known {
            messages: log.iter().map(|message| message.id).collect(),
            sessions: listing.iter().map(|session| session.session_id.clone()).collect(),
        };
        let snapshot = Snapshot {
            identity: self.view.id.clone(),
            session_id: self.view.session_id.clone(),
            version: VERSION,
            listing,
            log: log.iter().map(|message| view::message(&self.app, &self.base, message, Content::Cut)).collect(),
            nick,
        };
        sink.send(text(&Reply::event("snapshot-event", snapshot))?).await?;
        Ok(known)
    }

    async fn leave(self) {
        self.app.rooms.hub.part(&self.room, &self.view.session_id);
        match self.app.db.session_part(&self.view.session_id).await {
            Ok(true) => announce(&self.app, &self.room, News::Part { session: self.view }).await,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(room = %self.room, error = chain(&error), "session not ended; its row is removed later");
            }
        }
    }

    /// Queues a packet for this session only, when there is place for it: until
    /// then the session's next command is not read.
    pub(crate) async fn reply(&mut self, packet: &impl Serialize) {
        let text = match serde_json::to_string(packet) {
            Ok(text) => text,
            Err(error) => return tracing::error!(error = chain(&error), "packet not serialised"),
        };
        if !self.outbox.has_place_for(&text) {
            self.keepalive.hold_up();
        }
        tokio::select! {
            biased;
            () = self.outbox.reply(text.into()) => {}
            () = self.end.cancelled() => {}
            () = self.shutdown.soft.cancelled() => {}
        }
    }

    /// Waits until the replies so far are written, for a moment.
    pub(crate) async fn written(&self) {
        let _ = timeout(CLOSE_TIMEOUT, self.end.run_until_cancelled(self.outbox.written())).await;
    }

    /// Makes the session wait.
    pub(crate) async fn wait_until(&mut self, until: Instant) {
        self.keepalive.hold_up();
        self.end.run_until_cancelled(sleep_until(until)).await;
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

fn text(packet: &impl Serialize) -> Result<Message, serde_json::Error> {
    Ok(Message::Text(serde_json::to_string(packet)?.into()))
}
