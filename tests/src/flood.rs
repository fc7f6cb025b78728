//! Many clients at a time, each of which uploads one tiny picture after the
//! other: for a backlog that is real.

use crate::{
    client::{Client, Entrance},
    web::Web,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::task::JoinSet;

/// Clients at a time: most of an upload is waiting for a disk.
const CLIENTS: usize = 48;
/// Uploads of one agent: more of them in a row would be slowed down.
const UPLOADS_OF_AGENT: usize = 30;

/// Makes so many uploads on these servers, each of which must be accepted. `begun`
/// is told the number of each one.
pub async fn flood(bases: &[&str], count: usize, begun: fn(usize)) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for place in 0..CLIENTS.min(count) {
        let mut client = Uploader::new(bases[place % bases.len()], &format!("flood{place}"));
        let next = Arc::clone(&next);
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                begun(number);
                client.upload().await;
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("every upload is accepted");
    }
}

/// A client that uploads pictures of one pixel, and hears of nothing.
#[derive(Debug)]
pub struct Uploader {
    base: String,
    room: String,
    web: Web,
    client: Option<Client>,
    uploads: usize,
}

impl Uploader {
    /// In a room of this server.
    #[must_use]
    pub fn new(base: &str, room: &str) -> Self {
        let (base, room) = (base.to_owned(), room.to_owned());
        Self { base, room, web: Web::default(), client: None, uploads: 0 }
    }

    /// Uploads one picture, which must be accepted.
    pub async fn upload(&mut self) {
        if self.uploads.is_multiple_of(UPLOADS_OF_AGENT) {
            // Comes back as another agent.
            self.client = Some(Client::join(&self.base, &self.room, Entrance::unaware()).await);
        }
        self.uploads += 1;
        let client = self.client.as_ref().expect("there is one from the first on");
        let handle = client.upload_handle().await;
        let answer = self.web.upload(&handle, dot()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

/// A picture of one pixel.
fn dot() -> Vec<u8> {
    let mut file = b"BM".to_vec();
    for word in [58_u32, 0, 54, 40, 1, 1, 1 | 24 << 16, 0, 4, 2835, 2835, 0, 0, 0x00c0_ffee] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file
}
