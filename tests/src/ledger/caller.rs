//! A client that uploads and shows one picture after the other, whatever
//! breaks, and writes into the ledger what it asks and is told.

use super::{
    Entry, Ledger, sha256,
    together::{Known, Told, message_id, messages},
};
use crate::{
    client::{Client, Entrance},
    load::bmp,
    sharing,
    web::Web,
};
use heim_common::{MediaId, MessageId, media::MediaState, wire::UploadHandle};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_millis(150);
/// How long it waits for a picture before it takes the next: so the backlog
/// has a bound.
const READY_WITHIN: Duration = Duration::from_secs(4);

/// Messages that one that comes back reads at a time.
const PAGE: u32 = 200;
/// How long a client waits at the end for what its room was told: news that
/// pub/sub lost are brought from the rows every two seconds.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// When an upload began, and when what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Its first request.
    pub begun: Instant,
    /// Was accepted.
    pub accepted: Instant,
    /// Was seen to be ready; `None` if it took too long to wait for.
    pub ready: Option<Instant>,
}

/// What all callers share.
#[derive(Debug)]
pub struct Calls {
    /// Where everything is written.
    pub ledger: Ledger,
    /// Ends them, each after what it has begun.
    pub stop: CancellationToken,
    bases: Vec<String>,
    times: Mutex<Vec<Times>>,
    sockets: AtomicU64,
    pictures: AtomicU32,
}

impl Calls {
    /// To these coordinators.
    #[must_use]
    pub fn to(bases: Vec<String>, ledger: Ledger) -> Arc<Self> {
        let (stop, times) = (CancellationToken::new(), Mutex::default());
        Arc::new(Self { ledger, stop, bases, times, sockets: AtomicU64::new(0), pictures: AtomicU32::new(0) })
    }

    /// All uploads so far that were accepted.
    #[must_use]
    pub fn times(&self) -> Vec<Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A client.
#[derive(Debug)]
pub struct Caller {
    calls: Arc<Calls>,
    web: Web,
    /// Which of them it is.
    number: u64,
    /// The coordinator that it tries next.
    place: usize,
    room: String,
    session: Option<Session>,
    cookie: Option<String>,
    accepted: Vec<(MediaId, Option<String>)>,
    /// What its connections have told it so far.
    known: Known,
    /// Down to which message it has to read, until it has.
    behind: Option<MessageId>,
}

#[derive(Debug)]
struct Session {
    client: Client,
    socket: u64,
    noted: usize,
}

impl Caller {
    /// One that begins at this coordinator.
    #[must_use]
    pub fn new(calls: &Arc<Calls>, place: usize) -> Self {
        let room = format!("chaos{}", place % 4);
        let (number, calls) = (place as u64, Arc::clone(calls));
        let (web, session, cookie, accepted) = (Web::without_pool(), None, None, Vec::new());
        Self { calls, web, number, place, room, session, cookie, accepted, known: Known::default(), behind: None }
    }

    /// Goes on until it is told to stop.
    pub async fn run(mut self) -> Self {
        while !self.calls.stop.is_cancelled() {
            if self.share().await.is_none() {
                self.place += 1;
                sleep(PAUSE).await;
            }
            self.note_heard();
        }
        self
    }

    /// Uploads a picture and says so. `None` where it has to begin anew.
    async fn share(&mut self) -> Option<()> {
        let mut handle = self.handle().await?;
        let bytes = bmp(self.calls.pictures.fetch_add(1, Ordering::Relaxed));
        let begun = Instant::now();
        self.calls.ledger.note(&Entry::Begun { media: handle.id, sha256: sha256(&bytes) });
        while !self.upload(&mut handle, &bytes).await? {
            sleep(PAUSE).await;
        }
        let accepted = Instant::now();
        self.accepted.push((handle.id, self.cookie.clone()));
        let said = self.ask("send", json!({ "content": "look", "attachments": [handle.id] })).await;
        if let Some(message) = said.and_then(|mut said| serde_json::from_value::<MessageId>(said["id"].take()).ok()) {
            self.calls.ledger.note(&Entry::Said { message });
        }
        let ready = self.see(handle.id).await;
        let times = Times { begun, accepted, ready };
        self.calls.times.lock().unwrap_or_else(PoisonError::into_inner).push(times);
        Some(())
    }

    /// One request; true if it was accepted. `None` if it never will be.
    async fn upload(&mut self, handle: &mut UploadHandle, bytes: &[u8]) -> Option<bool> {
        let answer = self.web.try_upload(handle, bytes.to_vec()).await;
        let status = answer.as_ref().map(|answer| answer.status);
        let is_there = answer.is_some_and(|answer| {
            answer.status == 201 || (answer.status == 409 && answer.code() == "already-uploaded")
        });
        self.calls.ledger.note(&Entry::Answered { media: handle.id, status, accepted: is_there });
        match status {
            _ if is_there => Some(true),
            Some(500..) => Some(false),
            // The other coordinator knows the handle as well.
            None => {
                self.place += 1;
                let host = handle.url.find("/media/").expect("a handle's URL is one of ours");
                handle.url.replace_range(..host, self.base());
                Some(false)
            }
            Some(_) => None,
        }
    }

    fn base(&self) -> &str {
        &self.calls.bases[self.place % self.calls.bases.len()]
    }

    async fn handle(&mut self) -> Option<UploadHandle> {
        let socket = self.session().await?.socket;
        self.calls.ledger.note(&Entry::Asked { socket });
        serde_json::from_value(self.ask("media-upload", json!({})).await?).ok()
    }

    /// The fields of the reply; `None` if it was refused or never came.
    async fn ask(&mut self, command: &str, data: Value) -> Option<Value> {
        let session = self.session().await?;
        let Ok(mut reply) = session.client.try_ask(command, data).await else {
            self.note_heard();
            self.session = None;
            return None;
        };
        match reply["error"].as_str() {
            // Handles whose reply was lost count for an hour: another agent has none.
            Some("too many unfinished uploads") => (self.session, self.cookie) = (None, None),
            Some(_) => {}
            None => return Some(reply["data"].take()),
        }
        None
    }

    async fn session(&mut self) -> Option<&mut Session> {
        if self.session.as_ref().is_some_and(|session| session.client.heard.ended().is_some()) {
            self.note_heard();
            self.session = None;
        }
        if self.session.is_none() {
            let entrance = Entrance { cookie: self.cookie.clone(), ..Entrance::aware() };
            let client = Client::try_connect(self.base(), &self.room, entrance).await.ok()?;
            let snapshot = client.heard.wait_for_or_end("the snapshot", |heard| {
                heard.iter().any(|heard| heard.kind() == "snapshot-event").then_some(())
            });
            snapshot.await.ok()?;
            client.try_ask("nick", json!({ "name": "ana" })).await.ok()?;
            if self.cookie.is_none() {
                self.cookie = Some(client.cookie());
            }
            let socket = self.calls.sockets.fetch_add(1, Ordering::Relaxed);
            let joined = Entry::Joined { client: self.number, room: self.room.clone(), socket };
            self.calls.ledger.note(&joined);
            self.session = Some(Session { client, socket, noted: 0 });
            if self.catch_up().await.is_none() {
                self.note_heard();
                self.session = None;
            }
        }
        self.session.as_mut()
    }

    /// Reads what was said while it was away, and the snapshot does not reach to.
    async fn catch_up(&mut self) -> Option<()> {
        let back_to = *self.behind.get_or_insert(self.known.back_to());
        self.note_heard();
        let snapshots = self.session.as_ref()?.client.heard.of("snapshot-event");
        let mut oldest = snapshots.iter().flat_map(messages).filter_map(message_id).min();
        while let Some(before) = oldest.filter(|oldest| *oldest > back_to) {
            let client = &self.session.as_ref()?.client;
            let reply = client.try_ask("log", json!({ "n": PAGE, "before": before })).await.ok()?;
            reply.get("error").is_none().then_some(())?;
            self.note_heard();
            oldest = messages(&reply["data"]).filter_map(message_id).min();
        }
        self.behind = None;
        Some(())
    }

    /// Waits until its connections have told it all that its room was told, if
    /// they do: the ledger says what was missing.
    pub async fn hear_all(&mut self, rooms: &BTreeMap<String, Told>) {
        let (told, began) = (rooms.get(&self.room).cloned().unwrap_or_default(), Instant::now());
        while began.elapsed() < HEARD_WITHIN {
            // Where it has none, it gets one, and hears by that.
            let _ = self.session().await;
            self.note_heard();
            if self.known.misses(&told).is_empty() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits a while until the picture is ready.
    async fn see(&mut self, id: MediaId) -> Option<Instant> {
        let session = self.session().await?;
        let is_ready = session.client.heard.wait_for_or_end("it is ready", |heard| {
            let events = heard.iter().rev().filter_map(|heard| Some((heard.at, heard.media_event()?)));
            let of_this = events.filter(|(_, event)| crate::packets::subject(event).0 == id);
            let mut ready = of_this.filter(|(_, event)| sharing::state(event) == MediaState::Ready);
            ready.next().map(|(at, _)| at)
        });
        tokio::time::timeout(READY_WITHIN, is_ready).await.ok()?.ok()
    }

    fn note_heard(&mut self) {
        let Some(session) = &mut self.session else { return };
        for heard in session.client.heard.since(session.noted) {
            session.noted += 1;
            self.known.hear(&heard.packet);
            self.calls.ledger.note(&Entry::Heard { socket: session.socket, packet: heard.packet });
        }
    }

    /// The digest of an original that it downloads. A connection may end at any
    /// moment, and tells nothing of the original: it asks again, on another one.
    async fn read(&mut self, media: MediaId) -> Option<String> {
        let began = Instant::now();
        while began.elapsed() < HEARD_WITHIN {
            let view = self.ask("get-media", json!({ "id": media })).await;
            if let Some(url) = view.as_ref().and_then(|view| view["transcodings"]["original"]["url"].as_str()) {
                let got = self.web.get(url).await;
                if got.status == 200 {
                    return Some(sha256(&got.body));
                }
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// Downloads every original that was accepted.
    pub async fn read_back(mut self) -> Self {
        let all = std::mem::take(&mut self.accepted);
        for (media, cookie) in all {
            if self.cookie != cookie {
                self.note_heard();
                (self.session, self.cookie) = (None, cookie);
            }
            let sha256 = self.read(media).await;
            self.calls.ledger.note(&Entry::ReadBack { media, sha256 });
        }
        self.note_heard();
        self
    }
}
