//! The README's fleet, as a newcomer starts it: `make fleet` is `scripts/fleet`
//! behind a build, and that is PostgreSQL, Redis and honcho over the Procfile; on
//! machines of one's own it is the lines of the README.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    postgres::Postgres,
    process::binary,
    redis::Redis,
    sharing::{finished, share_accepted},
    until::{until, within},
    web::Web,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};
use tokio::process::{Child, Command};

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    assert!(root.join(".venv/bin/honcho").exists(), "`make test-tools` installs honcho");
    root.to_owned()
}

fn free_port() -> String {
    let probe = TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
    probe.expect("a free port").port().to_string()
}

/// A picture comes to thumbnails in this fleet, and then all of it stops when it is told.
async fn works_and_stops(mut fleet: Vec<Child>, port: &str) {
    let base = format!("http://127.0.0.1:{port}");
    let web = Web::default();
    until("the coordinator is ready", async || {
        for part in &mut fleet {
            assert!(part.try_wait().expect("its state").is_none(), "the fleet ended early");
        }
        let ready = reqwest::get(format!("{base}/readyz")).await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;

    let ana = Client::enter(&base, "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let media = finished(&ana, id).await;
    let thumbnail = web.get(&media.transcodings[&"thumb-320".parse().expect("a name")].url).await;
    assert_eq!((thumbnail.status, thumbnail.header("content-type")), (200, "image/webp"));

    for part in &mut fleet {
        let pid = Pid::from_raw(part.id().expect("it runs").cast_signed()).expect("a pid");
        kill_process(pid, Signal::TERM).expect("it can be told");
        within("it stops", part.wait()).await.expect("its end");
    }
    assert!(reqwest::get(format!("{base}/healthz")).await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn the_fleet_of_one_command_makes_thumbnails_and_stops_when_it_is_told() {
    let data = tempfile::tempdir().expect("a data folder");
    let port = free_port();
    let mut fleet = Command::new(root().join("scripts/fleet"));
    fleet.args(["--workers", "2", "--port", &port, "--data"]).arg(data.path()).kill_on_drop(true);
    works_and_stops(vec![fleet.spawn().expect("scripts/fleet starts")], &port).await;
    // Elsewhere, since the server's account may not be let into the data folder.
    let database = fs::read_link(data.path().join("postgres")).expect("it leads to the database");
    fs::remove_dir_all(database).expect("nobody uses it any more");
}

/// The README's lines of one name.
fn lines(name: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let lines = readme.split_once(&format!("```sh {name}\n")).unwrap_or_else(|| panic!("it has no {name}")).1;
    lines.split_once("```").expect("they end").0.to_owned()
}

/// A shell on a machine of one's own: what `make` built is on its PATH, as the lines
/// for building say, and it is in a folder with the Procfile.
fn machine(folder: &Path) -> Command {
    fs::copy(root().join("Procfile"), folder.join("Procfile")).expect("it can be copied");
    let programs = binary("heim-coordinator").parent().expect("it is in a folder").to_owned();
    let folders = [programs, root().join(".venv/bin"), "/usr/bin".into(), "/bin".into()];
    let mut shell = Command::new("sh");
    shell.current_dir(folder).kill_on_drop(true).env_clear();
    shell.env("PATH", std::env::join_paths(folders).expect("folders have plain names"));
    shell
}

#[tokio::test]
async fn the_fleet_of_the_readme_s_lines_makes_thumbnails_and_stops_when_it_is_told() {
    let building = lines("build");
    let makefile = fs::read_to_string(root().join("Makefile")).expect("it is there");
    for target in ["release", ".venv/bin/honcho"] {
        assert!(building.contains(target) && makefile.contains(&format!("\n{target}:")), "{target} can be made");
    }
    let (port, redis, postgres) = (free_port(), Redis::start(), Postgres::start());
    postgres.ask_for_passwords();
    let one = tempfile::tempdir().expect("a folder");
    let refused = machine(one.path()).args(["-euc", &lines("secrets")]).output().await.expect("a shell starts");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("say where the database is"), "{said}");
    let secrets = async || {
        let mut shell = machine(one.path());
        let is_made = one.path().join("coordinator.env").exists();
        let database = if is_made { "DATABASE=elsewhere\n".to_owned() } else { lines("database") };
        shell.args(["-euc", &(database + &lines("secrets"))]).env("PORT", &port);
        shell.env("PSQL", format!("psql {}", postgres.address().join(" "))).env("PGPORT", postgres.port().to_string());
        shell.env("REDIS", redis.url());
        assert!(shell.status().await.expect("a shell starts").success());
        ["fleet.env", "coordinator.env"].map(|name| fs::read_to_string(one.path().join(name)).expect("it was made"))
    };
    let made = secrets().await;
    assert_eq!(made, secrets().await, "secrets are made once");
    // `exec`, so that the shell's end is that of the fleet.
    let started = |folder: &Path, name| {
        let lines = lines(name).replace("\nhoncho ", "\nexec honcho ");
        machine(folder).args(["-euc", &lines]).env("PORT", &port).spawn().expect("a shell starts")
    };
    let other = tempfile::tempdir().expect("a folder");
    fs::write(other.path().join("fleet.env"), &made[0]).expect("it can be copied");
    works_and_stops(vec![started(other.path(), "worker"), started(one.path(), "coordinator")], &port).await;
}
