//! A store that is left for another while the fleet works.

use heim_common::{MediaId, wire::MediaView};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    load::{Load, assert_kept},
    operator::Operator,
    raw::authority,
    s3::{BUCKET, S3},
    sharing::{finished, share_accepted},
    truth,
    until::until,
    web::Web,
};
use serde_json::Value;
use std::{fs, path::Path, time::SystemTime};

const ROOM: &str = "vault";
const PASSCODE: &str = "heron that moves house";
const PREFIX: &str = "of/this/fleet";

/// A fleet over a folder, and the bucket that it is to move to.
struct Moving {
    fleet: Fleet,
    s3: S3,
    here: String,
    there: String,
}

impl Moving {
    async fn start(coordinators: usize) -> Self {
        let s3 = S3::start();
        let own = S3::settings(PREFIX, s3.port());
        let server = own.iter().filter(|(key, _)| *key != "store.url").map(|(key, value)| (*key, value.as_str()));
        let settings: Vec<_> = server.chain([("admin.token", TOKEN), ("keys.master", MASTER)]).collect();
        let fleet = Fleet::with(coordinators, 1, &settings).await;
        let here = format!("file://{}", fleet.store().display());
        Self { fleet, s3, here, there: format!("s3://{BUCKET}/{PREFIX}") }
    }

    /// Runs the command to its end: whether all is well, and what it said.
    async fn migrate(&self, words: &[&str]) -> (bool, Value) {
        let words = [&["store", "migrate", &self.here, &self.there, "--json"], words].concat();
        let ended = self.fleet.administered(&words).run().await;
        let said = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (ended.status.success(), said)
    }

    /// Starts every process anew, one after the other, with these stores.
    async fn restart(&mut self, url: &str, fallback: &str) {
        let stores = [("store.url", url), ("store.fallback_url", fallback)];
        for place in 0..self.fleet.coordinators.len() {
            let address = authority(self.fleet.base(place)).to_owned();
            self.fleet.coordinators[place].terminate();
            self.fleet.coordinators[place].ended().await;
            self.fleet.coordinators[place] = self.fleet.serving(&address).settings(&stores).start().await;
        }
        for place in 0..self.fleet.workers.len() {
            self.fleet.workers[place].terminate();
            self.fleet.workers[place].ended().await;
            self.fleet.workers[place] = self.fleet.worker(place).settings(&stores).start().await;
        }
    }

    /// The objects of the bucket, as keys of the store.
    fn objects(&self) -> Vec<String> {
        let prefix = format!("{PREFIX}/");
        self.s3.objects().iter().filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned)).collect()
    }

    fn path(&self, key: &str) -> std::path::PathBuf {
        self.s3.path(&format!("{PREFIX}/{key}"))
    }
}

/// Changes a byte, and nothing else that shows.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("it can be written");
}

fn written(file: &Path) -> SystemTime {
    fs::metadata(file).and_then(|file| file.modified()).expect("it is there")
}

async fn more(load: &Load, count: usize) {
    let before = load.accepted();
    until("uploads are accepted", async || (load.accepted() >= before + count).then_some(())).await;
}

async fn share(client: &Client, name: &str) -> (MediaId, Vec<u8>) {
    let photo = corpus::read(name);
    let id = share_accepted(client, photo.clone()).await;
    finished(client, id).await;
    (id, photo)
}

async fn downloads(media: &MediaView, photo: &[u8]) {
    assert_eq!(media.transcodings.len(), 5);
    for (name, view) in &media.transcodings {
        let got = Web::default().get(&view.url).await;
        assert_eq!((got.status, got.body.len() as u64), (200, view.size), "{name}");
        assert!(!name.is_original() || got.body == photo, "{name} is not what was uploaded");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_moves_into_a_bucket_while_uploads_go_on_and_loses_nothing() {
    let mut moving = Moving::start(2).await;
    Operator::new(moving.fleet.base(0), TOKEN).make_private(ROOM, PASSCODE).await;
    let mut photos = Vec::new();
    {
        let ana = Client::enter(moving.fleet.base(0), "welcome", Entrance::aware(), "ana").await;
        let ben = admitted(moving.fleet.base(0), ROOM, PASSCODE, Entrance::aware(), "ben").await;
        for name in [corpus::SMALL, corpus::LARGE] {
            photos.push((ana.cookie(), "welcome", share(&ana, name).await));
            photos.push((ben.cookie(), ROOM, share(&ben, name).await));
        }
    }
    let load = Load::start(1, &[moving.fleet.base(0), moving.fleet.base(1)]);
    more(&load, 5).await;

    // Killed in the middle.
    let (here, there) = (moving.here.clone(), moving.there.clone());
    let words = ["store", "migrate", &here, &there, "--at-once", "1"];
    let killed = moving.fleet.administered(&words).failpoints("object-moved=kill@8").run().await;
    assert!(!killed.status.success(), "{killed:?}");
    let copied = moving.objects();
    assert_eq!(copied.len(), 8, "{copied:?}");
    // It goes on, leaves what is right as it is, and finds what is not.
    let (bad, good) = (moving.path(&copied[0]), moving.path(&copied[1]));
    damage(&bad);
    let before = (fs::read(&bad).expect("it is there"), written(&good));
    let (is_well, said) = moving.migrate(&[]).await;
    assert!(is_well && said["right"] == 7 && said["failed"] == 0, "{said}");
    assert!(said["copied"].as_u64() >= Some(13), "{said}");
    assert!(fs::read(&bad).expect("it is there") != before.0 && written(&good) == before.1);

    // Everybody learns to read both, then to write to the new one.
    more(&load, 5).await;
    moving.restart(&here, &there).await;
    more(&load, 5).await;
    moving.restart(&there, &here).await;
    more(&load, 5).await;
    let (is_well, said) = moving.migrate(&[]).await;
    assert!(is_well && said["copied"].as_u64() > Some(0), "what came meanwhile: {said}");
    let (is_well, said) = moving.migrate(&["--by-size"]).await;
    assert!(is_well && said["copied"] == 0, "nothing comes to the old one any more: {said}");
    // And then to do without the old one, which is out of reach now.
    moving.restart(&there, "").await;
    fs::rename(moving.fleet.store(), moving.fleet.store().with_extension("old")).expect("it can be renamed");
    more(&load, 5).await;

    let told = load.end().await;
    assert!(told.refused.is_empty() && told.errors.is_empty(), "{:?} {:?}", told.refused, told.errors);
    let database = moving.fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &moving.path(""), &told.accepted).await;
    for (cookie, room, (id, photo)) in &photos {
        let base = moving.fleet.base(0);
        let entrance = Entrance { cookie: Some(cookie.clone()), ..Entrance::aware() };
        let client = match *room {
            ROOM => admitted(base, ROOM, PASSCODE, entrance, "ben").await,
            _ => Client::enter(base, room, entrance, "ana").await,
        };
        downloads(&client.media(*id).await, photo).await;
    }
    println!("{} uploads while the store was moved", told.accepted.len());
}

#[tokio::test]
async fn what_is_damaged_where_it_comes_from_is_named_and_keeps_no_other_back() {
    let moving = Moving::start(1).await;
    let ana = Client::enter(moving.fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let (id, photo) = share(&ana, corpus::SMALL).await;
    let original = moving.fleet.stored().into_iter().find(|file| file.contains("/original.")).expect("it is stored");
    damage(&moving.fleet.store().join(&original));
    fs::write(moving.fleet.store().join("of-somebody-else"), "x").expect("it can be written");
    let (is_well, said) = moving.migrate(&["--dry-run"]).await;
    assert!(!is_well && said["copied"] == 4 && said["failed"] == 1, "it would be the same: {said}");
    assert_eq!(moving.objects(), Vec::<String>::new());
    let (is_well, said) = moving.migrate(&[]).await;
    assert!(!is_well, "{said}");
    assert_eq!(
        (said["copied"].as_u64(), said["failed"].as_u64(), said["foreign"].as_u64()),
        (Some(4), Some(1), Some(1))
    );
    let errors = said["errors"].as_array().expect("a list");
    assert!(errors.len() == 1 && original.ends_with(errors[0]["key"].as_str().expect("a key")), "{said}");
    assert!(errors[0]["error"].as_str().is_some_and(|words| words.contains("SHA-256 of its row")), "{said}");
    assert_eq!(moving.objects().len(), 4);
    // A line and no bar, as nobody looks at it.
    let plain = moving.fleet.administered(&["store", "migrate", &moving.here, &moving.there]).run().await;
    assert!(plain.log.contains("5 objects to look at\n") && !plain.log.contains('\u{1b}'), "{plain:?}");
    assert!(
        plain.stdout.contains("0 copied (0 B), 4 were there and right, 0 deleted meanwhile, 1 failed"),
        "{plain:?}"
    );
    // Mended, it goes.
    fs::write(moving.fleet.store().join(&original), photo).expect("it can be written");
    let (is_well, said) = moving.migrate(&[]).await;
    assert!(is_well && said["copied"] == 1 && moving.objects().len() == 5, "{said} {id}");
    let same = moving.fleet.administered(&["store", "migrate", &moving.here, &moving.here]).run().await;
    assert!(!same.status.success() && same.log.contains("the same store"), "{same:?}");
}

/// The lines of the audit, the oldest first.
async fn audit(fleet: &Fleet) -> Vec<Value> {
    let said = fleet.administered(&["audit", "list", "--json"]).run().await;
    let said: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    said["audit"].as_array().expect("a list").iter().rev().cloned().collect()
}

#[tokio::test]
async fn it_is_tried_first_watched_and_noted_with_whoever_typed() {
    let moving = Moving::start(1).await;
    let ana = Client::enter(moving.fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    share(&ana, corpus::SMALL).await;
    let nowhere = format!("file://{}/nowhere", moving.fleet.store().parent().expect("a folder above it").display());
    let words = |words: &[&str]| moving.fleet.administered(&[&["store", "migrate"], words].concat());

    // What would be copied to, and from, a folder that is not there.
    let tried = words(&[&moving.here, &nowhere, "--dry-run"]).variable("SUDO_USER", "ana").run().await;
    assert!(tried.status.success() && tried.stdout.contains(": 5 would be copied ("), "{tried:?}");
    let refused = words(&[&nowhere, &moving.there]).run().await;
    assert!(!refused.status.success() && refused.log.contains("there is no folder file://"), "{refused:?}");
    assert!(!moving.fleet.store().with_file_name("nowhere").exists(), "none was made");

    // Whoever watches sees how far it is.
    let by = [("SUDO_USER", "ben"), ("LOGNAME", "root"), ("USER", "root")];
    let launch = words(&[&moving.here, &moving.there]).on_a_terminal();
    let seen = by.iter().fold(launch, |launch, (name, value)| launch.variable(name, value)).run().await;
    assert!(seen.status.success() && seen.stdout.contains("5 of 5 objects  5 copied ("), "{seen:?}");
    assert!(seen.stdout.contains(&format!("[{}] 100 %", "#".repeat(32))), "{seen:?}");
    assert!(!seen.stdout.contains("objects to look at"), "a bar, and no lines: {seen:?}");

    damage(&moving.path(&moving.objects()[0]));
    let (is_well, said) = moving.migrate(&["--dry-run"]).await;
    assert!(is_well && said["right"] == 4 && said["copied"] == 1 && said["replaced"] == 1, "{said}");
    assert_eq!(said["dry_run"], true);
    let (_, said) = moving.migrate(&["--dry-run", "--by-size"]).await;
    assert!(said["right"] == 5 && said["copied"] == 0, "it has the right size: {said}");
    let mended = words(&[&moving.here, &moving.there]).variable("LOGNAME", "cleo").variable("USER", "root").run().await;
    assert!(mended.stdout.contains("\n1 of those copied in place of what was there and not right\n"), "{mended:?}");

    let audit: Vec<_> = audit(&moving.fleet)
        .await
        .iter()
        .map(|row| {
            assert_eq!(row["action"], "store migrate");
            let there =
                if row["subject"] == format!("from={} to={}", moving.here, moving.there) { "there" } else { "" };
            format!("{} {there} {} {}", row["who"], row["dry_run"], row["affected"]).replace('"', "")
        })
        .collect();
    let expected =
        ["ana  true 5", "ben there false 5", "unknown there true 1", "unknown there true 0", "cleo there false 1"];
    assert_eq!(audit, expected.map(|line| format!("shell:{line}")));
}
