//! A fleet under load in which something is killed, frozen or cut off all the
//! time, and the verdict at the end.

mod harm;
mod report;

use crate::{
    fleet::Fleet,
    ledger::{
        self, Entry, Ledger,
        caller::{Caller, Calls},
        judge::{Kept, judge},
    },
    postgres::Postgres,
    proxy::Proxy,
    redis::Redis,
};
pub use harm::{Harm, Struck};
pub use report::Report;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const CLIENTS: usize = 16;
const COORDINATORS: usize = 2;
const WORKERS: usize = 3;
/// From one harm to the next.
const EVERY: Duration = Duration::from_secs(5);
/// How long a fleet that is whole again may take to end its work.
const SETTLES_WITHIN: Duration = Duration::from_mins(3);

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
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let bases = (0..COORDINATORS).map(|place| stage.fleet.base(place).to_owned()).collect();
    let calls = Calls::to(bases, Ledger::in_folder(folder.path()));
    let mut callers = JoinSet::new();
    for place in 0..CLIENTS {
        callers.spawn(Caller::new(&calls, place).run());
    }
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
    calls.stop.cancel();
    let mut ended = Vec::new();
    while let Some(caller) = callers.join_next().await {
        ended.push(caller.expect("a client does not panic"));
    }
    let settled = settle(&stage).await;
    let rooms = Arc::new(kept(&stage, &calls.ledger.entries()).await.rooms);
    for mut caller in ended {
        let rooms = Arc::clone(&rooms);
        callers.spawn(async move {
            caller.hear_all(&rooms).await;
            caller.read_back().await
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.expect("a client does not panic");
    }
    let entries = calls.ledger.entries();
    let verdict = judge(&entries, &kept(&stage, &entries).await);
    Report { seed, lasted, settled, struck, times: calls.times(), verdict }
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

/// Waits until no job is left; how long that took.
async fn settle(stage: &Stage) -> Option<Duration> {
    let (database, began) = (stage.fleet.database().await, Instant::now());
    while began.elapsed() < SETTLES_WITHIN {
        let counts = database.jobs_outstanding().await.expect("the database is back");
        if counts.pending + counts.running == 0 {
            return Some(began.elapsed());
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}

async fn kept(stage: &Stage, entries: &[Entry]) -> Kept {
    let (database, url) = (stage.fleet.database().await, stage.fleet.database_url());
    ledger::kept::kept(entries, &database, url, &stage.fleet.store()).await
}
