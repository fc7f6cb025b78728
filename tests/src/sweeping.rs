//! What lies in a fleet's store and belongs to nobody, and a sweep that waits with
//! nothing of it.

use crate::{fleet::Fleet, sql::sql, stored, until::BOUND};
use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, Instant},
};

/// Looks every second, and removes what it has seen a second ago: the least that a
/// coordinator can be told. Nobody uploads by this one.
const AT_ONCE: [(&str, &str); 5] = [
    ("retention.orphans_s", "1"),
    ("retention.orphans_kept_s", "1"),
    ("retention.unfinished_kept_s", "1"),
    ("limits.body_timeout_ms", "500"),
    ("limits.body_idle_timeout_ms", "500"),
];
const LOOK: Duration = Duration::from_millis(100);

/// What is in a store, and nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Objects that no row names.
    pub orphans: Vec<String>,
    /// Writes that nobody ended.
    pub drafts: Vec<String>,
    /// Folders with nothing in them.
    pub folders: Vec<String>,
}

impl Leftovers {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// All of it, by name.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.orphans.iter().chain(&self.drafts).chain(&self.folders)
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orphans, drafts, folders } = self;
        let (orphans, drafts, folders) = (orphans.len(), drafts.len(), folders.len());
        write!(f, "{orphans} objects, {drafts} drafts, {folders} empty folders")
    }
}

/// What there is at this moment. Nobody may be at work.
pub async fn leftovers(fleet: &Fleet) -> Leftovers {
    let named = sql(fleet.database_url(), "SELECT uri FROM media_transcoding").await;
    let named: BTreeSet<_> = named.lines().collect();
    let (drafts, objects): (Vec<_>, Vec<_>) = fleet.stored().into_iter().partition(|file| file.contains('#'));
    let orphans = objects.into_iter().filter(|file| !named.contains(file.as_str())).collect();
    Leftovers { orphans, drafts, folders: stored::empty_folders(&fleet.store()) }
}

/// Has a coordinator sweep that waits with nothing; what it has left, if it does not
/// come to an end.
pub async fn sweep(fleet: &Fleet) -> Leftovers {
    let _sweeper = fleet.serving("127.0.0.1:0").settings(&AT_ONCE).start().await;
    let began = Instant::now();
    loop {
        let left = leftovers(fleet).await;
        if left.is_empty() || began.elapsed() > BOUND {
            return left;
        }
        tokio::time::sleep(LOOK).await;
    }
}
