//! The lines of `docs/operations/backup.md`, as they stand there: run while
//! pictures come in, and all that is left afterwards is what they kept.

mod bucket;

use heim_common::MediaId;
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    keyed::{Keyed, TOKEN},
    operator::Operator,
    process::binary,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    web::Web,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};
use tokio::{process::Command, sync::oneshot};

const PASSCODE: &str = "sesame";

/// The shell's lines behind a fence that is marked with a word.
fn lines(marked: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations/backup.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let begun = page.split_once(&format!("```sh {marked}\n")).expect("the page has these lines").1;
    begun.split_once("```").expect("they end").0.to_owned()
}

async fn run(marked: &str, environment: &[(String, String)], places: &[(&str, &Path)]) {
    let programs = binary("heim-coordinator").parent().expect("it is in a folder").to_owned();
    let path = std::env::var_os("PATH").expect("there is one");
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)));
    let mut shell = Command::new("sh");
    shell
        .args(["-eux", "-c", &lines(marked)])
        .env_clear()
        .env("PATH", path.expect("folders have plain names"))
        .envs(environment.iter().cloned());
    let ended = shell.envs(places.iter().copied()).output().await.expect("a shell starts");
    assert!(ended.status.success(), "{marked}: {ended:?}");
}

/// Of each media object of a room the bytes of everything that is there.
type Shown = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

async fn shown(client: &Client) -> Shown {
    let web = Web::default();
    let log = client.command("log", json!({ "n": 1000 })).await;
    let mut all = BTreeMap::new();
    for message in log["log"].as_array().expect("a log") {
        for media in message["attachments"].as_array().into_iter().flatten() {
            let mut bytes = BTreeMap::new();
            for (name, one) in media["transcodings"].as_object().into_iter().flatten() {
                let answer = web.get(one["url"].as_str().expect("an address")).await;
                assert_eq!(answer.status, 200, "{name}: {answer:?}");
                bytes.insert(name.clone(), answer.body);
            }
            all.insert(text(&media["id"]), bytes);
        }
    }
    all
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Shares pictures until it is told to stop, and says how many; each was accepted.
async fn go_on_sharing(client: &Client, mut stop: oneshot::Receiver<()>) -> Vec<MediaId> {
    let mut shared = Vec::new();
    while stop.try_recv().is_err() {
        shared.push(share_accepted(client, corpus::read(corpus::SMALL)).await);
    }
    for id in &shared {
        finished(client, *id).await;
    }
    shared
}

async fn enter(base: &str, room: &str) -> Client {
    match room {
        "vault" => admitted(base, room, PASSCODE, Entrance::aware(), "ana").await,
        _ => Client::enter(base, room, Entrance::aware(), "ana").await,
    }
}

/// Everything that was shown before the backup began is there after it, byte for
/// byte. (That all that is there downloads, was looked at by [`shown`].)
fn compare(before: &[Shown], after: &[Shown]) {
    for (before, after) in before.iter().zip(after) {
        assert!(!before.is_empty());
        for (id, made) in before {
            assert_eq!(made.len(), 5, "{id}: the original and four transcodings");
            assert!(after.get(id) == Some(made), "{id} is not what it was");
        }
    }
}

const ROOMS: [&str; 2] = ["welcome", "vault"];

/// Two rooms with a picture each, and a third that comes in all the time; the
/// backup is made in the midst of it.
async fn live(base: &str, backup: impl Future<Output = ()>) -> Vec<Shown> {
    Operator::new(base, TOKEN).make_private("vault", PASSCODE).await;
    let mut before = Vec::new();
    for room in ROOMS {
        let client = enter(base, room).await;
        for name in [corpus::SMALL, "photos/orientation/Landscape_6.jpg"] {
            let id = share_accepted(&client, corpus::read(name)).await;
            finished(&client, id).await;
        }
        before.push(shown(&client).await);
    }
    let busy = enter(base, "welcome").await;
    let (stop, stopped) = oneshot::channel();
    let ((), shared) = tokio::join!(
        async {
            backup.await;
            stop.send(()).expect("somebody shares");
        },
        go_on_sharing(&busy, stopped)
    );
    assert!(!shared.is_empty(), "pictures came in while the backup was made");
    before
}

async fn all_shown(base: &str) -> Vec<Shown> {
    let mut after = Vec::new();
    for room in ROOMS {
        after.push(shown(&enter(base, room).await).await);
    }
    after
}

#[tokio::test]
async fn a_fleet_comes_back_from_its_backup() {
    let backup = tempfile::tempdir().expect("a folder");
    let old = Keyed::start(1, 1).await;
    let places = [("BACKUP", backup.path()), ("STORE", &old.fleet.store())];
    let before = live(old.base(0), run("backup", &old.environment(), &places)).await;
    drop(old);

    let mut new = Keyed::start(0, 0).await;
    empty(new.fleet.database_url()).await;
    run("restore", &new.environment(), &[("BACKUP", backup.path()), ("STORE", &new.fleet.store())]).await;
    new.add_coordinator(&[]).await;
    new.fleet.add_worker().await;
    compare(&before, &all_shown(new.base(0)).await);
    // It goes on where it was.
    let client = enter(new.base(0), "vault").await;
    let id = share_accepted(&client, corpus::read(corpus::SMALL)).await;
    finished(&client, id).await;
}

/// The harness makes the schema in each database; what is restored brings its own.
async fn empty(url: &str) {
    let drop = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;";
    let ended =
        Command::new("psql").args([url, "-v", "ON_ERROR_STOP=1", "-c", drop]).output().await.expect("psql starts");
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn one_process_comes_back_from_its_backup() {
    let (backup, keys) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let settings = [("admin.token", TOKEN)];
    let old = Standalone::with(&settings).await;
    let data = old.data();
    let keeping = async {
        run("backup-one", &[], &[("BACKUP", backup.path()), ("DATA", &data)]).await;
        run("backup-keys", &[], &[("KEYS", keys.path()), ("DATA", &data)]).await;
    };
    let before = live(&old.process.ready, keeping).await;
    drop(old);

    let restored = tempfile::tempdir().expect("a folder");
    let data = restored.path().join("data");
    run("restore-one", &[], &[("BACKUP", backup.path()), ("KEYS", keys.path()), ("DATA", &data)]).await;
    let new = Standalone::of(restored, &settings, |launch| launch).await;
    compare(&before, &all_shown(&new.process.ready).await);
}
