//! Hooks that come twice, late, in any order, or never; for what is not there;
//! and to a coordinator that does not take them.

use crate::{
    hook_refuser::HookRefuser,
    worker::job::{events, job},
};
use heim_common::{JobId, MediaId};
use heim_tests::{
    corpus,
    fleet::Fleet,
    pair::Pair,
    proxy::{Fault, Proxy, Way},
    sharing::{NAMES, names},
    standalone::HOOKS,
    truth,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Nobody's lease runs out while a test speaks for its worker.
const PATIENT: (&str, &str) = ("jobs.lease_ms", "60000");

/// A worker that is the test itself.
struct ByHand {
    /// One for all calls: making one takes longer than a call.
    web: Web,
    base: String,
    job: JobId,
    fence: i64,
    media: MediaId,
}

impl ByHand {
    async fn claim(fleet: &Fleet, media: MediaId) -> Self {
        let base = fleet.base(0).to_owned();
        let job = job(&fleet.database().await, media).await.id;
        let mut by_hand = Self { web: Web::default(), base, job, fence: 0, media };
        let claim = by_hand.call("claim", &json!({ "worker": "by hand", "engine": 1 })).await;
        assert_eq!(claim.status, 200, "{claim:?}");
        by_hand.fence = claim.json()["fence"].as_i64().expect("a fence");
        by_hand
    }

    async fn call(&self, what: &str, body: &Value) -> Answer {
        let url = format!("{}/store/jobs/{}/{what}", self.base, self.job);
        answer(self.web.request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1)).json(body)).await
    }

    fn hook(&self, base: &str, room: &str, media: MediaId, name: &str, version: u32) -> reqwest::RequestBuilder {
        let size = 100 + version;
        let hook = json!({ "media_id": media, "name": name, "content_type": "image/webp", "size": size,
            "width": 160, "height": 120, "version": version });
        let call = self.web.request(Method::POST, &format!("{base}/room/{room}/media"));
        let call = call.basic_auth(HOOKS.0, Some(HOOKS.1)).json(&hook);
        call.header("x-heim-job", self.job.to_string()).header("x-heim-fence", self.fence)
    }

    async fn register(&self, name: &str, version: u32) {
        let taken = answer(self.hook(&self.base, "welcome", self.media, name, version)).await;
        assert_eq!(taken.status, 200, "{name} {version}: {taken:?}");
    }

    async fn give_up(&self) {
        let ended =
            self.call("finish", &json!({ "fence": self.fence, "verdict": "discard", "reason": "internal" })).await;
        assert_eq!(ended.status, 200, "{ended:?}");
    }
}

#[tokio::test]
async fn f64_the_same_hook_a_hundred_times_at_once_is_one_row_and_one_event() {
    let fleet = Fleet::with(2, 0, &[PATIENT]).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    let by_hand = ByHand::claim(&fleet, id).await;
    let mut calls = JoinSet::new();
    for number in 0..100 {
        calls.spawn(answer(by_hand.hook(fleet.base(number % 2), "welcome", id, "thumb-160", 1)));
    }
    for taken in calls.join_all().await {
        assert_eq!(taken.status, 200, "{taken:?}");
    }
    let database = fleet.database().await;
    assert_eq!(events(&database, id).await, 2, "the original and the one");
    for name in &NAMES[2..] {
        by_hand.register(name, 1).await;
    }
    by_hand.call("finish", &json!({ "fence": by_hand.fence, "verdict": "done" })).await;
    pair.see_it_ready(id).await;
    let told = names(&pair.uploader, id);
    assert_eq!(told.iter().filter(|name| *name == "thumb-160").count(), 1, "{told:?}");
}

/// All orders of these.
fn orders(of: &[u32]) -> Vec<Vec<u32>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let rest_of = |place: usize| of.iter().enumerate().filter(move |(other, _)| *other != place).map(|(_, one)| *one);
    let with_first = |(place, first): (usize, &u32)| {
        let rest: Vec<_> = rest_of(place).collect();
        orders(&rest).into_iter().map(|rest| [vec![*first], rest].concat()).collect::<Vec<_>>()
    };
    of.iter().enumerate().flat_map(with_first).collect()
}

#[tokio::test]
async fn f65_hooks_in_whatever_order_the_version_wins() {
    let fleet = Fleet::with(2, 0, &[PATIENT]).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    let by_hand = ByHand::claim(&fleet, id).await;
    let orders = orders(&[1, 2, 3, 4, 5]);
    assert_eq!(orders.len(), 120);
    let mut told = 1;
    for (number, order) in orders.iter().enumerate() {
        let mut newest = 0;
        for version in order {
            by_hand.register(&format!("order-{number}"), *version).await;
            told += usize::from(*version > newest);
            newest = newest.max(*version);
        }
    }
    let database = fleet.database().await;
    let rows = truth::rows(&database).await;
    let of_orders = rows.lines().filter(|line| line.starts_with("transcoding ") && line.contains(" order-"));
    let lines: Vec<_> = of_orders.collect();
    assert_eq!(lines.len(), 120);
    assert!(lines.iter().all(|line| line.contains(" v5 ") && line.contains(" 105 ")), "{lines:?}");
    assert_eq!(events(&database, id).await, told, "one for each that was newer than what was there");
    // Large before small: the last of them makes it ready.
    for name in NAMES[1..].iter().rev() {
        assert!(!truth::rows(&database).await.contains(" ready "), "before {name}");
        by_hand.register(name, 1).await;
    }
    by_hand.call("finish", &json!({ "fence": by_hand.fence, "verdict": "done" })).await;
    until("it is done", async || (job(&database, id).await.state == "done").then_some(())).await;
    assert!(truth::rows(&database).await.contains(" ready "));
}

#[tokio::test]
async fn f66_hooks_and_answers_that_are_lost_are_made_good_and_cost_no_attempt() {
    let mut fleet = Fleet::start(2, 0).await;
    let port = fleet.base(0).rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let proxy = Proxy::before(port);
    let url = format!("http://127.0.0.1:{}", proxy.port());
    fleet.workers.push(fleet.worker(0).setting("worker.coordinator_url", &url).start().await);
    let pair = Pair::enter(&fleet, "welcome").await;
    let database = fleet.database().await;
    // Each connection is reset at some place, often after the coordinator did what
    // it was asked and before it could say so.
    for bytes in [2_000, 2_100, 2_200, 2_300, 2_400, 2_500, 2_600, 2_700] {
        proxy.set(Fault::CutAfter(Way::Out, bytes));
        let id = pair.share(&corpus::read(corpus::SMALL)).await;
        pair.see_it_ready(id).await;
        until("the verdict is told", async || (job(&database, id).await.state == "done").then_some(())).await;
        let done = job(&database, id).await;
        assert_eq!((done.fence, done.failures), (1, 0), "{}", done.line);
        assert_eq!(events(&database, id).await, 5);
    }
    assert_eq!(fleet.stored().len(), 8 * 5);
}

#[tokio::test]
async fn f66_a_hook_that_never_comes_is_made_good_when_the_lease_is_over() {
    let mut fleet = Fleet::start(2, 0).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    // A worker that has the job and is never heard of again.
    let by_hand = ByHand::claim(&fleet, id).await;
    fleet.add_worker().await;
    pair.see_it_ready(id).await;
    let done = job(&fleet.database().await, id).await;
    assert_eq!((done.fence, done.failures), (by_hand.fence + 1, 1), "{}", done.line);
}

#[tokio::test]
async fn f67_hooks_for_what_is_not_there_change_nothing() {
    let fleet = Fleet::with(2, 0, &[PATIENT]).await;
    let pair = Pair::enter(&fleet, "welcome").await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    let by_hand = ByHand::claim(&fleet, id).await;
    let database = fleet.database().await;
    let before = truth::rows(&database).await;
    let unknown: MediaId = "0zzzzzzzzzzzz".parse().expect("an id");
    for (room, media) in [("welcome", unknown), ("other", id), ("no room", id)] {
        let room = room.replace(' ', "%20");
        let refused = answer(by_hand.hook(&by_hand.base, &room, media, "thumb-160", 1)).await;
        assert_eq!(refused.refusal(), (404, "media-not-found".to_owned()), "{room} {media}");
    }
    assert_eq!(truth::rows(&database).await, before);
    by_hand.give_up().await;
}

#[tokio::test]
async fn f68_a_worker_whose_hooks_are_refused_for_long_hands_back_what_costs_nothing() {
    let mut fleet = Fleet::with(2, 0, &[("worker.persistence_ms", "1500")]).await;
    let refuser = HookRefuser::before(fleet.base(0)).await;
    fleet.workers.push(fleet.worker(0).setting("worker.coordinator_url", &refuser.base).start().await);
    let pair = Pair::enter(&fleet, "welcome").await;
    let database = fleet.database().await;
    let id = pair.share(&corpus::read(corpus::SMALL)).await;
    // It asks more than once, hands the job back, takes it again, and so on.
    until("it has handed the job back twice", async || (job(&database, id).await.fence >= 3).then_some(())).await;
    let waiting = job(&database, id).await;
    assert_eq!((waiting.failures, waiting.deaths), (0, 0), "{}", waiting.line);
    assert!(refuser.refused() > 2 * 2, "it asks again before it hands back: {}", refuser.refused());
    refuser.relent();
    pair.see_it_ready(id).await;
    until("the verdict is told", async || (job(&database, id).await.state == "done").then_some(())).await;
    let done = job(&database, id).await;
    assert_eq!((done.failures, events(&database, id).await), (0, 5), "{}", done.line);
}
