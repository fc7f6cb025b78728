//! What callers see while the database is away, and after.

use crate::{
    given::{created, media_id, uploaded},
    place::furnish,
    postgres::Postgres,
};
use heim_db::{Database, DatabaseConfig};
use sea_orm::ConnectionTrait;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_is_unavailable_and_comes_back_with_all_that_was_committed() {
    let server = Postgres::start();
    let config = DatabaseConfig { url: server.fresh_url(), timeout_ms: 500, ..DatabaseConfig::default() };
    let database = Database::connect(&config).await.unwrap();
    database.migrate().await.unwrap();
    furnish(&config.url).await;
    for (id, fall) in [Postgres::kill9, Postgres::stop, Postgres::kill9].into_iter().enumerate() {
        let id = id as u64 + 1;
        uploaded(&database, id, "one").await;
        fall(&server);
        let start = Instant::now();
        for _ in 0..3 {
            let error = database.media(media_id(id)).await.unwrap_err();
            assert!(error.is_unavailable(), "{error:?}");
            let error = database.ping().await.unwrap_err();
            assert!(error.is_unavailable(), "{error:?}");
        }
        assert!(start.elapsed() < Duration::from_secs(15));
        server.restart();
        // Not one call fails once the server answers again.
        assert!(database.media(media_id(id)).await.unwrap().unwrap().uploaded.is_some());
        created(&database, id + 100, "one", "anna").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_pool_is_unavailable_within_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("heim.db").display());
    // Enough to connect on a machine that does much else.
    let config = DatabaseConfig { url, timeout_ms: 1_500, ..DatabaseConfig::default() };
    let (ours, theirs) = (Database::connect(&config).await.unwrap(), Database::connect(&config).await.unwrap());
    ours.migrate().await.unwrap();
    // Another process that holds the file's lock for good.
    let holder = sea_orm::Database::connect(&config.url).await.unwrap();
    holder.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let start = Instant::now();
    let error = theirs.ping().await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    holder.execute_unprepared("ROLLBACK").await.unwrap();
    theirs.ping().await.unwrap();
}
