//! Workers of other releases beside ours: one that says less, and one that says
//! more than we know.

use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::bmp,
    sharing::share_accepted,
    sql::sql,
    standalone::HOOKS,
    truth,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;

/// A body of another release, as `tests/tests/wire.rs` reads them.
fn fixture(form: &str, name: &str) -> Value {
    let path = format!("{}/fixtures/wire/{form}/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A worker of another release, played by hand.
struct Foreign<'a> {
    fleet: &'a Fleet,
    form: &'static str,
}

impl Foreign<'_> {
    async fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.fleet.base(0));
        let request = Web::default().request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1)).json(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(if self.form == "v2" { request.header("x-heim-version", "2") } else { request }).await
    }

    /// A body of its release with what only this time knows.
    fn body(&self, name: &str, fields: Value) -> Value {
        let mut body = fixture(self.form, name);
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        body.as_object_mut().expect("bodies are objects").extend(fields);
        body
    }

    async fn claim(&self, job: &str) -> Value {
        let claimed = self.post(&format!("/store/jobs/{job}/claim"), &self.body("claim", json!({})), &[]).await;
        assert_eq!((claimed.status, claimed.header("x-heim-version")), (200, "1"), "{claimed:?}");
        claimed.json()
    }

    /// Does a job from claim to verdict, but for the pixels.
    async fn work(&self, job: &str) {
        let claim = self.claim(job).await;
        let fence = json!({ "fence": claim["fence"] });
        let kept =
            self.post(&format!("/store/jobs/{job}/heartbeat"), &self.body("heartbeat", fence.clone()), &[]).await;
        assert_eq!(kept.status, 200, "{kept:?}");
        for transcoding in claim["transcodings"].as_array().expect("they are listed") {
            let file = self.fleet.store().join(transcoding["key"].as_str().expect("where it goes"));
            fs::create_dir_all(file.parent().expect("keys have folders")).expect("the store takes folders");
            fs::write(file, "a picture").expect("the store takes files");
            let what = json!({ "media_id": claim["media"]["id"], "name": transcoding["spec"]["name"], "size": 9 });
            let path = format!("/room/{}/media", claim["media"]["room"].as_str().expect("its room"));
            let under = [("x-heim-job", job), ("x-heim-fence", &claim["fence"].to_string())];
            let registered = self.post(&path, &self.body("transcoded", what), &under).await;
            assert_eq!(registered.status, 200, "{registered:?}");
        }
        let done = self.post(&format!("/store/jobs/{job}/finish"), &self.body("done", fence), &[]).await;
        assert_eq!(done.status, 200, "{done:?}");
    }

    /// Claims a job and ends the attempt with the words of its release.
    async fn finish(&self, job: &str, words: &str) {
        let fence = json!({ "fence": self.claim(job).await["fence"] });
        let finished = self.post(&format!("/store/jobs/{job}/finish"), &self.body(words, fence), &[]).await;
        assert_eq!(finished.status, 200, "{finished:?}");
    }
}

async fn job_of(fleet: &Fleet, media: MediaId) -> String {
    let id = sql(fleet.database_url(), &format!("SELECT id FROM job WHERE media_id = {}", media.as_i64())).await;
    heim_common::Snowflake(id.parse().expect("a number")).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_workers_of_the_release_before_and_after_do_their_part() {
    // Nobody renews the leases of those that are played.
    let mut fleet = Fleet::with(1, 0, &[("jobs.lease_ms", "60000")]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let mut all = Vec::new();
    for number in 0..9 {
        all.push(share_accepted(&ana, bmp(number)).await);
    }
    for (media, form) in all.iter().zip(["v0", "v2", "ours"].into_iter().cycle()) {
        if form != "ours" {
            Foreign { fleet: &fleet, form }.work(&job_of(&fleet, *media).await).await;
        }
    }
    fleet.add_worker().await;
    let database = fleet.database().await;
    truth::settled(&database).await;
    for media in &all {
        let object = database.media(*media).await.unwrap().unwrap();
        assert_eq!((object.state, object.transcodings.len()), (MediaState::Ready, 5), "{object:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_words_that_are_not_known_fail_nothing_that_could_go_well() {
    let mut fleet = Fleet::with(1, 0, &[("jobs.lease_ms", "60000")]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let (deferred, refused) = (share_accepted(&ana, bmp(1)).await, share_accepted(&ana, bmp(2)).await);
    let foreign = Foreign { fleet: &fleet, form: "v2" };
    foreign.finish(&job_of(&fleet, deferred).await, "unknown-verdict").await;
    foreign.finish(&job_of(&fleet, refused).await, "unknown-reason").await;
    let states = "SELECT state, failures FROM job ORDER BY id";
    assert_eq!(sql(fleet.database_url(), states).await, "pending|0\nfailed|0");
    fleet.add_worker().await;
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_eq!(database.media(deferred).await.unwrap().unwrap().state, MediaState::Ready);
    let failed = ana.media(refused).await;
    assert_eq!(failed.state, MediaState::Failed);
    assert!(failed.failure.is_some_and(|why| why.contains("a fault on our side")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_a_payload_of_a_later_release_is_left_for_its_workers() {
    let fleet = Fleet::start(1, 1).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let payload = r#"{"v":2,"jobs":["0c1ofy7941g5c"]}"#;
    let lane = "heim:jobs:interactive";
    assert_eq!(fleet.redis.command(&format!("RPUSH {lane} '{payload}'")), ":1");
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(share_accepted(&ana, bmp(number)).await);
    }
    let database = fleet.database().await;
    truth::settled(&database).await;
    // While the worker holds it for a moment, it is not in the list.
    until("it is still there", async || (fleet.redis.command(&format!("LLEN {lane}")) == ":1").then_some(())).await;
    for media in all {
        assert_eq!(database.media(media).await.unwrap().unwrap().state, MediaState::Ready);
    }
}
