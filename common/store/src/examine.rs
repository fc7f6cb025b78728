//! What `doctor` says of the store.

use crate::{Store, StoreConfig, StoreError};
use heim_runtime::{finding::Findings, telemetry::chain};
use std::time::{Duration, Instant};

const PART: &str = "store";
/// How long a store may take for the smallest object, before it is said.
const SLOW: Duration = Duration::from_secs(2);

/// Looks at the store of this configuration, and says what is wrong with it.
pub async fn examine(config: &StoreConfig, found: &mut Findings) {
    let began = Instant::now();
    let checked = async { Store::open(config)?.check().await };
    match checked.await {
        Ok(()) if began.elapsed() > SLOW => {
            let seen = format!("takes {:.1} s for the smallest object", began.elapsed().as_secs_f64());
            found.warning(PART, seen, "see what it is busy with, and how far away it is");
        }
        Ok(()) => found.ok(PART, "can be written, read, read in part, and deleted from"),
        Err(error @ StoreError::Part(_)) => {
            let remedy = "see that its server, and whatever proxy or cache is before it, heeds `Range`: private \
                          pictures are read so, and downloads that are resumed";
            found.wrong(PART, chain(&error), remedy);
        }
        Err(error) => {
            let remedy = "see that store.url is there, has room, and lets this user or these credentials write";
            found.wrong(PART, chain(&error), remedy);
        }
    }
}
