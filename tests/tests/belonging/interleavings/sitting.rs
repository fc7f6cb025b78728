//! A session in a play: it comes, and it spends what it may without being made
//! to wait.

use super::{
    history::{Session, Span},
    schedule::Wish,
    stage::Stage,
};
use heim_tests::client::{Client, Entrance};
use serde_json::Value;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI32, Ordering},
    },
    time::Instant,
};

/// What a session may spend before heim's throttle holds its replies back, and
/// what it may ask about media before those wait: who is held back would make a
/// play last long, and show nothing more.
const TOKENS: i32 = 49;
const MEDIA_TOKENS: i32 = 31;

/// Who is to come.
#[derive(Debug)]
pub(crate) struct Comer {
    /// For people.
    pub(crate) name: String,
    pub(crate) coordinator: usize,
    /// The agent's place; none, if it is a bystander.
    pub(crate) agent: Option<usize>,
    pub(crate) wish: Wish,
    pub(crate) cookie: Option<String>,
}

/// A session that is there.
#[derive(Debug)]
pub(crate) struct Sitting {
    pub(crate) client: Client,
    pub(crate) session: Arc<Session>,
    tokens: AtomicI32,
    media_tokens: AtomicI32,
}

impl Sitting {
    /// Comes to a room.
    pub(crate) async fn take(stage: &Stage, room: &str, comer: Comer) -> Self {
        let Comer { name, coordinator, agent, wish, cookie } = comer;
        let began = Instant::now();
        let entrance = Entrance { human: true, media: wish == Wish::Aware, cookie, ..Entrance::default() };
        let nick = agent.map_or_else(|| name.clone(), |agent| format!("agent {agent}"));
        let client = stage.enter(coordinator, room, entrance, &nick).await;
        let hello = client.event("hello-event").await;
        let heard = client.heard.all();
        let snapshot = heard.iter().find(|heard| heard.kind() == "snapshot-event").expect("it was waited for");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let session = Session {
            name,
            agent,
            wish,
            joined: Span { began, ended: snapshot.at },
            asked: OnceLock::new(),
            left: OnceLock::new(),
            heard: Arc::clone(&client.heard),
            id: text(&hello["session"]["session_id"]),
            user: text(&hello["id"]),
        };
        let (tokens, media_tokens) = (AtomicI32::new(TOKENS), AtomicI32::new(MEDIA_TOKENS));
        Self { client, session: session.into(), tokens, media_tokens }
    }

    pub(crate) fn may_spend(&self, cost: i32) -> bool {
        spend(&self.tokens, cost)
    }

    pub(crate) fn may_ask_for_media(&self) -> bool {
        let may = spend(&self.media_tokens, 1);
        if may {
            self.session.asked.get_or_init(Instant::now);
        }
        may
    }
}

fn spend(purse: &AtomicI32, cost: i32) -> bool {
    let paid = purse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left >= cost).then(|| left - cost));
    paid.is_ok()
}
