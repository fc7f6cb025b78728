//! A fleet of which all numbers are told, after an upload.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    numbers::Numbers,
    ports,
    sharing::{finished, share_accepted},
    until::until,
    web::Web,
};

/// The picture that is shared.
pub(crate) fn picture() -> Vec<u8> {
    corpus::read(corpus::SMALL)
}

/// One coordinator, which looks at its store every second, and one worker that
/// listens.
pub(crate) struct Watched {
    pub(crate) fleet: Fleet,
    /// Where the worker listens.
    pub(crate) worker: String,
}

impl Watched {
    pub(crate) async fn start() -> Self {
        let settings = [("retention.sweep_ms", "500"), ("retention.orphans_s", "1")];
        let mut fleet = Fleet::with(1, 0, &settings).await;
        let address = format!("127.0.0.1:{}", ports::free(2));
        fleet.workers.push(fleet.worker(0).setting("worker.listen", &address).start().await);
        Self { fleet, worker: format!("http://{address}") }
    }

    /// Shares a picture, sees it, and returns when all of it is counted.
    pub(crate) async fn share(&self) -> Client {
        let client = Client::enter(self.fleet.base(0), "welcome", Entrance::aware(), "ana").await;
        let id = share_accepted(&client, picture()).await;
        let media = finished(&client, id).await;
        let thumbnail = &media.transcodings[&"thumb-160".parse().expect("a name")];
        assert_eq!(Web::default().get(&thumbnail.url).await.status, 200);
        client
    }

    /// What coordinator and worker tell together, once the slowest of what they
    /// look at by themselves is told.
    pub(crate) async fn numbers(&self) -> Numbers {
        let slow: [(&str, &[_]); 4] = [
            ("heim_store_objects", &[("state", "missing")]),
            ("heim_media_objects_unseen", &[("state", "removing")]),
            ("heim_jobs", &[("lane", "backfill"), ("state", "running")]),
            ("heim_disk_bytes", &[("part", "store")]),
        ];
        let coordinator = until("everything was looked at", async || {
            let numbers = Numbers::of(self.fleet.base(0)).await;
            slow.iter().all(|(name, labels)| numbers.sum(name, labels).is_some()).then_some(numbers)
        });
        coordinator.await.and(Numbers::of(&self.worker).await)
    }
}
