//! One connection: the handshake, then commands one at a time, until it ends.

use super::{
    announce, command,
    hub::{About, Member, OUTGOING_MAX, Outgoing},
    keepalive::Keepalive,
    throttle::Bucket,
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
    MessageId, RoomName, SessionId, UserId,
    room_event::News,
    session::SessionView,
    wire::{MessageView, Packet, Reply},
};
use heim_runtime::Shutdown;
use serde::Serialize;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

/// Messages in a snapshot.
const LOG_MAX: u64 = 100;
/// WebSocket close codes (IANA registry): the service restarts; try again later.
const RESTART: (u16, &str) = (1012, "restarting");
const TOO_SLOW: (u16, &str) = (1013, "too slow");
/// How long a close frame may take.
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
    pub(crate) media_bucket: Bucket,
    pub(crate) keepalive: Keepalive,
    media_aware: Arc<AtomicBool>,
    outgoing: mpsc::Sender<Outgoing>,
    end: CancellationToken,
}

/// What a session knows from its snapshot.
#[derive(Default)]
struct Known {
    messages: HashSet<MessageId>,
    sessions: HashSet<SessionId>,
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
    let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
    let Joining { room, user, base, media_aware } = joining;
    let view = SessionView {
        session_id: SessionId::new(&user, app.ids.snowflake().0),
        id: user,
        name: String::new(),
        server_id: app.server_id.clone(),
        server_era: app.server_era.clone(),
    };
    let mut session = Session {
        media_bucket: Bucket::new(app.now()),
        keepalive: Keepalive::default(),
        media_aware: Arc::new(AtomicBool::new(media_aware)),
        end: CancellationToken::new(),
        app,
        room,
        view,
        base,
        outgoing,
    };
    let member = Member {
        user: session.view.id.clone(),
        base: Arc::clone(&session.base),
        media_aware: Arc::clone(&session.media_aware),
        outgoing: session.outgoing.clone(),
        end: session.end.clone(),
    };
    // From here on events wait in the queue, so none falls between snapshot and
    // membership.
    session.app.rooms.hub.join(&session.room, session.view.session_id.clone(), member);
    session.run(sink, stream, queue, shutdown).await;
    session.leave().await;
}

impl Session {
    async fn run(
        &mut self,
        mut sink: SplitSink<WebSocket, Message>,
        mut stream: SplitStream<WebSocket>,
        queue: mpsc::Receiver<Outgoing>,
        shutdown: Shutdown,
    ) {
        let known = match self.enter(&mut sink).await {
            Ok(known) => known,
            Err(error) => return tracing::debug!(room = %self.room, %error, "session did not join"),
        };
        let writer = tokio::spawn(write(sink, queue, known, self.end.clone()));
        let period = Duration::from_millis(self.app.settings.coordinator.ping_ms);
        let mut ticks = interval_at(Instant::now() + period, period);
        let goodbye = loop {
            tokio::select! {
                frame = stream.next() => match frame {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str::<Packet>(&text) {
                        Ok(packet) => command::carry_out(self, packet).await,
                        Err(_) => break None,
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    // heim drops binary frames and broken packets without a word.
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => break None,
                },
                _ = ticks.tick() => match self.keepalive.tick(self.app.now()) {
                    Some(ping) => self.push(&Reply::event("ping-event", ping)),
                    None => break None,
                },
                () = self.end.cancelled() => break Some(TOO_SLOW),
                () = shutdown.soft.cancelled() => break Some(RESTART),
            }
        };
        self.end.cancel();
        if let (Ok(Some(mut sink)), Some((code, reason))) = (writer.await, goodbye) {
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, sink.send(close)).await;
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
            Err(error) => tracing::warn!(room = %self.room, %error, "session not ended; its lease will run out"),
        }
    }

    /// Queues a packet for this session only.
    pub(crate) fn push(&self, packet: &impl Serialize) {
        match serde_json::to_string(packet) {
            Ok(text) => {
                let outgoing = Outgoing { text: text.into(), about: About::Else };
                if self.outgoing.try_send(outgoing).is_err() {
                    self.end.cancel();
                }
            }
            Err(error) => tracing::error!(%error, "packet not serialised"),
        }
    }

    /// From now on this session is sent media events.
    pub(crate) fn ask_for_media(&self) {
        self.media_aware.store(true, Ordering::Relaxed);
    }
}

fn text(packet: &impl Serialize) -> Result<Message, serde_json::Error> {
    Ok(Message::Text(serde_json::to_string(packet)?.into()))
}

/// Writes what is queued, until the session ends; gives the sink back for the
/// last frame unless it is broken.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Outgoing>,
    mut known: Known,
    end: CancellationToken,
) -> Option<SplitSink<WebSocket, Message>> {
    loop {
        let outgoing = tokio::select! {
            outgoing = queue.recv() => outgoing?,
            () = end.cancelled() => return Some(sink),
        };
        let told_already = match &outgoing.about {
            About::Message(id) => known.messages.remove(id),
            About::Join(session) => known.sessions.remove(session),
            About::Else => false,
        };
        if !told_already && sink.send(Message::Text(outgoing.text)).await.is_err() {
            end.cancel();
            return None;
        }
    }
}
