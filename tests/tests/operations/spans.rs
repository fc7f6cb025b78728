//! What a collector is sent: one request as one tree of spans over all processes.

use crate::watched::picture;
use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    collector::{Collector, Told},
    fleet::Fleet,
    sharing::finished,
    web::Web,
};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

/// The spans of one request.
fn tree(collector: &Collector, trace: &str) -> Vec<Told> {
    collector.spans().into_iter().filter(|span| span.trace == trace).collect()
}

/// What is not told yet is told at the end.
async fn end(mut fleet: Fleet) {
    // A job's last call goes to a coordinator.
    for process in fleet.workers.iter_mut().chain(&mut fleet.coordinators) {
        process.terminate();
        assert!(process.ended().await.success());
    }
}

fn named<'a>(spans: &'a [Told], service: &str, name: &str) -> Vec<&'a Told> {
    spans.iter().filter(|span| span.service == service && span.name == name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_told_of_one_upload_as_one_tree_over_all_processes() {
    let collector = Collector::start().await;
    let fleet = Fleet::with(1, 1, &[("traces.otlp_url", &collector.url)]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    let (_, rest) = handle.headers["traceparent"][0].split_once('-').expect("a traceparent");
    let (trace, rest) = rest.split_once('-').expect("an id and a step");
    let command = &rest[..16];
    assert_eq!(Web::default().upload(&handle, picture()).await.status, 201);
    let names = finished(&ana, handle.id).await.transcodings.len() - 1;
    end(fleet).await;
    let spans = tree(&collector, trace);
    let [asked] = named(&spans, "heim-coordinator", "command media-upload")[..] else { panic!("{spans:#?}") };
    assert_eq!((asked.id.as_str(), asked.parent.as_str(), asked.kind), (command, "", SpanKind::Server));
    let [upload] = named(&spans, "heim-coordinator", "PUT /media/{id}")[..] else { panic!("{spans:#?}") };
    assert_eq!((upload.parent.as_str(), upload.kind), (command, SpanKind::Server));
    assert!(upload.notes.contains(&("http.response.status_code".to_owned(), "201".to_owned())), "{upload:?}");
    let [attempt] = named(&spans, "heim-worker", "attempt")[..] else { panic!("{spans:#?}") };
    assert_eq!((attempt.parent == upload.id, attempt.kind), (true, SpanKind::Consumer), "{attempt:?} {upload:?}");
    assert!(attempt.notes.contains(&("heim.media".to_owned(), handle.id.to_string())), "{attempt:?}");
    for (stage, times) in [("fetch", 1), ("pixels", 1), ("put", names), ("register", names), ("finish", 1)] {
        let stages = named(&spans, "heim-worker", stage);
        assert_eq!(stages.len(), times, "{stage}: {spans:#?}");
        let is_within = |stage: &&Told| {
            stage.parent == attempt.id && stage.times.0 >= attempt.times.0 && stage.times.1 <= attempt.times.1
        };
        assert!(stages.iter().all(is_within), "{stage} is within the attempt: {spans:#?}");
    }
    // What the worker asked for belongs to it.
    let hooks = named(&spans, "heim-coordinator", "POST /room/{room}/media");
    assert!(hooks.len() == names && hooks.iter().all(|hook| hook.parent == attempt.id), "{spans:#?}");
    assert!(spans.iter().all(|span| span.failure.is_none()), "{spans:#?}");
}

/// One coordinator and one worker with these settings, and what became of an upload.
async fn after_upload(settings: &[(&str, &str)], picture: Vec<u8>) -> MediaState {
    let fleet = Fleet::with(1, 1, settings).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, picture).await.status, 201);
    let state = finished(&ana, handle.id).await.state;
    end(fleet).await;
    state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_fails_says_why() {
    let collector = Collector::start().await;
    let broken = picture()[..picture().len() / 2].to_vec();
    assert_eq!(after_upload(&[("traces.otlp_url", &collector.url)], broken).await, MediaState::Failed);
    let spans = collector.spans();
    let attempt = spans.iter().find(|span| span.name == "attempt").expect("it is told of");
    assert!(attempt.failure.as_deref().is_some_and(|why| why.contains("damaged")), "{attempt:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_share_of_nothing_nothing_is_told_and_without_its_collector_a_fleet_works_and_ends() {
    let collector = Collector::start().await;
    let settings = [("traces.otlp_url", collector.url.as_str()), ("traces.ratio", "0")];
    assert_eq!(after_upload(&settings, picture()).await, MediaState::Ready);
    assert_eq!(collector.spans(), []);
    let away = [("traces.otlp_url", "http://127.0.0.1:9/v1/traces")];
    assert_eq!(after_upload(&away, picture()).await, MediaState::Ready);
}
