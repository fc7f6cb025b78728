//! Sessions that lose their coordinator, or are moved to another, and go on: what
//! each has heard is compared with the rows.

use futures_util::future::join_all;
use heim_common::media::MediaState;
use heim_tests::{
    balancer::Balancer,
    client::{Client, Entrance},
    fleet::Fleet,
    ledger::together::{Known, Told},
    load::bmp,
    packets::subject,
    sharing::{NAMES, finished, share_accepted},
    until::within,
    usage::cpu,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Sessions in a room.
const CROWD: usize = 30;
/// What is said in each room.
const SAID: usize = 12;
/// How many of these show a picture.
const SHOWN: usize = SAID / 4;
const LAST: &str = "that is all";

/// News of which pub/sub has lost something are brought from the rows every two seconds.
const LATE_MAX: Duration = Duration::from_secs(10);

/// How many sessions lose their coordinator: 10,000 is what a coordinator is
/// meant for, and more than a test on a small machine can hold up beside others.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn sessions() -> usize {
    std::env::var("HEIM_MEDIA_SESSIONS").map_or(300, |text| text.parse().expect("a number"))
}

/// A client that comes back whenever its connection ends, and what it heard by
/// each connection.
struct Follower {
    room: String,
    lives: Vec<Client>,
}

impl Follower {
    async fn new(base: &str, room: &str) -> Self {
        Self { room: room.to_owned(), lives: vec![Client::join(base, room, Entrance::aware()).await] }
    }

    /// Listens until the last message of the room is heard.
    async fn follow(&mut self, back_to: &str) {
        loop {
            let client = self.lives.last().expect("it was connected");
            let last = |heard: &[heim_tests::packets::Heard]| {
                let mut messages = heard.iter().flat_map(|heard| messages_in(heard.kind(), heard.data()));
                messages.any(|message| message["content"] == LAST).then_some(())
            };
            if client.heard.wait_for_or_end("the last message", last).await.is_ok() {
                return;
            }
            within(
                "a way back",
                Box::pin(async {
                    loop {
                        if let Ok(client) = Client::try_connect(back_to, &self.room, Entrance::aware()).await {
                            self.lives.push(client);
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }),
            )
            .await;
        }
    }

    /// Checks that no connection told a message or a media event twice, and that all
    /// of them together told each message that there is, and what became of each
    /// picture. News of a picture may be late.
    async fn assert_heard(&self, room: &Told) {
        let began = Instant::now();
        loop {
            let mut known = Known::default();
            for heard in self.lives.iter().flat_map(|life| life.heard.all()) {
                known.hear(&heard.packet);
            }
            assert!(room.messages.is_superset(&known.told().messages), "it was told what there is not");
            let missed = known.misses(room);
            if missed.is_empty() {
                break;
            }
            let count = self.lives.len();
            assert!(began.elapsed() < LATE_MAX, "{}: {count} connections have missed {missed:?}", self.room);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for life in &self.lives {
            let (mut messages, mut events) = (BTreeSet::new(), BTreeSet::new());
            for heard in life.heard.all() {
                for message in messages_in(heard.kind(), heard.data()) {
                    let id = message["id"].as_str().expect("messages have ids").to_owned();
                    assert!(messages.insert(id.clone()), "{id} was told twice by one connection");
                }
                if let Some(event) = heard.media_event() {
                    let (id, name) = subject(&event);
                    assert!(events.insert((id, name.to_owned())), "{id}/{name} was told twice by one connection");
                }
            }
        }
    }
}

/// The messages that a packet tells of for the first time.
fn messages_in<'a>(kind: &str, data: &'a Value) -> Vec<&'a Value> {
    match kind {
        "snapshot-event" => data["log"].as_array().expect("a snapshot has a log").iter().collect(),
        "send-event" => vec![data],
        _ => Vec::new(),
    }
}

/// Says things in a room, one after the other, and shares a picture among them.
async fn speak(speaker: &Client, number: u32) {
    let mut pictures = Vec::new();
    for count in 0..u32::try_from(SAID).expect("it is not that much") {
        if count % 4 == 1 {
            pictures.push(share_accepted(speaker, bmp(number * 100 + count)).await);
        } else {
            speaker.send(&format!("{number}: {count}"), &[]).await;
        }
    }
    for picture in pictures {
        assert_eq!(finished(speaker, picture).await.state, MediaState::Ready);
    }
    speaker.send(LAST, &[]).await;
}

/// Crowds in several rooms at one address, and somebody who speaks in each, at
/// another; in the middle of it `lose` takes the crowds' connections away.
async fn resume(speak_at: &str, follow_at: &str, back_to: &str, sessions: usize, lose: impl Future<Output = ()>) {
    let rooms: Vec<_> = (0..sessions.div_ceil(CROWD)).map(|number| format!("room{number}")).collect();
    let crowd = rooms.iter().flat_map(|room| std::iter::repeat_n(room, CROWD)).take(sessions);
    let mut followers = join_all(crowd.map(|room| Follower::new(follow_at, room))).await;
    let speakers = join_all(rooms.iter().map(|room| Client::enter(speak_at, room, Entrance::aware(), "eve"))).await;
    let speaking = join_all(speakers.iter().zip(0..).map(|(speaker, number)| speak(speaker, number)));
    let losing = async {
        let one = &followers[0].lives[0];
        one.heard
            .wait_for("some of it", |heard| {
                (heard.iter().filter(|h| h.kind() == "send-event").count() >= 3).then_some(())
            })
            .await;
        lose.await;
    };
    tokio::join!(speaking, losing);
    join_all(followers.iter_mut().map(|follower| follower.follow(back_to))).await;
    for (room, speaker) in rooms.iter().zip(&speakers) {
        let log = speaker.command("log", json!({ "n": 1000 })).await;
        let mut all = Known::default();
        all.hear(&json!({ "type": "log-reply", "data": log }));
        let all = all.told();
        assert_eq!((all.messages.len(), all.media.len()), (SAID + 1, SHOWN * NAMES.len()));
        for follower in followers.iter().filter(|follower| follower.room == *room) {
            follower.assert_heard(all).await;
            assert!(follower.lives.len() >= 2, "it was never moved");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f70_sessions_of_a_coordinator_that_is_killed_go_on_at_another_and_miss_nothing() {
    heim_runtime::open_files::raise();
    // All of them come from one address.
    let mut fleet = Fleet::with(2, 1, &[("limits.connections_per_ip", "0")]).await;
    let (doomed, other) = (fleet.base(0).to_owned(), fleet.base(1).to_owned());
    // The worker speaks to the one that is to live.
    fleet.workers[0].terminate();
    fleet.workers[0].ended().await;
    fleet.workers[0] = fleet.worker(1).start().await;
    let [killed, survivor] = fleet.coordinators.as_mut_slice() else { panic!("there are two") };
    let (pid, mut since) = (survivor.pid(), None);
    let kill = async {
        killed.kill9().await;
        since = Some((Instant::now(), cpu(pid)));
    };
    resume(&other, &doomed, &other, sessions(), kill).await;
    let (killed, before) = since.expect("it was killed");
    let (took, used) = (killed.elapsed(), cpu(pid).saturating_sub(before));
    println!("f70: {} sessions are back and have heard all {took:?} after the kill; {used:?} of CPU", sessions());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_sessions_that_a_stopping_coordinator_sends_away_miss_nothing() {
    let mut fleet = Fleet::start(2, 1).await;
    let (going, other) = (fleet.base(1).to_owned(), fleet.base(0).to_owned());
    let stopped = &mut fleet.coordinators[1];
    let stop = async {
        stopped.terminate();
        assert!(stopped.ended().await.success(), "{}", stopped.log());
    };
    resume(&other, &going, &other, 60, stop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f71_sessions_that_a_balancer_moves_miss_nothing() {
    let fleet = Fleet::start(2, 1).await;
    let balancer = Balancer::before(&[fleet.base(0), fleet.base(1)]);
    let base = balancer.base();
    let moved = async { balancer.move_all() };
    // Some of the crowd are with the one, some with the other.
    resume(fleet.base(1), &base, &base, 60, moved).await;
}
