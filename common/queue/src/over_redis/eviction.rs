//! Refuses a Redis that would drop waiting jobs when its memory is full.

use super::within;
use crate::QueueError;
use redis::{aio::ConnectionManager, cmd};
use std::collections::HashMap;

/// The policies `allkeys-*` evict any key. The others evict nothing, or only
/// keys that expire, and none of ours does.
pub(super) async fn refuse(commands: &mut ConnectionManager) -> Result<(), QueueError> {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg("maxmemory-policy");
    let answer = within("tell its maxmemory-policy", async {
        match get.query_async::<HashMap<String, String>>(commands).await {
            // Hosted ones forbid the question; that is no outage.
            Err(error) if !error.is_io_error() => Ok(Err(error)),
            answer => answer.map(Ok),
        }
    });
    match answer.await? {
        Ok(config) => match config.into_values().next() {
            Some(policy) if policy.starts_with("allkeys") => Err(QueueError::Evicts { policy }),
            _ => Ok(()),
        },
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "Redis does not tell its maxmemory-policy; see that it is noeviction");
            Ok(())
        }
    }
}
