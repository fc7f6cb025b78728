//! Every route and command, while the database is away.

use super::{
    away::{SORRY, readiness},
    routes::{Asked, Route, all},
};
use futures_util::future::join_all;
use heim_common::wire::UploadHandle;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    keyed::{MASTER, TOKEN},
    load::bmp,
    postgres::Postgres,
    raw::{Raw, authority, head},
    sql::sql,
    standalone::HOOKS,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

/// A fleet, and what somebody holds in it.
struct Scene {
    base: String,
    web: Web,
    /// Not used yet.
    handle: UploadHandle,
    /// A link to an original.
    link: String,
}

impl Scene {
    async fn of(fleet: &Fleet, ana: &Client) -> Self {
        let web = Web::default();
        let shown = ana.upload_handle().await;
        assert_eq!(web.upload(&shown, bmp(2)).await.status, 201);
        let original = "original".parse().expect("a name");
        let link = ana.media(shown.id).await.transcodings[&original].url.clone();
        Self { base: fleet.base(0).to_owned(), web, handle: ana.upload_handle().await, link }
    }

    /// What a route answers.
    async fn ask(&self, Route { method, path, asked }: &Route) -> Answer {
        let request = self.web.request(method.clone(), &format!("{}{path}", self.base));
        let request = match asked {
            Asked::Alive | Asked::Plainly | Asked::ForReadiness => request,
            Asked::AsHook(body) => request.basic_auth(HOOKS.0, Some(HOOKS.1)).json(body),
            Asked::AsOperator(None) | Asked::OfRedis => request.bearer_auth(TOKEN),
            Asked::AsOperator(Some(body)) => request.bearer_auth(TOKEN).json(body),
            Asked::ByHandle if *method == Method::PUT => return self.web.upload(&self.handle, bmp(1)).await,
            Asked::ByHandle => self.web.request(Method::GET, &self.link),
            Asked::ForSocket => return self.ask_for_socket(path).await,
        };
        answer(request).await
    }

    async fn ask_for_socket(&self, path: &str) -> Answer {
        let mut raw = Raw::connect(&self.base).await;
        let headers = [
            ("Host", authority(&self.base)),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        raw.write(head("GET", path, &headers)).await;
        raw.answer().await.expect("an answer")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f42_every_route_and_command_says_so_while_the_database_is_away() {
    let server = Postgres::start();
    let settings = [("database.timeout_ms", "300"), ("admin.token", TOKEN), ("keys.master", MASTER)];
    let fleet = Fleet::over(server.fresh_url(), None, 1, 0, &settings).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let (said, scene) = (ana.send("hello", &[]).await, Scene::of(&fleet, &ana).await);
    let handle = &scene.handle;
    server.stop();

    let commands = [
        ("nick", json!({ "name": "anna" })),
        ("send", json!({ "content": "lost" })),
        ("who", Value::Null),
        ("log", json!({ "n": 1 })),
        ("get-message", json!({ "id": said["id"] })),
        ("edit-message", json!({ "id": said["id"], "delete": true })),
        ("media-upload", json!({})),
        ("get-media", json!({ "id": handle.id })),
    ];
    for (command, data) in &commands {
        assert_eq!(ana.refused(command, data.clone()).await, SORRY, "{command}");
    }
    assert_eq!(ana.command("ping", json!({ "time": 7 })).await["time"], 7);
    // All at once: each waits for the database.
    let routes = all(&handle.id.to_string());
    let answers = join_all(routes.iter().map(|route| scene.ask(route))).await;
    for (route, answer) in routes.iter().zip(answers) {
        let what = format!("{} {}", route.method, route.path);
        match route.asked {
            Asked::Alive | Asked::OfRedis => assert!(answer.status < 400, "{what}: {answer:?}"),
            Asked::ForReadiness => assert_eq!(answer.status, 503, "{what}: {answer:?}"),
            _ => {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{what}");
                assert_eq!(answer.header("retry-after"), "1", "{what}");
            }
        }
    }
    let report = readiness(fleet.base(0), 503).await.json();
    assert_eq!((&report["ready"], &report["queue"], &report["store"]), (&json!(false), &json!("ok"), &json!("ok")));

    server.restart();
    for (command, data) in &commands {
        assert!(ana.ask(command, data.clone()).await["error"].as_str().is_none_or(|error| error != SORRY), "{command}");
    }
    assert_eq!(scene.web.upload(handle, bmp(1)).await.status, 201);
    assert_eq!(ana.heard.ended(), None, "the session has outlived it");
    let log = fleet.coordinators[0].log();
    assert!(!log.contains("panicked") && !log.contains("code=\"internal\""), "{log}");
    // There is no worker, and the end of the fleet looks for jobs that were left.
    sql(fleet.database_url(), "UPDATE job SET state = 'done'").await;
}
