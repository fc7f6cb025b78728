//! What a worker must not know.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    sharing::{finished, share_accepted},
};
use std::fs;

#[tokio::test]
async fn the_worker_has_no_database() {
    let fleet = Fleet::start(1, 1).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::PHOTO)).await;
    assert_eq!(finished(&ana, id).await.transcodings.len(), 5, "it works all the same");

    let port = fleet.database_url().split([':', '/']).rfind(|part| part.parse::<u16>().is_ok());
    let port = port.expect("a URL with a port").parse::<u16>().unwrap();
    let worker = &fleet.workers[0];
    let family = [worker.pid()].into_iter().chain(worker.children());
    for pid in family.map(rustix::process::Pid::as_raw_nonzero) {
        for file in ["environ", "cmdline"] {
            let text = fs::read(format!("/proc/{pid}/{file}")).expect("a process of ours");
            let text = String::from_utf8_lossy(&text).to_lowercase();
            assert!(!text.contains("postgres") && !text.contains("database"), "{pid} {file}: {text}");
            assert!(!text.contains("signing"), "{pid} {file}: {text}");
        }
        assert!(!ports_of(pid.get()).contains(&port), "{pid} is connected to the database");
    }
    let coordinator = fleet.coordinators[0].pid().as_raw_nonzero().get();
    assert!(ports_of(coordinator).contains(&port), "the coordinator is: so this test sees connections");
}

/// The ports at the other ends of a process' connections.
fn ports_of(pid: i32) -> Vec<u16> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let sockets: Vec<_> = targets
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).expect("a process of ours");
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| sockets.iter().any(|socket| row.get(9) == Some(&socket.as_str())))
        .filter_map(|row| u16::from_str_radix(row[2].split_once(':')?.1, 16).ok())
        .collect()
}
