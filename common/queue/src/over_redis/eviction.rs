//! Refuses a Redis that would drop waiting jobs when its memory is full.

use crate::QueueError;

/// What it does then is a key of its configuration.
pub(super) const POLICY: &str = "maxmemory-policy";

/// The policies `allkeys-*` evict any key. The others evict nothing, or only
/// keys that expire, and none of ours does.
pub(crate) fn evicts(policy: &str) -> bool {
    policy.starts_with("allkeys")
}

pub(super) fn refuse(policy: String) -> Result<(), QueueError> {
    if evicts(&policy) { Err(QueueError::Evicts { policy }) } else { Ok(()) }
}
