//! `make demo-fleet` and `scripts/demo-load`, as somebody sees them who looks at all of it
//! for the first time: the numbers of the dashboard, of the shell and of the database are
//! the same, and every upload has ended, whatever happened meanwhile.

mod counted;
mod deployment;

use counted::Counted;
use deployment::{Deployment, Place, root};
use heim_common::{MediaId, job::Reason, media::MediaState};
use heim_tests::{
    dashboard::Dashboard,
    sql::{number, sql},
    truth,
    web::Web,
};
use rustix::process::Signal;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, os::unix::process::ExitStatusExt, path::Path, time::Duration};
use tokio::{process::Command, time::timeout};

/// What is uploaded: as many as the issue of it all says, but no large photos, which take
/// minutes where nothing is optimised.
const COUNT: usize = 200;
const BYTES_MAX: &str = "353000";
/// The load takes half a minute where nothing else runs.
const BOUND: Duration = Duration::from_mins(5);

/// What the load says that it has done.
#[derive(Deserialize)]
struct Report {
    accepted: BTreeMap<MediaId, String>,
    /// What was uploaded.
    files: BTreeMap<MediaId, String>,
    /// Why each of those must fail, if it must.
    expected: BTreeMap<String, Option<Reason>>,
    paused: Paused,
    killed: Killed,
    dashboard: serde_json::Value,
    database: serde_json::Value,
}

#[derive(Deserialize)]
struct Paused {
    lane: String,
    from: i64,
    until: i64,
    waiting: u64,
}

#[derive(Deserialize)]
struct Killed {
    worker: String,
    jobs: Vec<i64>,
}

#[tokio::test]
async fn the_demo_s_dashboard_says_what_its_database_says() {
    let place = Place::new();
    let mut fleet = Deployment::start(&place).await;
    let report = load(&place).await;
    let said = fleet.says().await;
    assert!(said.contains("is started again"), "a worker was killed: {said}");

    let settings = place.settings();
    let url = &settings["HEIM_MEDIA__DATABASE__URL"];
    all_have_ended(url, &report).await;
    nothing_ran_while_it_was_paused(url, &report.paused).await;
    what_the_dead_worker_held_ended_elsewhere(url, &report.killed).await;
    assert_eq!(report.dashboard, report.database);
    for base in place.dashboards() {
        let dashboard = Dashboard::login(&base, &settings["HEIM_MEDIA__ADMIN__TOKEN"]).await;
        Counted::by_sql(url).await.agrees(&dashboard, &settings).await;
    }
    the_balancer_balances(&place).await;

    let status = fleet.end(Signal::TERM).await;
    assert_eq!(status.code(), Some(143), "as it was told");
    // It goes on from there, and leaves nothing behind even when it is killed.
    let fleet = Deployment::start(&place).await;
    assert_eq!(number(&place.settings()["HEIM_MEDIA__DATABASE__URL"], "SELECT count(*) FROM job").await, 200);
    let status = fleet.end(Signal::KILL).await;
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
}

/// Runs `scripts/demo-load`, which must find that all agrees.
async fn load(place: &Place) -> Report {
    let report = place.data().join("report.json");
    let mut command = Command::new(root().join("scripts/demo-load"));
    command.args(["--count", &COUNT.to_string(), "--bytes-max", BYTES_MAX, "--data"]).arg(place.data());
    command.arg("--report").arg(&report).kill_on_drop(true);
    let ended = timeout(BOUND, command.output()).await.expect("the load ends").expect("scripts/demo-load starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("dashboard") && !said.contains("NOT THE SAME"), "{said}");
    serde_json::from_slice(&fs::read(&report).expect("it was written")).expect("a report")
}

async fn all_have_ended(url: &str, report: &Report) {
    assert_eq!(report.accepted.len(), COUNT);
    let database = truth::open(url).await;
    let mut ends: BTreeMap<_, usize> = BTreeMap::new();
    for (id, room) in &report.accepted {
        let media = database.media(*id).await.expect("the database answers").expect("it was accepted");
        assert_eq!(media.room.as_str(), room);
        let file = &report.files[id];
        let expected = match report.expected[file] {
            None => (MediaState::Ready, None),
            Some(reason) => (MediaState::Failed, Some(reason)),
        };
        assert_eq!((media.state, media.failure), expected, "{id} is {file}");
        *ends.entry(media.failure.map(Reason::as_str)).or_default() += 1;
    }
    // Every tenth is broken, and photos are photos; but for the one in a format that is not decoded.
    for (file, reason) in &report.expected {
        let is_avif = Path::new(file).extension().is_some_and(|kind| kind == "avif");
        let is_photo = file.starts_with("photos/") && !is_avif;
        assert_eq!(reason.is_none(), is_photo, "{file}: {reason:?}");
    }
    let whole = report.files.values().filter(|file| report.expected[*file].is_none()).count();
    assert!(ends[&None] == whole && whole > COUNT / 2 && ends.keys().len() == 3, "{ends:?}");
    let private = "SELECT count(*) FROM media_object AS media JOIN room ON room.name = media.room WHERE room.private";
    assert!(number(url, private).await > 0, "some are in a private room");
}

async fn nothing_ran_while_it_was_paused(url: &str, paused: &Paused) {
    let Paused { lane, from, until, waiting } = paused;
    assert!(until - from > 3_000 && *waiting > 0, "{waiting} waited from {from} to {until}");
    let began = async |when: &str| {
        let of_lane = format!("SELECT count(*) FROM attempt WHERE lane = '{lane}' AND began {when}");
        number(url, &of_lane).await
    };
    assert_eq!(began(&format!("BETWEEN {from} AND {until}")).await, 0, "nothing begins in a lane that is paused");
    assert!(began(&format!("< {from}")).await > 0 && began(&format!("> {until}")).await > 0);
    let audit = "SELECT action, subject, affected FROM audit WHERE who LIKE 'dashboard:%' ORDER BY seq";
    assert_eq!(sql(url, audit).await.lines().count(), 2, "paused and resumed at the dashboard");
}

async fn what_the_dead_worker_held_ended_elsewhere(url: &str, killed: &Killed) {
    let Killed { worker, jobs } = killed;
    assert!(!jobs.is_empty());
    for job in jobs {
        let attempts = format!("SELECT worker, verdict, reason FROM attempt WHERE job = {job} ORDER BY fence");
        let attempts = sql(url, &attempts).await;
        let lost = format!("{worker}|retry|worker-lost");
        assert!(attempts.lines().any(|attempt| attempt == lost), "{job}: {attempts}");
        let ended = attempts.lines().last().expect("there is one");
        assert!(!ended.starts_with(worker), "{job} ended elsewhere: {attempts}");
        let state = sql(url, &format!("SELECT state, reason FROM job WHERE id = {job}")).await;
        assert!(state == "done|" || state.starts_with("failed|"), "{job}: {state}");
    }
}

async fn the_balancer_balances(place: &Place) {
    let log = place.log("balancer");
    for coordinator in ["coordinator-1", "coordinator-2"] {
        for request in ["/ws 101 ", " PUT /media/"] {
            let is_one = |line: &str| line.contains(request) && line.contains(coordinator);
            assert!(log.lines().any(is_one), "{coordinator} has seen none of {request}: {log}");
        }
    }
    assert!(!log.contains('?'), "what signs a download is not in the log");
    let numbers = Web::default().get(&format!("{}/metrics", place.page())).await;
    assert_eq!(numbers.status, 404, "numbers are for operators");
}
