//! The whole in one process, with a data folder and a port of the test's own.

use crate::{
    process::{Launch, Process},
    stored, truth,
};
use heim_db::Database;
use std::path::{Path, PathBuf};

/// The credentials of hooks in every deployment that is started here.
pub const HOOKS: (&str, &str) = ("worker", "a secret of the hooks");

/// A running `heim-media`. Its end checks that no job was left behind.
#[derive(Debug)]
pub struct Standalone {
    /// The process.
    pub process: Process,
    settings: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

impl Standalone {
    /// With the defaults.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With some keys of the configuration set.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::prepared(settings, |launch| launch).await
    }

    /// The same, and its start prepared in another way, too.
    pub async fn prepared(settings: &[(&str, &str)], prepare: impl FnOnce(Launch) -> Launch) -> Self {
        Self::of(tempfile::tempdir().expect("a temp folder can be made"), settings, prepare).await
    }

    /// The same, over the data in `data` of a folder, which is removed in the end.
    pub async fn of(
        folder: tempfile::TempDir,
        settings: &[(&str, &str)],
        prepare: impl FnOnce(Launch) -> Launch,
    ) -> Self {
        let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let process = prepare(launch(folder.path(), &settings)).start().await;
        Self { process, settings, folder }
    }

    /// Starts it again over the same data, at another port. It must have ended.
    pub async fn restart(&mut self) {
        self.process = launch(self.folder.path(), &self.settings).start().await;
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

    /// The folder of all that it keeps.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of its store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.data().join("store")
    }

    /// The files in its store.
    #[must_use]
    pub fn stored(&self) -> Vec<String> {
        stored::files(&self.store())
    }

    /// The file of its database.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        let given = self.settings.iter().find(|(key, _)| key == "database.url");
        let given = given.and_then(|(_, url)| url.strip_prefix("sqlite:")).map(PathBuf::from);
        given.unwrap_or_else(|| self.data().join("heim.db"))
    }

    fn database_url(&self) -> String {
        format!("sqlite:{}", self.database_file().display())
    }
}

fn launch(folder: &Path, settings: &[(String, String)]) -> Launch {
    let data = folder.join("data");
    let data = data.to_str().expect("temp folders have plain names");
    let launch = Launch::new("heim-media", folder)
        .arguments(&["--listen", "127.0.0.1:0", "--data-dir", data])
        .settings(&[("hooks.key", HOOKS.0), ("hooks.secret", HOOKS.1)]);
    settings.iter().fold(launch, |launch, (key, value)| launch.setting(key, value))
}

impl Drop for Standalone {
    fn drop(&mut self) {
        truth::assert_settled(&self.database_url());
    }
}
