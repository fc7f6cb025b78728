//! One request is one id in the log lines of every process, from the socket to the
//! worker and back.

use crate::watched::picture;
use heim_common::Trace;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    process::Process,
    sharing::finished,
    until::until,
    web::Web,
};
use serde_json::Value;

/// What a client may say of its own request: W3C Trace Context, section 3.2.
const OWN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The lines of a log in JSON that belong to a request.
fn lines(process: &Process, id: &str) -> Vec<Value> {
    let log = process.log();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.filter(|line: &Value| line["trace_id"] == id).collect()
}

async fn says(process: &Process, id: &str, message: &str) -> Value {
    until(&format!("{message:?} is logged for {id}"), async || {
        lines(process, id).into_iter().find(|line| line["message"] == message)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_one_request_from_the_socket_to_the_worker_and_back() {
    let fleet = Fleet::with(1, 1, &[("log.format", "json")]).await;
    let (coordinator, worker) = (&fleet.coordinators[0], &fleet.workers[0]);
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let handle = ana.upload_handle().await;
        ana.send("look", &[handle.id]).await;
        let trace: Trace = handle.headers["traceparent"][0].parse().expect("what the socket command began");
        let id = trace.id().to_string();
        assert_eq!(Web::default().upload(&handle, picture()).await.status, 201);
        finished(&ana, handle.id).await;
        assert_eq!(says(coordinator, &id, "uploaded").await["media"], handle.id.to_string());
        assert_eq!(says(worker, &id, "done").await["media"], handle.id.to_string());
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1], "each command is a request of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_own_id_is_taken_and_goes_as_far_as_a_childs_last_words() {
    let settings = [("log.format", "json"), ("jobs.deaths_max", "1")];
    let fleet = Fleet::with(1, 1, &settings).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    handle.headers.insert("traceparent".to_owned(), vec![OWN.to_owned()]);
    let deadly = [picture(), b"heim-media-failpoint:panic".to_vec()].concat();
    assert_eq!(Web::default().upload(&handle, deadly).await.status, 201);
    finished(&ana, handle.id).await;
    let id = OWN.parse::<Trace>().expect("the example of the recommendation").id().to_string();
    let died = says(&fleet.workers[0], &id, "not done").await;
    assert!(died["error"].as_str().is_some_and(|error| error.contains("planted")), "its last words: {died}");
    // The verdict came back by another call, of the same request.
    for message in ["uploaded", "attempt ended", "job given up"] {
        says(&fleet.coordinators[0], &id, message).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_none_is_not_taken_and_pretty_lines_have_ids_too() {
    let fleet = Fleet::with(1, 1, &[]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut handle = ana.upload_handle().await;
    handle.headers.insert("traceparent".to_owned(), vec!["00-forged\"-x-01".to_owned()]);
    assert_eq!(Web::default().upload(&handle, picture()).await.status, 201);
    finished(&ana, handle.id).await;
    let is_of_this = |line: &&str| line.contains(&handle.id.to_string());
    let id = |process: &Process| {
        let log = process.log();
        let line = log.lines().find(is_of_this)?;
        let (_, behind) = line.split_once("trace_id=")?;
        Some(behind.chars().take_while(char::is_ascii_hexdigit).collect::<String>())
    };
    let uploaded = until("the upload is logged", async || id(&fleet.coordinators[0])).await;
    assert_eq!(uploaded.len(), 32, "a fresh one: {uploaded}");
    assert_eq!(until("the job is logged", async || id(&fleet.workers[0])).await, uploaded);
    assert!(!fleet.coordinators[0].log().contains("forged"));
}
