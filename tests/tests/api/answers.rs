//! What each operation really answers, asked once for something that is there and once
//! and more for what it refuses: as the document says, and nothing that it does not name.

use crate::{documented::filled, python};
use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::{Keyed, TOKEN},
    operator::Operator,
    sharing::{finished, share_accepted},
    sql::sql,
    until::{until, within},
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::Stdio};
use tokio::{io::AsyncWriteExt, process::Command};

/// Whoever asks, and what was answered so far.
struct Asked {
    operator: Operator,
    document: Value,
    answers: Vec<Value>,
}

impl Asked {
    async fn begin(base: &str) -> Self {
        let document = Web::default().get(&format!("{base}/api/openapi.json")).await.json();
        Self { operator: Operator::new(base, TOKEN), document, answers: Vec::new() }
    }

    /// All operations: method and path.
    fn operations(&self) -> BTreeSet<String> {
        let paths = self.document["paths"].as_object().expect("paths").iter();
        let of = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().expect("methods").keys();
            methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
        };
        paths.flat_map(of).collect()
    }

    /// The operation that is at this path, the one with the fewest places to fill.
    fn operation(&self, method: &Method, path: &str) -> String {
        let path = format!("/api/v1/{}", path.split('?').next().unwrap_or_default());
        let is_it = |operation: &String| {
            let there: Vec<_> = operation.split([' ', '/']).collect();
            let here: Vec<_> = [method.as_str()].into_iter().chain(path.split('/')).collect();
            there.len() == here.len()
                && there.iter().zip(here).all(|(there, here)| there.starts_with('{') || *there == here)
        };
        let operations = self.operations();
        let found = operations.iter().filter(|operation| is_it(operation));
        let found = found.min_by_key(|operation| operation.matches('{').count());
        found.unwrap_or_else(|| panic!("{method} {path} is no operation")).clone()
    }

    /// Asks with a body, unless it is `null`, and keeps the answer.
    async fn ask(&mut self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.operator.request(method.clone(), path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let operation = self.operation(&method, path);
        self.keep(&operation, answer(request).await)
    }

    fn keep(&mut self, operation: &str, answer: Answer) -> Answer {
        let body = std::str::from_utf8(&answer.body).expect("text");
        let kind = answer.header("content-type");
        self.answers.push(json!({ "operation": operation, "status": answer.status, "type": kind, "body": body }));
        answer
    }

    /// Asks for what must be carried out.
    async fn done(&mut self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    async fn look(&mut self, path: &str) -> Value {
        self.done(Method::GET, path, Value::Null).await
    }

    async fn post(&mut self, path: &str) -> Value {
        self.done(Method::POST, path, Value::Null).await
    }

    /// Operations that were answered so.
    fn answered(&self, with: std::ops::Range<u64>) -> BTreeSet<String> {
        let is_so = |answer: &&Value| with.contains(&answer["status"].as_u64().expect("a status"));
        let name = |answer: &Value| answer["operation"].as_str().expect("a name").to_owned();
        self.answers.iter().filter(is_so).map(name).collect()
    }

    /// Compares all that was answered with the document; returns what does not conform.
    async fn compare(&self) -> String {
        let mut command = Command::new(python());
        command.arg(crate::root().join("tests/openapi/conforms.py")).env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let told = json!({ "document": self.document, "answers": self.answers }).to_string();
        let mut child = command.spawn().expect("python starts");
        child.stdin.take().expect("it was piped").write_all(told.as_bytes()).await.expect("it reads all");
        let ended = within("it has compared", child.wait_with_output()).await.expect("it ends");
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.success(), said.trim().is_empty(), "{said}");
        said
    }
}

/// Each operation without credentials, with a key that it does not know, and of things
/// that are nowhere.
async fn refused(asked: &mut Asked) {
    for operation in asked.operations() {
        let (method, path) = operation.split_once(' ').expect("two words");
        let (method, path) = (method.parse::<Method>().expect("a method"), filled(path));
        let path = path.strip_prefix("/api/v1/").expect("all are there");
        let stranger = Operator::new(asked.operator.base(), "somebody's").request(method.clone(), path);
        let stranger = asked.keep(&operation, answer(stranger).await);
        assert_eq!(stranger.status, 403, "{operation}: {stranger:?}");
        let unknown = asked.ask(method.clone(), &format!("{path}?unknown=1"), Value::Null).await;
        assert_eq!(unknown.status, 400, "{operation}: {unknown:?}");
        asked.ask(method, path, Value::Null).await;
    }
}

async fn rooms(asked: &mut Asked) {
    for (passcode, status) in [("sesame", 201), ("sesame", 200), ("another", 200)] {
        let wish = json!({ "private": true, "passcode": passcode });
        assert_eq!(asked.ask(Method::PUT, "rooms/den", wish).await.status, status);
    }
    assert_eq!(asked.ask(Method::PUT, "rooms/den", json!({ "private": false })).await.status, 409);
    assert_eq!(asked.ask(Method::PUT, "rooms/den", json!({ "private": "no" })).await.status, 400);
    asked.look("rooms?limit=1").await;
    asked.post("rooms/den/keys").await;
    asked.done(Method::PUT, "rooms/den/managers/agent:9fX19fX19fU=", Value::Null).await;
    assert_eq!(asked.look("rooms/den").await["managers"], json!(["agent:9fX19fX19fU="]));
    asked.done(Method::DELETE, "rooms/den/managers/agent:9fX19fX19fU=", Value::Null).await;
    asked.done(Method::DELETE, "rooms/den", Value::Null).await;
}

async fn media(asked: &mut Asked, ana: &Client, ready: MediaId, failed: MediaId) {
    let agent = ana.event("hello-event").await["session"]["id"].clone();
    let wish = json!({ "agent": agent, "nick": "ana", "content_type": "image/png", "name": "a.png" });
    let made = asked.done(Method::POST, "rooms/welcome/media", wish).await["id"].as_str().expect("an id").to_owned();
    let wish = json!({ "agent": agent, "nick": "ana", "content_type": "text/html" });
    assert_eq!(asked.ask(Method::POST, "rooms/welcome/media", wish).await.status, 415);
    for (id, state) in [(ready.to_string(), "ready"), (failed.to_string(), "failed"), (made.clone(), "created")] {
        assert_eq!(asked.look(&format!("rooms/welcome/media/{id}")).await["state"], state);
    }
    asked.done(Method::DELETE, &format!("rooms/welcome/media/{made}"), Value::Null).await;
}

async fn jobs(asked: &mut Asked, ready: MediaId, failed: MediaId, waiting: MediaId) {
    let mut job_on = Vec::new();
    for media in [ready, failed, waiting] {
        let jobs = asked.look(&format!("jobs?media={media}&limit=1")).await;
        job_on.push(jobs["jobs"][0]["id"].as_str().expect("an id").to_owned());
    }
    assert!(asked.look("jobs?limit=1").await["next"].is_string(), "there is another page");
    for job in &job_on {
        asked.look(&format!("jobs/{job}")).await;
    }
    let job = &job_on[2];
    assert_eq!(asked.post(&format!("jobs/{job}/discard?dry_run=true")).await["count"], 1);
    assert_eq!(asked.post(&format!("jobs/{job}/discard")).await["jobs"], json!([job]));
    assert_eq!(asked.post(&format!("jobs/{job}/retry")).await["jobs"], json!([job]));
    assert_eq!(asked.ask(Method::POST, &format!("jobs/{job}/retry"), Value::Null).await.status, 400, "it waits");
    assert_eq!(asked.post("jobs/discard?room=welcome&state=pending").await["count"], 1);
    assert_eq!(asked.post("jobs/retry?all=true&dry_run=true").await["count"], 2);
    let job = &job_on[1];
    assert_eq!(asked.post(&format!("jobs/{job}/forget")).await["jobs"], json!([job]));
    assert_eq!(asked.ask(Method::POST, &format!("jobs/{job}/forget"), Value::Null).await.status, 404);
    assert_eq!(asked.post("jobs/forget?state=failed&dry_run=true").await["count"], 1);
}

async fn fleet(asked: &mut Asked, name: &str) {
    let workers = asked.look("workers").await;
    assert!(workers["workers"][0]["walls"].as_object().is_some_and(|walls| !walls.is_empty()), "{workers}");
    asked.post(&format!("workers/{name}/resume")).await;
    asked.post("lanes/all/pause").await;
    asked.look("lanes").await;
    asked.post("lanes/all/resume").await;
    let lanes = asked.look("lanes").await;
    assert!(lanes["lanes"][0]["hour"]["run_ms"]["p95"].is_number(), "{lanes}");
    asked.look("overview").await;
    asked.post(&format!("workers/{name}/drain")).await;
}

async fn store(asked: &mut Asked, keyed: &Keyed, orphan: &str, ready: MediaId) {
    for by in ["usage", "usage?by=agent", "usage?name=welcome"] {
        assert_eq!(asked.look(by).await["usage"].as_array().map(Vec::len), Some(1), "{by}");
    }
    until("it is noted", async || {
        let strays = asked.operator.look("orphans").await;
        (strays["strays"][0]["name"] == orphan).then_some(())
    })
    .await;
    asked.look("orphans").await;
    sql(keyed.fleet.database_url(), "UPDATE stray SET seen = seen - 3600000").await;
    let removed = asked.done(Method::POST, "orphans/remove", json!({ "all": true })).await;
    assert_eq!(removed["objects"], json!([orphan]));
    let purged = asked.done(Method::POST, "purge", json!({ "media": ready })).await;
    assert_eq!(purged["count"], 1);
    assert!(asked.look("audit?limit=3").await["next"].is_number(), "there is another page");
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let settings = [("retention.orphans_s", "1"), ("limits.body_timeout_ms", "10000")];
    let keyed = Keyed::with(1, 1, &settings).await;
    let mut asked = Asked::begin(keyed.base(0)).await;
    refused(&mut asked).await;
    rooms(&mut asked).await;
    // It was paused when it was asked for one after the other.
    asked.post("lanes/all/resume").await;

    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let photo = corpus::read(corpus::SMALL);
    let ready = share_accepted(&ana, photo.clone()).await;
    let failed = share_accepted(&ana, photo[..photo.len() / 2].to_vec()).await;
    assert_eq!(finished(&ana, ready).await.state, MediaState::Ready);
    assert_eq!(finished(&ana, failed).await.state, MediaState::Failed);
    let text = ready.to_string();
    let orphan = format!("media/{}/{text}/thumb-160.v999", &text[..6]);
    std::fs::write(keyed.fleet.store().join(&orphan), b"nobody's").expect("the store is a folder");
    media(&mut asked, &ana, ready, failed).await;

    let name = asked.look("workers").await["workers"][0]["name"].as_str().expect("it has reported").to_owned();
    asked.post(&format!("workers/{name}/pause")).await;
    until("it takes no more", async || {
        (asked.operator.look("workers").await["workers"][0]["state"] == "paused").then_some(())
    })
    .await;
    let waiting = share_accepted(&ana, photo).await;
    jobs(&mut asked, ready, failed, waiting).await;
    let said = ana.send("look", &[]).await["id"].as_str().expect("an id").to_owned();
    asked.done(Method::DELETE, &format!("rooms/welcome/messages/{said}"), Value::Null).await;
    fleet(&mut asked, &name).await;
    store(&mut asked, &keyed, &orphan, ready).await;

    assert_eq!(asked.answered(200..300), asked.operations(), "each was carried out once at least");
    assert_eq!(asked.answered(400..500), asked.operations(), "and refused");
    assert_eq!(asked.compare().await, "\n", "each answer is one that the document names");

    // Whatever it does not name is found.
    let job = asked.document["components"]["schemas"]["Job"]["properties"].as_object_mut().expect("properties");
    let fence = job.remove("fence").expect("it is named");
    job.insert("lane".to_owned(), json!({ "type": "integer" }));
    let said = asked.compare().await;
    assert!(fence.is_object() && said.contains("fence") && said.contains("lane"), "{said}");
}
