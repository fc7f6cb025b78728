//! The README's fleet, as a newcomer starts it: `make fleet` is `scripts/fleet`
//! behind a build, and that is PostgreSQL, Redis and honcho over the Procfile.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::{finished, share_accepted},
    until::{until, within},
    web::Web,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{net::TcpListener, path::Path};
use tokio::process::Command;

#[tokio::test]
async fn the_fleet_of_the_readme_makes_thumbnails_and_stops_when_it_is_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    assert!(root.join(".venv/bin/honcho").exists(), "`make test-tools` installs honcho");
    let data = tempfile::tempdir().expect("a data folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr()).expect("a free port").port();
    let mut fleet = Command::new(root.join("scripts/fleet"))
        .args(["--workers", "2", "--port", &port.to_string(), "--data"])
        .arg(data.path())
        .kill_on_drop(true)
        .spawn()
        .expect("scripts/fleet starts");
    let base = format!("http://127.0.0.1:{port}");
    let web = Web::default();
    until("the coordinator is ready", async || {
        assert!(fleet.try_wait().expect("its state").is_none(), "scripts/fleet ended early");
        let ready = reqwest::get(format!("{base}/readyz")).await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;

    let ana = Client::enter(&base, "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let media = finished(&ana, id).await;
    let thumbnail = web.get(&media.transcodings[&"thumb-320".parse().expect("a name")].url).await;
    assert_eq!((thumbnail.status, thumbnail.header("content-type")), (200, "image/webp"));

    let pid = Pid::from_raw(fleet.id().expect("it runs").cast_signed()).expect("a pid");
    kill_process(pid, Signal::TERM).expect("it can be told");
    within("the fleet stops", fleet.wait()).await.expect("its end");
    assert!(reqwest::get(format!("{base}/healthz")).await.is_err(), "nothing listens any more");
}
