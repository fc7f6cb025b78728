//! A fleet under load in which something is killed, frozen or cut off all the
//! time, and the verdict at the end.

mod harm;
mod report;

use crate::{fleet::Fleet, ledger::crowd::Crowd, postgres::Postgres, proxy::Proxy, redis::Redis};
pub use harm::{Harm, Struck};
pub use report::Report;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const CLIENTS: usize = 16;
const COORDINATORS: usize = 2;
const WORKERS: usize = 3;
/// From one harm to the next.
const EVERY: Duration = Duration::from_secs(5);

/// What may be harmed.
struct Stage {
    fleet: Fleet,
    postgres: Postgres,
    redis: Redis,
    before_postgres: Proxy,
    before_redis: Proxy,
}

/// Runs for so long, and until there were so many harms, which follow from the
/// seed. To be called where threads do not end: processes end with the thread
/// that started them.
pub async fn run(length: Duration, harms: usize, seed: u64) -> Report {
    let mut stage = stage().await;
    let crowd = Crowd::on(&stage.fleet, CLIENTS);
    let began = Instant::now();
    let mut chance = seed;
    let mut struck = Vec::new();
    while began.elapsed() < length || struck.len() < harms {
        let next = Instant::now() + EVERY;
        let harm = Harm::random(&mut chance);
        struck.push(Struck { harm, at: Instant::now() });
        harm.strike(&mut stage).await;
        sleep(next.saturating_duration_since(Instant::now())).await;
    }
    let lasted = began.elapsed();
    Report { seed, lasted, struck, outcome: crowd.end(&stage.fleet).await }
}

async fn stage() -> Stage {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let database_url = postgres.fresh_url();
    let before_postgres = Proxy::before(port(&database_url));
    let before_redis = Proxy::before(port(&redis.url()));
    let by = database_url.replace(&format!(":{}/", port(&database_url)), &format!(":{}/", before_postgres.port()));
    let queue = format!("redis://127.0.0.1:{}", before_redis.port());
    let settings = [("queue.url", queue.as_str())];
    let fleet = Fleet::over(database_url, Some(by), COORDINATORS, WORKERS, &settings).await;
    Stage { fleet, postgres, redis, before_postgres, before_redis }
}

/// The port in a URL.
fn port(url: &str) -> u16 {
    let (_, rest) = url.rsplit_once(':').expect("a URL with a port");
    rest.split('/').next().unwrap_or_default().parse().expect("a port")
}
