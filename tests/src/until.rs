//! Waiting on a state, with a bound: the only way in which a test waits.

use std::time::{Duration, Instant};

/// How long anything may take. Generous, because a test machine is busy; what
/// works is far quicker, and nothing is tried twice.
pub const BOUND: Duration = Duration::from_mins(1);

/// How often a state is looked at that tells nobody when it changes.
const LOOK: Duration = Duration::from_millis(5);

/// Looks until there is something to return.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(began.elapsed() < BOUND, "not within {BOUND:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for something that says itself when it is there.
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, wait).await.unwrap_or_else(|_| panic!("not within {BOUND:?}: {what}"))
}
