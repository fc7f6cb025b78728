//! A fleet: coordinators and workers as processes of their own, over a
//! PostgreSQL database, a Redis and a store that no other test uses.

use crate::{
    ports,
    postgres::Postgres,
    process::{Launch, Process},
    raw::authority,
    redis::Redis,
    standalone::HOOKS,
    stored, truth,
};
use heim_db::Database;
use std::{path::PathBuf, sync::LazyLock};

/// One server for all tests of a process, each with a database of its own: a
/// server takes a second to start. Benches, whose build has no failpoints, measure
/// commits that are forced to the disk.
static POSTGRES: LazyLock<Postgres> =
    LazyLock::new(|| if cfg!(feature = "failpoints") { Postgres::start() } else { Postgres::durable() });

const SIGNING: &str = "a secret of the signatures";

/// The whole of its configuration that is not in its environment.
const ONE_THUMBNAIL: &str = r#"
[[transcodings.image]]
name = "thumb-160"
content_type = "image/webp"
params = { fit = "inside", width = 160, height = 160 }
"#;

/// A running fleet. Its end checks that no job was left behind.
#[derive(Debug)]
pub struct Fleet {
    /// The coordinators.
    pub coordinators: Vec<Process>,
    /// The workers. Those of even place speak to the first coordinator, the
    /// others to the second, if there is one.
    pub workers: Vec<Process>,
    /// The transport.
    pub redis: Redis,
    settings: Vec<(String, String)>,
    database_url: String,
    /// Where coordinators reach the database, if it is not there.
    database_by: Option<String>,
    folder: tempfile::TempDir,
}

impl Fleet {
    /// With the defaults.
    pub async fn start(coordinators: usize, workers: usize) -> Self {
        Self::with(coordinators, workers, &[]).await
    }

    /// With some keys of the configuration set, for coordinators and workers
    /// alike.
    pub async fn with(coordinators: usize, workers: usize, settings: &[(&str, &str)]) -> Self {
        Self::over(POSTGRES.fresh_url(), None, coordinators, workers, settings).await
    }

    /// Coordinators that ask for one small transcoding of each picture, and no
    /// workers: for what is not about pixels.
    pub async fn of_one_thumbnail(coordinators: usize) -> Self {
        Self::of_one_thumbnail_over(POSTGRES.fresh_url(), coordinators).await
    }

    /// The same over an empty database of the caller's own.
    pub async fn of_one_thumbnail_over(database_url: String, coordinators: usize) -> Self {
        let mut fleet = Self::over(database_url, None, 0, 0, &[]).await;
        let config = fleet.folder.path().join("coordinator.toml");
        std::fs::write(&config, ONE_THUMBNAIL).expect("a temp folder can be written to");
        let path = config.to_str().expect("temp folders have plain names");
        for _ in 0..coordinators {
            let coordinator = fleet.serving("127.0.0.1:0").arguments(&["--config", path]).start().await;
            fleet.coordinators.push(coordinator);
        }
        fleet
    }

    /// Over an empty database of the test's own, which coordinators reach
    /// `database_by` another address, if one is given.
    pub async fn over(
        database_url: String,
        database_by: Option<String>,
        coordinators: usize,
        workers: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut fleet = Self {
            coordinators: Vec::new(),
            workers: Vec::new(),
            redis: Redis::start(),
            settings,
            database_url,
            database_by,
            folder: tempfile::tempdir().expect("a temp folder can be made"),
        };
        let migrated = fleet.coordinator().arguments(&["migrate"]).run().await;
        assert!(migrated.status.success(), "{migrated:?}");
        for _ in 0..coordinators {
            let listen = format!("127.0.0.1:{}", ports::free(2));
            fleet.coordinators.push(fleet.serving(&listen).start().await);
        }
        for _ in 0..workers {
            fleet.add_worker().await;
        }
        fleet
    }

    /// Starts one more worker, with a single pixel child.
    pub async fn add_worker(&mut self) {
        let place = self.workers.len();
        let worker = self.worker(place % self.coordinators.len()).start().await;
        self.workers.push(worker);
    }

    /// Starts a worker in the place of one that ended.
    pub async fn replace_worker(&mut self, place: usize) {
        self.workers[place] = self.worker(place % self.coordinators.len()).start().await;
    }

    /// Starts a coordinator in the place of one that ended, at the same address:
    /// workers and clients know it by that.
    pub async fn replace_coordinator(&mut self, place: usize) {
        let address = authority(self.base(place)).to_owned();
        self.coordinators[place] = self.serving(&address).start().await;
    }

    /// A coordinator that is to be started, and listens there.
    #[must_use]
    pub fn serving(&self, listen: &str) -> Launch {
        self.coordinator().arguments(&["serve", "--listen", listen])
    }

    /// A worker that is to be started, and speaks to this coordinator.
    #[must_use]
    pub fn worker(&self, coordinator: usize) -> Launch {
        let common = self.common(Launch::new("heim-worker", self.folder.path()));
        common.setting("worker.coordinator_url", self.base(coordinator)).setting("worker.concurrency", "1")
    }

    /// A coordinator that is to be started over a database without a schema.
    #[must_use]
    pub fn coordinator_over_an_empty_database(&self) -> Launch {
        let serve = self.coordinator().arguments(&["serve", "--listen", "127.0.0.1:0"]);
        serve.setting("database.url", &POSTGRES.fresh_url())
    }

    /// `heim-coordinator admin` with these words.
    #[must_use]
    pub fn administered(&self, words: &[&str]) -> Launch {
        self.coordinator().arguments(&[&["admin"], words].concat())
    }

    fn coordinator(&self) -> Launch {
        let own = Launch::new("heim-coordinator", self.folder.path()).setting("signing.secret", SIGNING);
        self.common(own).setting("database.url", self.database_by.as_ref().unwrap_or(&self.database_url))
    }

    fn common(&self, launch: Launch) -> Launch {
        let launch = launch
            .setting("queue.url", &self.redis.url())
            .setting("store.url", &format!("file://{}", self.store().display()))
            .settings(&[("hooks.key", HOOKS.0), ("hooks.secret", HOOKS.1)]);
        self.settings.iter().fold(launch, |launch, (key, value)| launch.setting(key, value))
    }

    /// Where a coordinator is: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self, coordinator: usize) -> &str {
        &self.coordinators[coordinator].ready
    }

    /// The database.
    pub async fn database(&self) -> Database {
        truth::open(&self.database_url).await
    }

    /// The database's address, which workers must not know.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// The folder of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// The files in the store.
    #[must_use]
    pub fn stored(&self) -> Vec<String> {
        stored::files(&self.store())
    }

    /// The place of the worker with this name.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let of = |worker: &Process| worker.ready.strip_prefix("worker ") == Some(name);
        self.workers.iter().position(of)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        truth::assert_settled(&self.database_url);
    }
}
