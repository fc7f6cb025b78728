//! The whole in one process, with a data folder and a port of the test's own.

use crate::{
    process::{Launch, Process},
    stored, truth,
};
use heim_db::Database;
use std::path::PathBuf;

/// The credentials of hooks in every deployment that is started here.
pub const HOOKS: (&str, &str) = ("worker", "a secret of the hooks");

/// A running `heim-media`. Its end checks that no job was left behind.
#[derive(Debug)]
pub struct Standalone {
    /// The process.
    pub process: Process,
    folder: tempfile::TempDir,
}

impl Standalone {
    /// With the defaults.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With some keys of the configuration set.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        let data = folder.path().join("data");
        let process = Launch::new("heim-media", folder.path())
            .arguments(&[
                "--listen",
                "127.0.0.1:0",
                "--data-dir",
                data.to_str().expect("temp folders have plain names"),
            ])
            .settings(&[("hooks.key", HOOKS.0), ("hooks.secret", HOOKS.1)])
            .settings(settings)
            .start()
            .await;
        Self { process, folder }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.process.ready
    }

    /// Its database.
    pub async fn database(&self) -> Database {
        truth::open(&self.database_url()).await
    }

    /// The folder of its store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("data/store")
    }

    /// The files in its store.
    #[must_use]
    pub fn stored(&self) -> Vec<String> {
        stored::files(&self.store())
    }

    fn database_url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("data/heim.db").display())
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        truth::assert_settled(&self.database_url());
    }
}
