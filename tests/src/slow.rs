//! A crowd of clients that hold a connection each and say little or nothing, and
//! an honest one beside them.

use crate::{
    client::{Client, Entrance},
    corpus, elsewhere,
    raw::{head, upload_head},
    until::within,
    web::Web,
};
use futures_util::{StreamExt, stream};
use heim_common::wire::UploadHandle;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

/// How often a slow client sends a byte.
const TRICKLE: Duration = Duration::from_secs(1);
/// What a slow body begins with.
const BEGUN_BYTES: usize = 1_000;
/// Machines that the crowd is spread over.
const MACHINES: usize = 200;
/// Connections that are opened at once.
const OPENING: usize = 64;
/// Handles that an agent is given before it is slowed down.
const HANDLES_EACH: usize = 30;

/// Upload handles of many agents: the honest client's and those of slow bodies.
pub async fn handles(base: &str, count: usize) -> Vec<UploadHandle> {
    let mut handles = Vec::new();
    while handles.len() < count {
        let agent = Client::join(base, "handles", Entrance::aware()).await;
        for _ in 0..HANDLES_EACH.min(count - handles.len()) {
            handles.push(agent.upload_handle().await);
        }
    }
    handles
}

/// Many connections, a third of them silent, a third with a head that trickles, a
/// third with a body that does.
#[derive(Debug)]
pub struct Crowd {
    /// How long each was open.
    clients: Vec<JoinHandle<Duration>>,
}

impl Crowd {
    /// Opens three connections for each of these handles.
    pub async fn gather(base: &str, bodies: &[UploadHandle]) -> Self {
        let photo = corpus::read(corpus::SMALL);
        let opening = stream::iter(0..3 * bodies.len()).map(|number| {
            let handle = &bodies[number / 3];
            let first = match number % 3 {
                0 => Vec::new(),
                1 => {
                    let head = head("GET", "/room/welcome/", &[("Host", "x"), ("X-Slow", "")]);
                    head.trim_end().as_bytes().to_vec()
                }
                _ => {
                    let head = upload_head(handle, &[("Content-Length", &photo.len().to_string())]);
                    [head.as_bytes(), &photo[..BEGUN_BYTES]].concat()
                }
            };
            async move {
                let mut stream = elsewhere::connect(base, number % MACHINES, None).await;
                let began = Instant::now();
                let _ = stream.write_all(&first).await;
                (stream, began, !first.is_empty())
            }
        });
        let opened = opening.buffer_unordered(OPENING);
        let held = opened.map(|(stream, began, trickles)| tokio::spawn(hold(stream, began, trickles)));
        Self { clients: held.collect().await }
    }

    /// How many are still open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.clients.iter().filter(|client| !client.is_finished()).count()
    }

    /// Waits until the server has closed all of them; tells how long the last one
    /// was open.
    pub async fn closed(self) -> Duration {
        let mut longest = Duration::ZERO;
        for client in self.clients {
            longest = longest.max(within("a slow connection is closed", client).await.expect("it does not panic"));
        }
        longest
    }
}

async fn hold(mut stream: TcpStream, began: Instant, trickles: bool) -> Duration {
    let mut read = [0; 1024];
    let mut ticks = interval(TRICKLE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            got = stream.read(&mut read) => match got {
                Ok(count) if count > 0 => {}
                _ => return began.elapsed(),
            },
            // Refused when the server has closed: the next read tells.
            _ = ticks.tick(), if trickles => drop(stream.write_all(b"a").await),
        }
    }
}

/// Uploads by these handles, one after the other, each when the transcodings of
/// the one before are there; tells how long each upload took.
pub async fn honest(ana: &Client, web: &Web, handles: Vec<UploadHandle>) -> Vec<Duration> {
    let photo = corpus::read(corpus::SMALL);
    let mut took = Vec::new();
    for handle in handles {
        let body = photo.clone();
        let began = Instant::now();
        assert_eq!(web.upload(&handle, body).await.status, 201);
        took.push(began.elapsed());
        ana.media_event(handle.id, "preview-1280").await;
    }
    took
}

/// The one in the middle.
#[must_use]
pub fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}
