//! A database of a test's own, on either backend.

use crate::postgres::Postgres;
use heim_db::{Database, DatabaseConfig};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use std::{
    future::Future,
    ops::Deref,
    path::PathBuf,
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;

/// The rooms that every test finds, as the first release made them: of epoch 0.
const ROOMS: [&str; 7] = ["one", "two", "a", "b", "z", "flood", "welcome"];

/// A fresh, migrated database, seen by one coordinator. [`Place::another`] is
/// the view of a second one.
pub(crate) struct Place {
    database: Database,
    config: DatabaseConfig,
    folder: Option<TempDir>,
}

impl Deref for Place {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a file 100%.db").display());
        Self::open(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(Self::server().fresh_url(), None).await
    }

    /// The server that all tests of this program share.
    pub(crate) fn server() -> &'static Postgres {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Postgres::start)
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let config = DatabaseConfig { url, ..DatabaseConfig::default() };
        let database = Database::connect(&config).await.unwrap();
        database.migrate().await.unwrap();
        furnish(&config.url).await;
        Self { database, config, folder }
    }

    /// Runs a statement past the crate, for what it would never do itself.
    pub(crate) async fn sql(&self, sql: &str) {
        self.raw().await.execute_unprepared(sql).await.unwrap();
    }

    /// A connection past the crate.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        raw(&self.config.url).await
    }

    /// The files of the database; none where a server has them.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let Some(folder) = &self.folder else { return Vec::new() };
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
    }

    /// A pool of its own, as another process has it.
    pub(crate) async fn another(&self) -> Database {
        Database::connect(&self.config).await.unwrap()
    }
}

/// Makes the rooms that tests begin with.
pub(crate) async fn furnish(url: &str) {
    let rows: Vec<_> = ROOMS.iter().map(|room| format!("('{room}', false, 1)")).collect();
    let insert = format!("INSERT INTO room (name, private, created) VALUES {}", rows.join(", "));
    raw(url).await.execute_unprepared(&insert).await.unwrap();
}

/// A connection past the crate.
pub(crate) async fn raw(url: &str) -> DatabaseConnection {
    sea_orm::Database::connect(url.replace('%', "%25")).await.unwrap()
}

/// Waits until the database's clock shows another time, so that what ended
/// "now" lies behind us.
pub(crate) async fn tick(db: &Database) {
    let start = db.now().await.unwrap();
    while db.now().await.unwrap() == start {}
}

/// Runs `n` of these at once, on threads, and returns what each returned. Odd
/// ones belong to a second coordinator.
pub(crate) async fn race<T, F>(place: &Place, n: usize, run: impl Fn(Database, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (ours, theirs) = (place.database.clone(), place.another().await);
    let start = Arc::new(tokio::sync::Barrier::new(n));
    let runners: Vec<_> = (0..n)
        .map(|index| {
            let database = if index % 2 == 0 { ours.clone() } else { theirs.clone() };
            let (start, run) = (start.clone(), run(database, index));
            tokio::spawn(async move {
                start.wait().await;
                run.await
            })
        })
        .collect();
    let mut ended = Vec::with_capacity(n);
    for runner in runners {
        ended.push(runner.await.unwrap());
    }
    ended
}

/// Declares tests that are given a [`Place`] on each backend.
macro_rules! on_both {
    ($(async fn $name:ident($place:ident: &Place) $body:block)+) => {
        $(
            mod $name {
                use super::*;

                async fn run($place: &$crate::place::Place) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    run(&$crate::place::Place::sqlite().await).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    run(&$crate::place::Place::postgres().await).await;
                }
            }
        )+
    };
}
pub(crate) use on_both;
