//! A fleet over PostgreSQL and Redis, of which everything is kept that was ever
//! written or told.

use super::{
    life::{House, MASTERS},
    redis::{Monitor, configured},
    watched::{Watched, folder, printed},
};
use crate::operator::TOKEN;
use heim_db::Database;
use heim_tests::{postgres::Postgres, redis::Redis, standalone::HOOKS, truth};
use rustix::process::Signal;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) const CONFIGURATION: &str = "heim.toml";
pub(super) const KEY_FILE: &str = "master.key";

pub(super) struct Fleet {
    pub(super) root: tempfile::TempDir,
    postgres: Postgres,
    database_url: String,
    redis: Redis,
    monitor: Monitor,
    coordinators: Vec<Watched>,
    worker: Option<Watched>,
    started: usize,
}

fn setting(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

impl Fleet {
    pub(super) async fn start() -> Self {
        let root = tempfile::tempdir().expect("the test's own folder");
        fs::write(
            root.path().join(CONFIGURATION),
            format!("[keys]\nmaster = \"{}\"\nprevious = [\"{}\"]\n", MASTERS[0], MASTERS[1]),
        )
        .expect("the test's own folder");
        fs::write(root.path().join(KEY_FILE), MASTERS[0]).expect("the test's own folder");
        let (postgres, redis) = (Postgres::start(), Redis::start());
        for setting in ["appendonly yes", "rdbcompression no"] {
            assert_eq!(redis.command(&format!("CONFIG SET {setting}")), "+OK");
        }
        let database_url = postgres.fresh_url();
        let monitor = Monitor::start(&redis.url(), root.path().join("monitor")).await;
        let (coordinators, worker) = (Vec::new(), None);
        let mut fleet = Self { root, postgres, database_url, redis, monitor, coordinators, worker, started: 0 };
        let (folder, settings) = (fleet.next("migrate"), fleet.coordinators_settings());
        Watched::run("heim-coordinator", &folder, &["migrate"], &settings, "").await;
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let file = fleet.root.path().join(CONFIGURATION);
        let from_file = [&listen[..], &["--config", file.to_str().expect("a plain name")]].concat();
        let folder = fleet.next("coordinator");
        fleet.coordinators.push(Watched::start("heim-coordinator", &folder, &from_file, &settings).await);
        let file = fleet.root.path().join(KEY_FILE);
        let own = [setting("keys.master_file", &file.display().to_string()), setting("keys.previous", MASTERS[1])];
        let folder = fleet.next("coordinator");
        let settings = [&settings[..], &own].concat();
        fleet.coordinators.push(Watched::start("heim-coordinator", &folder, &listen, &settings).await);
        fleet.start_worker().await;
        fleet
    }

    /// A folder for one more process.
    fn next(&mut self, name: &str) -> PathBuf {
        self.started += 1;
        folder(self.root.path(), &format!("{}-{name}", self.started))
    }

    fn settings(&self) -> Vec<(String, String)> {
        vec![
            setting("queue.url", &self.redis.url()),
            setting("store.url", &format!("file://{}", self.store().display())),
            setting("hooks.key", HOOKS.0),
            setting("hooks.secret", HOOKS.1),
            setting("log.filter", "debug"),
        ]
    }

    fn coordinators_settings(&self) -> Vec<(String, String)> {
        let own = [
            setting("database.url", &self.database_url),
            setting("signing.secret", "a secret of the signatures"),
            setting("admin.token", TOKEN),
        ];
        [self.settings(), own.into()].concat()
    }

    async fn start_worker(&mut self) {
        let own = [setting("worker.coordinator_url", &self.base(1)), setting("worker.concurrency", "1")];
        let (folder, settings) = (self.next("worker"), [self.settings(), own.into()].concat());
        self.worker = Some(Watched::start("heim-worker", &folder, &[], &settings).await);
    }

    /// Crashes all of it, and writes down what PostgreSQL and Redis hold.
    /// Returns the folders of their own files.
    pub(super) async fn crash_and_dump(&mut self) -> [PathBuf; 2] {
        for process in self.coordinators.drain(..).chain(self.worker.take()) {
            process.end(Signal::ABORT).await;
        }
        assert_eq!(self.redis.command("SAVE"), "+OK");
        let redis = configured(&self.redis.url(), "dir").await;
        self.monitor.stop().await;
        let rows = printed("pg_dump", &["--dbname", &self.database_url]).await;
        fs::write(self.root.path().join("dump.sql"), rows).expect("the test's own folder");
        let ask = async |words: &str| printed("psql", &["--dbname", &self.database_url, "-Atc", words]).await;
        ask("CHECKPOINT").await;
        let data = String::from_utf8(ask("SHOW data_directory").await).expect("a path");
        self.postgres.stop();
        // Its log is beside its data.
        let cluster = Path::new(data.trim()).parent().expect("it has a folder above it");
        [cluster.to_owned(), redis.into()]
    }
}

impl House for Fleet {
    fn base(&self, coordinator: usize) -> String {
        self.coordinators[coordinator].ready.clone()
    }

    async fn database(&self) -> Database {
        truth::open(&self.database_url).await
    }

    fn store(&self) -> PathBuf {
        self.root.path().join("store")
    }

    async fn admin(&mut self, masters: [&str; 2], words: &[&str], input: &str) {
        let own = [setting("keys.master", masters[0]), setting("keys.previous", masters[1])];
        let (folder, settings) = (self.next("admin"), [self.coordinators_settings(), own.into()].concat());
        Watched::run("heim-coordinator", &folder, &[&["admin"], words].concat(), &settings, input).await;
    }

    async fn replace_worker(&mut self, signal: Signal) {
        self.worker.take().expect("there is one").end(signal).await;
        self.start_worker().await;
    }
}
