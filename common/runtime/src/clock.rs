//! The one place that reads the system's clock.

use heim_common::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the system's clock. A clock before 1970 reads as 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "everything else is handed the time as a `Clock`")]
pub fn system() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
