//! What the database says, read from outside of the processes under test.

use crate::until::until;
use heim_db::{Database, DatabaseConfig, JobCounts};
use std::thread;

/// Opens the database of the processes under test.
pub async fn open(url: &str) -> Database {
    let config = DatabaseConfig { url: url.to_owned(), pool_max: 2, ..DatabaseConfig::default() };
    Database::connect(&config).await.unwrap_or_else(|error| panic!("{url}: {error:?}"))
}

/// Media objects, transcodings, jobs and events as text.
pub async fn rows(database: &Database) -> String {
    database.snapshot().await.expect("the database answers")
}

/// Waits until no job is in a state that is not its last. However many there are,
/// one of them must end within the bound, and then the next.
pub async fn settled(database: &Database) {
    let mut before = None;
    while before != Some(0) {
        let fewer = until("one more job is done or failed", async || {
            let JobCounts { pending, running, done: _, failed: _ } =
                database.jobs_outstanding().await.expect("the database answers");
            let now = pending + running;
            (now == 0 || before.is_none_or(|before| now < before)).then_some(now)
        });
        before = Some(fewer.await);
    }
}

/// The name of the worker that holds a job at this moment.
pub async fn holder(database: &Database) -> Option<String> {
    let rows = rows(database).await;
    let held = rows.lines().find(|line| line.starts_with("job ") && line.contains(" running "))?;
    held.split_once(" worker ")?.1.split(' ').next().map(str::to_owned)
}

/// What the end of a test checks: whoever is done leaves no job behind.
///
/// Called by `Drop`, in the middle of a runtime that cannot be blocked on: so it
/// has a thread and a runtime of its own.
pub(crate) fn assert_settled(url: &str) {
    if thread::panicking() {
        return;
    }
    let url = url.to_owned();
    let check = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async { settled(&open(&url).await).await });
    });
    assert!(check.join().is_ok(), "a job was left in a state that is not its last");
}
