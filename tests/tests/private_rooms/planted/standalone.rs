//! The whole in one process, in a data folder with a master key in it.

use super::{
    life::{House, MASTERS},
    watched::{Watched, folder},
};
use crate::operator::TOKEN;
use heim_db::Database;
use heim_tests::{standalone::HOOKS, truth};
use rustix::process::Signal;
use std::{fs, path::PathBuf};

pub(super) const KEY_FILE: &str = "data/master.key";

pub(super) struct Standalone {
    pub(super) root: tempfile::TempDir,
    process: Option<Watched>,
    started: usize,
}

/// What every process of the deployment is told.
fn settings() -> Vec<(String, String)> {
    let own = [
        ("hooks.key", HOOKS.0),
        ("hooks.secret", HOOKS.1),
        ("signing.secret", "a secret of the signatures"),
        ("admin.token", TOKEN),
        ("log.filter", "debug"),
    ];
    own.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

impl Standalone {
    pub(super) async fn start() -> Self {
        let root = tempfile::tempdir().expect("the test's own folder");
        fs::create_dir(root.path().join("data")).expect("the test's own folder");
        fs::write(root.path().join(KEY_FILE), format!("{}\n", MASTERS[0])).expect("the test's own folder");
        let mut standalone = Self { root, process: None, started: 0 };
        standalone.start_process().await;
        standalone
    }

    async fn start_process(&mut self) {
        let data = self.root.path().join("data");
        let arguments = ["--listen", "127.0.0.1:0", "--data-dir", data.to_str().expect("a plain name")];
        let settings = [&settings()[..], &[("keys.previous".to_owned(), MASTERS[1].to_owned())]].concat();
        let folder = self.next("heim-media");
        self.process = Some(Watched::start("heim-media", &folder, &arguments, &settings).await);
    }

    fn next(&mut self, name: &str) -> PathBuf {
        self.started += 1;
        folder(self.root.path(), &format!("{}-{name}", self.started))
    }

    fn database_url(&self) -> String {
        format!("sqlite:{}", self.root.path().join("data/heim.db").display())
    }

    /// Ends it as a crash does.
    pub(super) async fn crash(&mut self) {
        self.process.take().expect("it runs").end(Signal::ABORT).await;
    }
}

impl House for Standalone {
    fn base(&self, _: usize) -> String {
        self.process.as_ref().expect("it runs").ready.clone()
    }

    async fn database(&self) -> Database {
        truth::open(&self.database_url()).await
    }

    fn store(&self) -> PathBuf {
        self.root.path().join("data/store")
    }

    async fn admin(&mut self, masters: [&str; 2], words: &[&str], input: &str) {
        let own = [
            ("keys.master", masters[0].to_owned()),
            ("keys.previous", masters[1].to_owned()),
            ("database.url", self.database_url()),
            ("queue.url", "memory:".to_owned()),
            ("store.url", format!("file://{}", self.store().display())),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value));
        let (folder, settings) = (self.next("admin"), [settings(), own.into()].concat());
        Watched::run("heim-coordinator", &folder, &[&["admin"], words].concat(), &settings, input).await;
    }

    async fn replace_worker(&mut self, signal: Signal) {
        self.process.take().expect("it runs").end(signal).await;
        self.start_process().await;
    }
}
