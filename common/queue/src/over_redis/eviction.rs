//! Refuses a Redis that would drop waiting jobs when its memory is full.

use super::within;
use crate::QueueError;
use redis::{aio::ConnectionManager, cmd};
use std::collections::HashMap;

/// What Redis does when its memory is full; `None` where it does not tell.
pub(super) async fn policy(commands: &mut ConnectionManager) -> Result<Option<String>, QueueError> {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg("maxmemory-policy");
    let answer = within("tell its maxmemory-policy", async {
        match get.query_async::<HashMap<String, String>>(commands).await {
            // Hosted ones forbid the question; that is no outage.
            Err(error) if !error.is_io_error() => Ok(None),
            answer => answer.map(Some),
        }
    });
    Ok(answer.await?.and_then(|config| config.into_values().next()))
}

/// The policies `allkeys-*` evict any key. The others evict nothing, or only
/// keys that expire, and none of ours does.
pub(super) fn refuse(policy: String) -> Result<(), QueueError> {
    if policy.starts_with("allkeys") { Err(QueueError::Evicts { policy }) } else { Ok(()) }
}
