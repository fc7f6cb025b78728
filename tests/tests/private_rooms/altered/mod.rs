//! Handles, hooks, cookies and tokens in which something was altered: each byte,
//! each field. All by real requests.

mod alteration;
mod attempt;
mod cookies;
mod credentials;
mod fences;
mod urls;

use crate::{
    operator::{API, Operator, TOKEN, admitted},
    pictures::pixel,
};
use fences::Held;
use heim_common::wire::{MediaView, UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    sharing::{finished, share_accepted},
    standalone::{HOOKS, Standalone},
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::json;

/// How many are tried.
const ATTEMPTS: usize = 100_000;
/// Those that are shown when they were accepted.
const SHOWN: usize = 40;

/// What is altered, as it was given out.
struct Scene {
    heim: Standalone,
    agents: Vec<Client>,
    shown: Vec<MediaView>,
    handles: Vec<UploadHandle>,
}

impl Scene {
    async fn new() -> Self {
        let heim = Standalone::with(&[API]).await;
        Operator::of(heim.base()).make_private("vault", "sesame").await;
        let (mut agents, mut shown, mut handles) = (Vec::new(), Vec::new(), Vec::new());
        for name in ["ana", "ben", "cleo", "dora"] {
            let agent = admitted(heim.base(), "vault", "sesame", Entrance::aware(), name).await;
            let id = share_accepted(&agent, pixel(name)).await;
            shown.push(finished(&agent, id).await);
            handles.push(agent.upload_handle().await);
            agents.push(agent);
        }
        let public = Client::enter(heim.base(), "hall", Entrance::aware(), "eve").await;
        let id = share_accepted(&public, pixel("eve")).await;
        shown.push(finished(&public, id).await);
        agents.push(public);
        Self { heim, agents, shown, handles }
    }

    fn cookies(&self) -> Vec<String> {
        self.agents.iter().map(Client::cookie).collect()
    }

    /// What was not altered is good, and was so all the time.
    async fn assert_the_true_ones_are_good(&self) {
        let (web, base) = (Web::default(), self.heim.base());
        for url in urls::urls(&self.shown) {
            assert_eq!(web.get(&url).await.status, 200, "{url}");
        }
        for handle in &self.handles {
            assert_eq!(web.upload(handle, pixel("altered")).await.status, 201);
        }
        let room = web.request(Method::GET, &format!("{base}/api/v1/rooms/vault")).bearer_auth(TOKEN);
        assert_eq!(answer(room).await.status, 200);
        let hook = web.request(Method::POST, &format!("{base}/room/vault/media/{}/uploaded", self.shown[0].id));
        let body = json!({ "content_type": "image/gif", "size": 1, "sha256": "00" });
        assert_eq!(answer(hook.basic_auth(HOOKS.0, Some(HOOKS.1)).json(&body)).await.status, 200);
        for (agent, cookie) in self.agents.iter().zip(self.cookies()) {
            let again = Entrance { cookie: Some(cookie), ..Entrance::aware() };
            let again = Client::connect(base, "vault", again).await.expect("everybody may knock");
            let (id, before) = (again.event("hello-event").await, agent.event("hello-event").await);
            assert_eq!(id["id"], before["id"], "a cookie that was not altered");
        }
    }
}

/// A server whose worker reaches nobody, so that this test is its worker, and
/// two jobs of it.
async fn held() -> (Standalone, Vec<Held>) {
    let nowhere = ("worker.coordinator_url", "http://127.0.0.1:9");
    let heim = Standalone::with(&[API, nowhere, ("jobs.lease_ms", "600000")]).await;
    Operator::of(heim.base()).make_private("vault", "sesame").await;
    let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
    for comment in ["one", "two"] {
        share_accepted(&ana, pixel(comment)).await;
    }
    let held = Held::all(&heim).await;
    assert_eq!(held.len(), 2);
    (heim, held)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn altered_handles_hooks_and_cookies_are_refused() {
    let scene = Scene::new().await;
    let (idle, held) = held().await;
    let (base, cookies) = (scene.heim.base(), scene.cookies());
    let mut attempts = credentials::uploads(&scene.handles[..2]);
    attempts.extend(credentials::admin(&scene.handles[3]));
    attempts.extend(credentials::hooks(&scene.shown[0]));
    attempts.extend(urls::downloads(&urls::urls(&scene.shown)));
    let (shaken, fenced) = (cookies::cookies(&cookies), fences::fences(&held));
    let rest = ATTEMPTS.checked_sub(attempts.len() + shaken.len() + fenced.len()).expect("no more than that");
    attempts.extend(credentials::random_uploads(&scene.handles[3], rest));

    let mut outcome = attempt::tried(base, attempts).await;
    outcome.add(attempt::tried(idle.base(), fenced).await);
    outcome.add(cookies::tried(base, shaken, &cookies).await);
    let shown: Vec<_> = outcome.accepted.iter().take(SHOWN).collect();
    assert_eq!((outcome.accepted.len(), outcome.refused), (0, ATTEMPTS), "{shown:#?}");

    scene.assert_the_true_ones_are_good().await;
    for job in &held {
        assert!(job.is_held(idle.base()).await, "nobody took it away");
        job.end(idle.base()).await;
    }
}
