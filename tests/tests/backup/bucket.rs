//! A fleet whose store is a bucket, and whose secrets are in files: those of its
//! environment, and those that they name. Database, bucket and files are destroyed, and
//! come back elsewhere.

use crate::{ROOMS, all_shown, compare, empty, enter, live, run, shown};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    operator::Operator,
    process::Launch,
    raw::authority,
    s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY},
    sharing::{finished, share_accepted},
    standalone::HOOKS,
    truth,
    web::Web,
};
use serde_json::json;
use std::{fs, path::Path};

const PREFIX: &str = "of/this/fleet";
/// Whatever is not the deployment's secret, and may be elsewhere when it comes back.
const PLACES: [&str; 3] = ["HEIM_MEDIA__DATABASE__URL", "HEIM_MEDIA__QUEUE__URL", "HEIM_MEDIA__STORE__ENDPOINT"];

/// Where database, queue and bucket are, in the order of [`PLACES`].
fn places(fleet: &Fleet, s3: &S3) -> [String; 3] {
    [fleet.database_url().to_owned(), fleet.redis.url(), format!("http://127.0.0.1:{}", s3.port())]
}

/// The files of `/etc/heim-media`, as docs/operations/README.md has them.
fn configure(etc: &Path, [database, queue, endpoint]: [String; 3]) {
    let (master, bucket) = (etc.join("master.key"), etc.join("bucket.keys"));
    let fleet_env = format!(
        "HEIM_MEDIA__QUEUE__URL={queue}\nHEIM_MEDIA__STORE__URL=s3://{BUCKET}/{PREFIX}\n\
         HEIM_MEDIA__STORE__ENDPOINT={endpoint}\nHEIM_MEDIA__STORE__ALLOW_PLAIN_HTTP=true\n\
         HEIM_MEDIA__STORE__CREDENTIALS_FILE={}\nHEIM_MEDIA__HOOKS__KEY={}\nHEIM_MEDIA__HOOKS__SECRET=\"{}\"\n",
        bucket.display(),
        HOOKS.0,
        HOOKS.1
    );
    let coordinator_env = format!(
        "HEIM_MEDIA__DATABASE__URL={database}\nHEIM_MEDIA__SIGNING__SECRET=\"what this fleet signs with\"\n\
         HEIM_MEDIA__KEYS__MASTER_FILE={}\nHEIM_MEDIA__ADMIN__TOKEN=\"{TOKEN}\"\n",
        master.display()
    );
    let keys = format!("[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    for (file, text) in [
        (etc.join("fleet.env"), fleet_env),
        (etc.join("coordinator.env"), coordinator_env),
        (master, MASTER.to_owned()),
        (bucket, keys),
    ] {
        fs::write(file, text).expect("a temp folder can be written to");
    }
}

/// Says in both files where everything is now.
fn say_where(etc: &Path, now: &[String; 3]) {
    for name in ["fleet.env", "coordinator.env"] {
        let file = etc.join(name);
        let mut text = String::new();
        for line in fs::read_to_string(&file).expect("it was restored").lines() {
            let of_place = PLACES.iter().position(|place| line.starts_with(&format!("{place}=")));
            let line = of_place.map_or_else(|| line.to_owned(), |at| format!("{}={}", PLACES[at], now[at]));
            text += &(line + "\n");
        }
        fs::write(&file, text).expect("it can be written");
    }
}

/// A process with what these files say, and nothing else.
fn launch(program: &'static str, etc: &Path, files: &[&str], folder: &Path) -> Launch {
    let text = files.iter().map(|file| fs::read_to_string(etc.join(file)).expect("it is there")).collect::<String>();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.fold(Launch::new(program, folder), |launch, (name, value)| launch.variable(name, value.trim_matches('"')))
}

/// Starts a coordinator and a worker of the fleet.
async fn start(fleet: &mut Fleet, etc: &Path, folder: &Path) {
    let coordinator = launch("heim-coordinator", etc, &["fleet.env", "coordinator.env"], folder);
    fleet.coordinators.push(coordinator.arguments(&["serve", "--listen", "127.0.0.1:0"]).start().await);
    let worker = launch("heim-worker", etc, &["fleet.env"], folder);
    let own = [("worker.coordinator_url", fleet.base(0)), ("worker.concurrency", "1")];
    let worker = worker.settings(&own).start().await;
    fleet.workers.push(worker);
}

#[tokio::test]
async fn a_fleet_with_a_bucket_and_secrets_in_files_comes_back_elsewhere() {
    let folder = || tempfile::tempdir().expect("a folder");
    let (etc, backup, keys, logs) = (folder(), folder(), folder(), folder());
    let ours = [("ETC", etc.path()), ("BACKUP", backup.path()), ("KEYS", keys.path())];
    let (mut old, bucket) = (Fleet::start(0, 0).await, S3::start());
    configure(etc.path(), places(&old, &bucket));
    start(&mut old, etc.path(), logs.path()).await;
    let keeping = async {
        run("backup-bucket", &[], &ours).await;
        run("backup-secrets", &[], &ours).await;
    };
    let before = live(old.base(0), keeping).await;
    // What somebody holds: a cookie, and an address of the oldest picture.
    let ana = enter(old.base(0), ROOMS[0]).await;
    let (cookie, agent) = (ana.cookie(), ana.event("hello-event").await["session"]["id"].clone());
    let signed = ana.command("log", json!({ "n": 1_000 })).await;
    let signed =
        signed["log"][0]["attachments"][0]["transcodings"]["original"]["url"].as_str().expect("an URL").to_owned();
    drop(ana);
    assert!(!bucket.objects().is_empty() && old.stored().is_empty(), "all of it is in the bucket");
    truth::settled(&old.database().await).await;
    drop((old, bucket));
    for file in fs::read_dir(etc.path()).expect("it is there") {
        fs::remove_file(file.expect("it is listed").path()).expect("it can be removed");
    }

    // The fleet ends before its bucket does.
    let (bucket, mut new) = (S3::start(), Fleet::start(0, 0).await);
    empty(new.database_url()).await;
    run("restore-secrets", &[], &ours).await;
    say_where(etc.path(), &places(&new, &bucket));
    run("restore-bucket", &[], &ours).await;
    start(&mut new, etc.path(), logs.path()).await;
    let base = new.base(0).to_owned();
    compare(&before, &all_shown(&base).await);
    // Whoever was somebody, or was given an address, is and has it still.
    let entrance = Entrance { cookie: Some(cookie), ..Entrance::aware() };
    let ana = Client::enter(&base, ROOMS[0], entrance, "ana").await;
    assert_eq!(ana.event("hello-event").await["session"]["id"], agent, "she is who she was");
    let path = signed.split_once(authority(&signed)).expect("an address").1;
    assert_eq!(Web::default().get(&format!("{base}{path}")).await.status, 200, "{signed}");
    let rooms = Operator::new(&base, TOKEN).look("rooms").await;
    assert!(ROOMS.iter().all(|room| rooms.to_string().contains(room)), "{rooms}");
    // It goes on where it was, into the new bucket.
    for room in ROOMS {
        let objects = bucket.objects().len();
        let client = enter(&base, room).await;
        let id = share_accepted(&client, corpus::read(corpus::SMALL)).await;
        finished(&client, id).await;
        let all = shown(&client).await;
        assert_eq!(all[&id.to_string()].len(), 5, "{room}");
        assert_eq!(bucket.objects().len(), objects + 5, "{room}");
    }
}
