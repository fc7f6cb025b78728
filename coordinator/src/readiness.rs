//! Whether this coordinator can do its work: database, queue and store, each by a
//! look that writes what an upload would write.

use crate::{app::App, measures};
use heim_db::DbError;
use heim_queue::QueueError;
use heim_runtime::{
    disk::Disk,
    probe::{self, Newest},
};
use heim_store::StoreError;

/// What the looks found, each in a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) database: &'static str,
    pub(crate) queue: &'static str,
    pub(crate) store: &'static str,
}

impl Report {
    pub(crate) fn is_ready(self) -> bool {
        self.words().iter().all(|word| *word == probe::OK)
    }

    fn words(self) -> [&'static str; 3] {
        [self.database, self.queue, self.store]
    }
}

/// The newest report.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Newest<Report>);

impl Readiness {
    /// A report that is a second old at the most.
    pub(crate) async fn report(&self, app: &App) -> Report {
        self.0.or(|| look(app)).await
    }
}

async fn look(app: &App) -> Report {
    let (database, queue, store) = tokio::join!(
        probe::look("database", database(app), |error| match error {
            Unready::Full => FULL,
            Unready::Because(error) => of_database(error),
        }),
        probe::look("queue", app.queue.ping(), of_queue),
        probe::look("store", store(app), |error| match error {
            Unready::Full => FULL,
            Unready::Because(error) => of_store(error),
        }),
    );
    let report = Report { database, queue, store };
    measures::parts(report.words());
    report
}

const FULL: &str = "full";
const READ_ONLY: &str = "read-only";
const NOT_ANSWERING: &str = "not answering";
const FAILING: &str = "failing";

/// Why a part that was looked at does not do its work.
#[derive(Debug, thiserror::Error)]
enum Unready<E> {
    /// What is written to see whether writing works is small, and may find room
    /// where nothing else does.
    #[error("its disk is full")]
    Full,
    #[error(transparent)]
    Because(#[from] E),
}

async fn database(app: &App) -> Result<(), Unready<DbError>> {
    app.db.ping().await?;
    // A disk that does not say how full it is was written to just now.
    let is_full = app.db.disk().ok().flatten().is_some_and(Disk::is_full);
    if is_full { Err(Unready::Full) } else { Ok(()) }
}

async fn store(app: &App) -> Result<(), Unready<StoreError>> {
    app.store.check().await?;
    let is_full = app.store.disk().await?.is_some_and(Disk::is_full);
    if is_full { Err(Unready::Full) } else { Ok(()) }
}

fn of_database(error: &DbError) -> &'static str {
    match error {
        error if error.is_full() => FULL,
        error if error.is_read_only() => READ_ONLY,
        error if error.is_unavailable() => NOT_ANSWERING,
        _ => FAILING,
    }
}

fn of_store(error: &StoreError) -> &'static str {
    match error {
        error if error.is_full() => FULL,
        error if error.is_read_only() => READ_ONLY,
        _ => FAILING,
    }
}

fn of_queue(error: &QueueError) -> &'static str {
    match error {
        QueueError::TimedOut { .. } => NOT_ANSWERING,
        _ => FAILING,
    }
}
