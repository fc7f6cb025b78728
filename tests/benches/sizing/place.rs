//! The databases that are compared.

use heim_tests::postgres::Postgres;
use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Sqlite,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// A server that forces commits to the disk, and a folder for files.
pub(crate) struct Databases {
    postgres: Postgres,
    folder: tempfile::TempDir,
    files: AtomicUsize,
}

impl Databases {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        Self { postgres: Postgres::durable(), folder, files: AtomicUsize::new(0) }
    }

    /// The URL of an empty one.
    pub(crate) fn fresh(&self, kind: Kind) -> String {
        match kind {
            Kind::Postgres => self.postgres.fresh_url(),
            Kind::Sqlite => {
                let file = format!("{}.db", self.files.fetch_add(1, Ordering::Relaxed));
                format!("sqlite:{}", self.folder.path().join(file).display())
            }
        }
    }
}
