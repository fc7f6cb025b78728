//! What a socket has heard: every packet, in order, with its instant.

use crate::until::BOUND;
use heim_common::{MediaId, wire::MediaEvent};
use serde_json::Value;
use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};
use tokio::sync::watch;

/// Packets that are shown when one is missing.
const SHOWN: usize = 12;

/// A packet.
#[derive(Clone, Debug)]
pub struct Heard {
    /// When it came.
    pub at: Instant,
    /// What it says.
    pub packet: Value,
}

impl Heard {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.packet["type"].as_str().unwrap_or_default()
    }

    /// Its fields.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.packet["data"]
    }

    /// The media event that it is, if it is one.
    #[must_use]
    pub fn media_event(&self) -> Option<MediaEvent> {
        (self.kind() == "media-upload-event").then(|| {
            serde_json::from_value(self.data().clone()).unwrap_or_else(|error| panic!("{error}: {}", self.packet))
        })
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a close frame; its code, if it had one.
    Closed(Option<u16>),
    /// Without: what browsers call 1006.
    Cut,
}

/// The packets of one connection.
#[derive(Debug)]
pub struct Packets {
    all: Mutex<Vec<Heard>>,
    /// How many there are, and whether more will come.
    state: watch::Sender<(usize, Option<Ending>)>,
    /// What the close frame said.
    farewell: OnceLock<String>,
    pong: watch::Sender<Option<String>>,
}

impl Default for Packets {
    fn default() -> Self {
        Self {
            all: Mutex::default(),
            state: watch::channel((0, None)).0,
            farewell: OnceLock::new(),
            pong: watch::channel(None).0,
        }
    }
}

impl Packets {
    fn lock(&self) -> MutexGuard<'_, Vec<Heard>> {
        // A list is whole even if a test failed while it looked at it.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, packet: Value) {
        self.lock().push(Heard { at: Instant::now(), packet });
        self.state.send_modify(|(count, _)| *count += 1);
    }

    pub(crate) fn push_pong(&self, content: String) {
        self.pong.send_replace(Some(content));
    }

    /// Waits for the answer to a ping of the WebSocket itself.
    pub async fn pong(&self) -> String {
        let mut pong = self.pong.subscribe();
        let pong = tokio::time::timeout(BOUND, pong.wait_for(Option::is_some)).await;
        let Ok(Ok(pong)) = pong else { panic!("no pong; {}", self.last()) };
        pong.clone().expect("it was waited for")
    }

    pub(crate) fn end(&self, ending: Ending) {
        self.state.send_modify(|(_, ended)| *ended = Some(ending));
    }

    pub(crate) fn say_farewell(&self, reason: String) {
        // There is one close frame.
        let _ = self.farewell.set(reason);
    }

    /// What the server's close frame said, once the connection has ended.
    #[must_use]
    pub fn farewell(&self) -> &str {
        self.farewell.get().map_or("", String::as_str)
    }

    /// Whether and how the connection has ended.
    #[must_use]
    pub fn ended(&self) -> Option<Ending> {
        self.state.borrow().1
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Heard> {
        self.lock().clone()
    }

    /// Those after the first so many.
    #[must_use]
    pub fn since(&self, count: usize) -> Vec<Heard> {
        self.lock().get(count..).unwrap_or_default().to_vec()
    }

    /// Those of one type: their fields.
    #[must_use]
    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.lock().iter().filter(|heard| heard.kind() == kind).map(|heard| heard.data().clone()).collect()
    }

    /// The media events about an object, each with its instant.
    #[must_use]
    pub fn media_events(&self, id: MediaId) -> Vec<(Instant, MediaEvent)> {
        let all = self.lock();
        let events = all.iter().filter_map(|heard| Some((heard.at, heard.media_event()?)));
        events.filter(|(_, event)| subject(event).0 == id).collect()
    }

    /// Waits until `find` finds something in what was heard.
    pub async fn wait_for<T>(&self, what: &str, find: impl FnMut(&[Heard]) -> Option<T>) -> T {
        let found = self.wait_for_or_end(what, find).await;
        found.unwrap_or_else(|ended| panic!("the connection ended ({ended:?}) before: {what}; {}", self.last()))
    }

    /// As [`Self::wait_for`], where the connection may end before.
    ///
    /// # Errors
    /// If it does.
    pub async fn wait_for_or_end<T>(
        &self,
        what: &str,
        mut find: impl FnMut(&[Heard]) -> Option<T>,
    ) -> Result<T, Ending> {
        let mut state = self.state.subscribe();
        let end = tokio::time::Instant::now() + BOUND;
        loop {
            // In this order: what comes after the look changes the state again.
            let (_, ended) = *state.borrow_and_update();
            if let Some(found) = find(&self.lock()) {
                return Ok(found);
            }
            if let Some(ended) = ended {
                return Err(ended);
            }
            let changed = tokio::time::timeout_at(end, state.changed()).await;
            assert!(changed.is_ok(), "not within {BOUND:?}: {what}; {}", self.last());
        }
    }

    /// Waits for the end of the connection.
    pub async fn ending(&self) -> Ending {
        let mut state = self.state.subscribe();
        let ended = tokio::time::timeout(BOUND, state.wait_for(|(_, ended)| ended.is_some())).await;
        let Ok(Ok(state)) = ended else { panic!("the connection is still open; {}", self.last()) };
        state.1.expect("it was waited for")
    }

    fn last(&self) -> String {
        let all = self.lock();
        let last =
            all[all.len().saturating_sub(SHOWN)..].iter().map(|heard| format!("\n  {:.400}", heard.packet.to_string()));
        format!("{} packets were heard, the last:{}", all.len(), last.collect::<String>())
    }
}

/// What a media event is about: the object and the transcoding's name.
#[must_use]
pub fn subject(event: &MediaEvent) -> (MediaId, &str) {
    match event {
        MediaEvent::Available { transcoding, .. } => (transcoding.media_id, transcoding.name.as_str()),
        MediaEvent::Failed { media_id, name, .. } => (*media_id, name.as_str()),
    }
}
