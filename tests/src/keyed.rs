//! A fleet that has private rooms: its coordinators are given master keys and
//! the token of the API, and its workers are not.

use crate::{
    fleet::Fleet,
    operator::Operator,
    process::{Launch, Process, binary},
    standalone::HOOKS,
    until::within,
};
use std::{path::PathBuf, process::Stdio};
use tokio::{io::AsyncWriteExt, process::Command};

/// The token of the API.
pub const TOKEN: &str = "the token of the operators of these tests";
/// The master key.
pub const MASTER: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";
const SIGNING: &str = "a secret of the signatures of rooms";

/// A running fleet.
#[derive(Debug)]
pub struct Keyed {
    /// Its processes. Those of the coordinators were started here.
    pub fleet: Fleet,
    settings: Vec<(String, String)>,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Whether it was carried out.
    pub success: bool,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub error: String,
}

impl Keyed {
    /// With the defaults.
    pub async fn start(coordinators: usize, workers: usize) -> Self {
        Self::with(coordinators, workers, &[]).await
    }

    /// With some keys of the coordinators' configuration set.
    pub async fn with(coordinators: usize, workers: usize, settings: &[(&str, &str)]) -> Self {
        let own = [("admin.token", TOKEN), ("keys.master", MASTER), ("signing.secret", SIGNING)];
        let hooks = [("hooks.key", HOOKS.0), ("hooks.secret", HOOKS.1)];
        let settings = own.iter().chain(&hooks).chain(settings).map(|(key, value)| ((*key).into(), (*value).into()));
        let mut keyed = Self { fleet: Fleet::start(0, 0).await, settings: settings.collect() };
        for _ in 0..coordinators {
            keyed.add_coordinator(&[]).await;
        }
        for _ in 0..workers {
            keyed.fleet.add_worker().await;
        }
        keyed
    }

    /// Starts one more coordinator, with these settings on top of the others.
    pub async fn add_coordinator(&mut self, settings: &[(&str, &str)]) {
        let coordinator = self.coordinator(settings).await;
        self.fleet.coordinators.push(coordinator);
    }

    /// Stops a coordinator, and starts another in its place, with these settings
    /// on top of the others.
    pub async fn replace_coordinator(&mut self, place: usize, settings: &[(&str, &str)]) {
        self.fleet.coordinators[place].terminate();
        self.fleet.coordinators[place].ended().await;
        self.fleet.coordinators[place] = self.coordinator(settings).await;
    }

    async fn coordinator(&self, settings: &[(&str, &str)]) -> Process {
        let folder = self.folder();
        let launch = Launch::new("heim-coordinator", &folder).arguments(&["serve", "--listen", "127.0.0.1:0"]);
        let all = self.all();
        let launch = all.iter().fold(launch, |launch, (key, value)| launch.setting(key, value));
        launch.settings(settings).start().await
    }

    /// The configuration of its coordinators, as their environment has it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        self.all().into_iter().map(|(key, value)| (variable(&key), value)).collect()
    }

    fn all(&self) -> Vec<(String, String)> {
        let places = [
            ("database.url".to_owned(), self.fleet.database_url().to_owned()),
            ("queue.url".to_owned(), self.fleet.redis.url()),
            ("store.url".to_owned(), format!("file://{}", self.fleet.store().display())),
        ];
        places.into_iter().chain(self.settings.iter().cloned()).collect()
    }

    fn folder(&self) -> PathBuf {
        self.fleet.store().parent().expect("the store has a folder above it").to_owned()
    }

    /// Where a coordinator is.
    #[must_use]
    pub fn base(&self, coordinator: usize) -> &str {
        self.fleet.base(coordinator)
    }

    /// The API of a coordinator.
    #[must_use]
    pub fn operator(&self, coordinator: usize) -> Operator {
        Operator::new(self.base(coordinator), TOKEN)
    }

    /// Runs `heim-coordinator admin` with these words, and with this text on its
    /// standard input.
    pub async fn admin(&self, words: &[&str], input: &str) -> Said {
        self.admin_with(words, input, &[]).await
    }

    /// The same, with these settings on top of the others.
    pub async fn admin_with(&self, words: &[&str], input: &str, settings: &[(&str, &str)]) -> Said {
        let mut command = Command::new(binary("heim-coordinator"));
        command.arg("admin").args(words).env_clear().kill_on_drop(true);
        let settings = settings.iter().map(|(key, value)| (variable(key), (*value).to_owned()));
        command.envs(self.environment().into_iter().chain(settings));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        within("the command ends", async {
            let mut child = command.spawn().expect("the binary can be started");
            // Who needs no input may end without having read it.
            let _ = child.stdin.take().expect("it was piped").write_all(input.as_bytes()).await;
            let ended = child.wait_with_output().await.expect("a child can be awaited");
            let text = |bytes| String::from_utf8(bytes).expect("it speaks text");
            Said { success: ended.status.success(), out: text(ended.stdout), error: text(ended.stderr) }
        })
        .await
    }
}

fn variable(key: &str) -> String {
    format!("HEIM_MEDIA__{}", key.to_uppercase().replace('.', "__"))
}
