//! Uploads that go on while something breaks, and what became of each: clients
//! that try again as long as they are told to, and note all that they are told.

use crate::{
    client::{Client, Entrance},
    packets::Ending,
    stored,
    web::Web,
};
use heim_common::{
    MediaId,
    media::{MediaObject, MediaState},
    wire::UploadHandle,
};
use heim_db::Database;
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// Before the same is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// An upload that the server has said yes to.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its media object.
    pub id: MediaId,
    /// What was uploaded.
    pub bytes: Vec<u8>,
    /// How often it was sent until it was accepted.
    pub tries: u32,
}

/// What clients were told.
#[derive(Debug, Default)]
pub struct Told {
    /// The uploads that were accepted.
    pub accepted: Vec<Accepted>,
    /// Refused uploads and handshakes, by status and code.
    pub refused: BTreeMap<(u16, String), u32>,
    /// Refused commands, by their words.
    pub errors: BTreeMap<String, u32>,
    /// Answers 503 without `Retry-After`.
    pub without_retry_after: u32,
    /// Requests that were never answered.
    pub unanswered: u32,
    /// When one of them was not answered, or a socket ended.
    pub disturbed: Vec<Instant>,
    /// How sockets ended.
    pub endings: Vec<Ending>,
}

impl Told {
    fn leave_unanswered(&mut self) {
        self.unanswered += 1;
        self.disturbed.push(Instant::now());
    }
}

/// Clients that upload tiny pictures, each its own, one after the other.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    bases: Mutex<Vec<String>>,
    told: Mutex<Told>,
    stop: CancellationToken,
    pictures: AtomicU32,
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn base(&self, place: usize) -> String {
        let bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        bases[place % bases.len()].clone()
    }

    fn picture(&self) -> Vec<u8> {
        bmp(self.pictures.fetch_add(1, Ordering::Relaxed))
    }
}

impl Load {
    /// As many clients, spread over these servers.
    #[must_use]
    pub fn start(clients: usize, bases: &[&str]) -> Self {
        let shared = Arc::new(Shared {
            bases: Mutex::new(bases.iter().map(|base| (*base).to_owned()).collect()),
            told: Mutex::default(),
            stop: CancellationToken::new(),
            pictures: AtomicU32::new(0),
        });
        let mut running = JoinSet::new();
        for place in 0..clients {
            running.spawn(upload_on(Arc::clone(&shared), place));
        }
        Self { shared, clients: running }
    }

    /// From now on the servers are there.
    pub fn moved(&self, bases: &[&str]) {
        let mut now = self.shared.bases.lock().unwrap_or_else(PoisonError::into_inner);
        *now = bases.iter().map(|base| (*base).to_owned()).collect();
    }

    /// How many uploads were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.shared.told().accepted.len()
    }

    /// How often this was the answer so far.
    #[must_use]
    pub fn refused(&self, status: u16, code: &str) -> u32 {
        self.shared.told().refused.get(&(status, code.to_owned())).copied().unwrap_or(0)
    }

    /// How many uploads, handshakes and commands were refused so far.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        let told = self.shared.told();
        told.refused.values().chain(told.errors.values()).sum()
    }

    /// Lets each client end what it has begun, and returns what they were told.
    pub async fn end(mut self) -> Told {
        self.shared.stop.cancel();
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client does not panic");
        }
        std::mem::take(&mut *self.shared.told())
    }
}

async fn upload_on(shared: Arc<Shared>, place: usize) {
    // Made once: that takes longer than an upload.
    let (web, mut client) = (Web::without_pool(), None);
    while !shared.stop.is_cancelled() {
        let base = shared.base(place);
        let Some(handle) = handle(&shared, &base, &mut client).await else {
            sleep(PAUSE).await;
            continue;
        };
        upload(&shared, &web, place, handle).await;
    }
}

/// A handle, over a socket that is made anew where it was lost.
async fn handle(shared: &Shared, base: &str, client: &mut Option<Client>) -> Option<UploadHandle> {
    if client.as_ref().is_some_and(|client| client.heard.ended().is_some()) {
        *client = None;
    }
    if client.is_none() {
        match Client::try_connect(base, "load", Entrance::aware()).await {
            Ok(new) => *client = Some(new),
            Err(Some(refused)) => {
                *shared.told().refused.entry((refused.status, refused.code)).or_default() += 1;
                return None;
            }
            Err(None) => {
                shared.told().leave_unanswered();
                return None;
            }
        }
    }
    let mut reply = match client.as_ref()?.try_ask("media-upload", json!({})).await {
        Ok(reply) => reply,
        Err(ended) => {
            let mut told = shared.told();
            told.endings.push(ended);
            told.disturbed.push(Instant::now());
            *client = None;
            return None;
        }
    };
    if let Some(error) = reply["error"].as_str() {
        *shared.told().errors.entry(error.to_owned()).or_default() += 1;
        // Another agent has other handles.
        if error == "too many unfinished uploads" {
            *client = None;
        }
        return None;
    }
    serde_json::from_value(reply["data"].take()).ok()
}

/// Sends a picture until it is accepted, or refused for good.
async fn upload(shared: &Shared, web: &Web, place: usize, mut handle: UploadHandle) {
    let bytes = shared.picture();
    for tries in 1.. {
        let Some(answer) = web.try_upload(&handle, bytes.clone()).await else {
            shared.told().leave_unanswered();
            sleep(PAUSE).await;
            // The server may be somewhere else by now.
            let host = handle.url.find("/media/").expect("a handle's URL is one of ours");
            handle.url.replace_range(..host, &shared.base(place));
            continue;
        };
        // An upload whose answer was lost is there, and says so.
        if answer.status == 201 || (answer.status == 409 && answer.code() == "already-uploaded") {
            shared.told().accepted.push(Accepted { id: handle.id, bytes, tries });
            return;
        }
        let is_passing = answer.status == 503 || answer.status == 507;
        {
            let mut told = shared.told();
            *told.refused.entry(answer.refusal()).or_default() += 1;
            told.without_retry_after += u32::from(answer.status == 503 && answer.header("retry-after").is_empty());
        }
        if !is_passing {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Checks that what was accepted is there, whole and ready.
pub async fn assert_kept(database: &Database, store: &Path, accepted: &[Accepted]) {
    for media in assert_stored(database, store, accepted).await {
        assert_eq!(media.state, MediaState::Ready, "{media:?}");
        assert_eq!(media.transcodings.len(), 5, "{media:?}");
    }
}

/// Checks that what was accepted is there and whole, whatever became of it since.
pub async fn assert_stored(database: &Database, store: &Path, accepted: &[Accepted]) -> Vec<MediaObject> {
    let original = "original".parse().expect("a name");
    let mut all = Vec::new();
    for Accepted { id, bytes, tries: _ } in accepted {
        let media = database.media(*id).await.expect("the database answers");
        let media = media.unwrap_or_else(|| panic!("{id} was accepted and is gone"));
        let stored = media.transcoding(&original).unwrap_or_else(|| panic!("{id} was accepted: {media:?}"));
        let kept = std::fs::read(store.join(stored.key.as_str()));
        assert!(kept.is_ok_and(|kept| kept == *bytes), "{id} is not what was uploaded: {:?}", stored::files(store));
        all.push(media);
    }
    all
}

/// A picture of 16 × 16 pixels that no other number gives.
#[must_use]
pub fn bmp(number: u32) -> Vec<u8> {
    const SIDE: u32 = 16;
    let pixels = (0..SIDE * SIDE).flat_map(|place| {
        let mixed = (number ^ place.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
        mixed.to_le_bytes().into_iter().take(3)
    });
    let mut file = b"BM".to_vec();
    for word in [54 + SIDE * SIDE * 3, 0, 54, 40, SIDE, SIDE, 1 | 24 << 16, 0, SIDE * SIDE * 3, 2835, 2835, 0, 0] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend(pixels);
    // The number itself, so that no two are alike.
    file[54..58].copy_from_slice(&number.to_le_bytes());
    file
}
