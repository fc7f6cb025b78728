//! Whoever asked gives up: a client that hangs up in mid-request, a timeout.

use heim_common::job::Lane;
use heim_db::{Database, DatabaseConfig};
use heim_tests::{
    postgres::Postgres,
    proxy::{Fault, Proxy},
    sql::{number, sql},
    until::until,
};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long an answer is on its way, each of five or six in a transaction.
const ON_ITS_WAY: Duration = Duration::from_millis(4);
/// After how many milliseconds somebody gives up.
const PATIENCE: [u64; 16] = [2, 4, 6, 8, 10, 12, 14, 17, 20, 23, 26, 29, 32, 36, 40, 2_000];

#[tokio::test]
async fn a_caller_that_gives_up_leaves_no_transaction_behind() {
    let server = Postgres::start();
    let url = server.fresh_url();
    let (address, name) = url.rsplit_once('/').expect("a URL with a name");
    let (user, port) = address.rsplit_once(':').expect("a URL with a port");
    let proxy = Proxy::before(port.parse().expect("a port is a number"));
    let by_proxy = format!("{user}:{}/{name}", proxy.port());
    let config = DatabaseConfig { url: by_proxy, pool_max: 1, ..DatabaseConfig::default() };
    let database = Database::connect(&config).await.expect("PostgreSQL answers");
    database.migrate().await.expect("a fresh database takes the schema");
    proxy.set(Fault::Delay(ON_ITS_WAY));
    let mut given_up = 0;
    for patience in PATIENCE {
        let told = timeout(Duration::from_millis(patience), database.lane_pause(Lane::Backfill)).await;
        given_up += usize::from(told.is_err());
        let begun = "SELECT count(*) FROM pg_stat_activity \
                     WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        let asked = Instant::now();
        until("no transaction is open", async || (number(&url, begun).await == 0).then_some(())).await;
        // The server itself ends those that nobody goes on with, but late.
        assert!(asked.elapsed() < Duration::from_secs(3), "given up after {patience} ms: {:?}", asked.elapsed());
        // What is said to be written is written, for everybody.
        database.lane_pause(Lane::Bulk).await.expect("the connection works");
        let paused = sql(&url, "SELECT count(*) FROM lane_pause WHERE lane = 'bulk'").await;
        assert_eq!(paused, "1", "after {patience} ms");
        database.lane_resume(Lane::Bulk).await.expect("the connection works");
        database.lane_resume(Lane::Backfill).await.expect("the connection works");
    }
    assert!((5..PATIENCE.len()).contains(&given_up), "given up in the middle, {given_up} times");
}
