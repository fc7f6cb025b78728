//! Jobs that are tried again, or given up.

use crate::shell::{asked, audit, becomes, job_of, refused, tried};
use heim_common::{MediaId, media::MediaState, wire::MediaEvent};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    packets::subject,
    sharing::{NAMES, finished, share_accepted},
    until::until,
};
use serde_json::{Value, json};

async fn enter(keyed: &Keyed, room: &str) -> Client {
    Client::enter(keyed.base(0), room, Entrance::aware(), "ana").await
}

/// Waits until a session was told this about an object by media events.
async fn told(client: &Client, id: MediaId, is_it: impl Fn(&MediaEvent) -> bool) {
    let find = |heard: &[heim_tests::packets::Heard]| {
        let events = heard.iter().filter_map(heim_tests::packets::Heard::media_event);
        events.filter(|event| subject(event).0 == id).any(|event| is_it(&event)).then_some(())
    };
    client.heard.wait_for("the media event", find).await;
}

#[tokio::test]
async fn a_failed_job_is_tried_again_and_ready() {
    let mut keyed = Keyed::start(1, 0).await;
    let ana = enter(&keyed, "welcome").await;
    // A worker that takes no original of more than ten bytes.
    let mut small = keyed.fleet.worker(0).setting("worker.original_bytes_max", "10").start().await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Failed);
    let failed = asked(&keyed, &["job", "list", "--state", "failed"]).await;
    let failed = &failed["jobs"][0];
    assert_eq!((&failed["reason"], &failed["media"], &failed["fence"]), (&json!("too-costly"), &json!(id), &json!(1)));
    let job = failed["id"].as_str().expect("an id").to_owned();
    small.terminate();
    small.ended().await;

    assert_eq!(tried(&keyed, &["job", "retry", &job]).await["jobs"], json!([job]));
    assert_eq!(asked(&keyed, &["job", "retry", &job]).await["count"], 1);
    told(&ana, id, |event| {
        matches!(event, MediaEvent::Available { state: MediaState::Uploaded, .. }) && subject(event).1 == "original"
    })
    .await;
    assert_eq!(ana.media(id).await.state, MediaState::Uploaded, "it waits again");
    let again = refused(&keyed, &["job", "retry", &job]).await;
    assert!(again.contains("has not failed, and does not rest"), "{again}");

    keyed.fleet.add_worker().await;
    let media = becomes(&ana, id, MediaState::Ready).await;
    assert_eq!((media.transcodings.len(), media.failure), (NAMES.len(), None));
    told(&ana, id, |event| matches!(event, MediaEvent::Available { state: MediaState::Ready, .. })).await;
    let shown = until("the attempt has ended", async || {
        let shown = job_of(&keyed, id).await;
        (shown["attempts"][1]["verdict"] == "done").then_some(shown)
    })
    .await;
    let attempts = shown["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 2, "{shown}");
    assert_eq!((&attempts[0]["verdict"], &attempts[0]["reason"]), (&json!("discard"), &json!("too-costly")));
    let error = attempts[0]["error"].as_str().expect("what went wrong");
    assert!(error.contains("more than this worker takes"), "{error}");
    let stages: Vec<_> = attempts[1]["stages_ms"].as_object().expect("stages").keys().collect();
    assert_eq!(stages, ["child", "fetch", "pixels", "put", "register"]);
    assert_eq!((&shown["job"]["state"], &shown["job"]["fence"]), (&json!("done"), &json!(2)));
    assert_eq!((&shown["job"]["failures"], &shown["media"]["state"]), (&json!(0), &json!("ready")));
    let expected = [format!("shell:unknown job retry {job} dry 1"), format!("shell:unknown job retry {job} 1")];
    let audit = audit(&keyed).await;
    assert_eq!(audit[..2], expected);
    assert_eq!(audit[2], format!("shell:unknown job retry {job} null"), "it was refused");
}

#[tokio::test]
async fn what_a_filter_finds_is_given_up_and_tried_again() {
    let mut keyed = Keyed::start(2, 0).await;
    let (ana, ben) = (enter(&keyed, "one").await, enter(&keyed, "two").await);
    // At the other coordinator, which hears of it by the queue.
    let zoe = Client::enter(keyed.base(1), "one", Entrance::aware(), "zoe").await;
    let photo = || corpus::read(corpus::SMALL);
    let ones = [share_accepted(&ana, photo()).await, share_accepted(&ana, photo()).await];
    let two = share_accepted(&ben, photo()).await;
    for words in [&["job", "retry"][..], &["job", "discard"], &["job", "discard", "--all", "--room", "one"]] {
        refused(&keyed, words).await;
    }
    assert_eq!(tried(&keyed, &["job", "discard", "--room", "one"]).await["count"], 2);
    assert_eq!(asked(&keyed, &["job", "discard", "--room", "one"]).await["count"], 2);
    for id in ones {
        for client in [&ana, &zoe] {
            let media = finished(client, id).await;
            assert_eq!(media.state, MediaState::Failed);
            let given_up = "This picture was given up by whoever runs this service.";
            assert_eq!(media.failure.as_deref(), Some(given_up));
        }
    }
    assert_eq!(ben.media(two).await.state, MediaState::Uploaded, "it was not meant");
    let found = asked(&keyed, &["job", "list", "--reason", "discarded"]).await;
    assert_eq!(found["jobs"].as_array().map(Vec::len), Some(2));
    let page = asked(&keyed, &["job", "list", "--limit", "2"]).await;
    let next = page["next"].as_str().expect("there is another page").to_owned();
    let rest = asked(&keyed, &["job", "list", "--limit", "2", "--before", &next]).await;
    assert_eq!((rest["jobs"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));

    assert_eq!(tried(&keyed, &["job", "retry", "--reason", "discarded"]).await["count"], 2);
    assert_eq!(asked(&keyed, &["job", "retry", "--reason", "discarded"]).await["count"], 2);
    assert_eq!(asked(&keyed, &["job", "retry", "--reason", "discarded"]).await["count"], 0, "they wait");
    keyed.fleet.add_worker().await;
    for (client, id) in [(&ana, ones[0]), (&ana, ones[1]), (&zoe, ones[1]), (&ben, two)] {
        becomes(client, id, MediaState::Ready).await;
    }
    let audit = audit(&keyed).await;
    heim_tests::truth::settled(&keyed.fleet.database().await).await;
    let refused = refused(&keyed, &["job", "forget", "--state", "pending"]).await;
    assert!(refused.contains("does nothing to jobs that are pending"), "{refused}");
    assert_eq!(tried(&keyed, &["job", "forget", "--room", "one"]).await["count"], 2);
    assert_eq!(asked(&keyed, &["job", "forget", "--room", "one"]).await["count"], 2);
    let left = asked(&keyed, &["job", "list"]).await;
    assert_eq!((left["jobs"].as_array().map(Vec::len), &left["jobs"][0]["room"]), (Some(1), &json!("two")));
    assert_eq!(ana.media(ones[0]).await.state, MediaState::Ready, "only its row is gone");
    for line in ["job discard room=one dry 2", "job discard room=one 2", "job retry reason=discarded 2"] {
        assert!(audit.contains(&format!("shell:unknown {line}")), "{line}: {audit:?}");
    }
}

#[tokio::test]
async fn a_running_job_is_given_up_and_its_worker_drops_it() {
    let keyed = Keyed::start(1, 1).await;
    let ana = enter(&keyed, "welcome").await;
    let id = share_accepted(&ana, corpus::read(corpus::SLOW)).await;
    let database = keyed.fleet.database().await;
    until("a worker has it", async || heim_tests::truth::holder(&database).await).await;
    let job = job_of(&keyed, id).await["job"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(asked(&keyed, &["job", "discard", &job]).await["count"], 1);
    assert_eq!(finished(&ana, id).await.state, MediaState::Failed);
    let shown = job_of(&keyed, id).await;
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["verdict"], &attempt["reason"]), (&json!("discard"), &json!("discarded")));
    // The worker is free for the next.
    let next = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ana, next).await.state, MediaState::Ready);
    assert_eq!(job_of(&keyed, id).await["attempts"].as_array().map(Vec::len), Some(1));
}
