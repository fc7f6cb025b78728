//! Does on our server what the recording says, and hears what comes.

use crate::{names::Names, plan::Act, recording::Action};
use heim_tests::{
    client::{Client, Entrance},
    packets::{Ending, Heard},
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Between two steps, which are some 350 ms apart in the recording. Nothing that
/// is asserted is waited for by it: the throttle goes by the clock, and whoever
/// made all steps at once would be slowed down where the recorded clients were not.
const PAUSE: Duration = Duration::from_millis(150);
/// Ids of pings that only show that everything before them has been heard.
const MARK: &str = "mark ";

/// Sockets to one server.
#[derive(Debug)]
pub(crate) struct Replay {
    base: String,
    token: &'static str,
    sockets: HashMap<String, Socket>,
    cookies: HashMap<String, String>,
    marks: u32,
}

#[derive(Debug)]
struct Socket {
    client: Client,
    /// How many of its packets were looked at.
    seen: usize,
    /// What was answered to its handshake, until that was looked at.
    handshake: Option<Value>,
}

impl Replay {
    pub(crate) fn new(base: &str, token: &'static str) -> Self {
        let (sockets, cookies) = (HashMap::new(), HashMap::new());
        Self { base: base.to_owned(), token, sockets, cookies, marks: 0 }
    }

    /// Makes a private room.
    pub(crate) async fn private_room(&self, room: &str, passcode: &str) {
        let body = json!({ "private": true, "passcode": passcode });
        let url = format!("{}/api/v1/rooms/{room}", self.base);
        let answer = answer(Web::default().request(Method::PUT, &url).bearer_auth(self.token).json(&body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// Does one thing. Ids in what is sent are those that our server gave to
    /// what the recording means.
    pub(crate) async fn act(&mut self, socket: &str, act: &Act, heim: &Names, ours: &Names) {
        match act {
            Act::Recorded(Action::Connect { room, human, cookie_of }) => {
                self.connect(socket, room, *human, cookie_of.as_deref()).await;
            }
            Act::Recorded(Action::Text(text)) => self.text(socket, &heim.translate(text, ours)).await,
            Act::Besides(text, _) => self.text(socket, text).await,
            Act::Recorded(Action::Close) | Act::Close(_) => self.close(socket).await,
            Act::Manager { of, room, .. } => {
                let url = format!("{}/api/v1/rooms/{room}/managers/{}", self.base, ours.id(of));
                let answer = answer(Web::default().request(Method::PUT, &url).bearer_auth(self.token)).await;
                assert_eq!(answer.status, 204, "{answer:?}");
            }
        }
    }

    /// Waits until each of these sockets has heard as much as it shall, and
    /// returns all that was heard by anybody since the last time.
    pub(crate) async fn heard(&mut self, expected: &HashMap<String, Vec<&Value>>) -> HashMap<String, Vec<Value>> {
        for (name, packets) in expected {
            let closed = packets.iter().any(|packet| packet["type"] == "closed");
            let count = packets.iter().filter(|packet| packet["type"] != "handshake").count();
            let socket = self.socket(name);
            if closed {
                socket.client.heard.ending().await;
            } else {
                let (what, end) = (format!("{name} hears {packets:?}"), socket.seen + count);
                socket.client.heard.wait_for(&what, |heard| (unmarked(heard).len() >= end).then_some(())).await;
            }
        }
        let open = self.sockets.keys().filter(|name| !is_closed(expected.get(*name)));
        for name in open.cloned().collect::<Vec<_>>() {
            self.mark(&name).await;
        }
        let mut all = HashMap::new();
        for name in self.sockets.keys().cloned().collect::<Vec<_>>() {
            let closed = is_closed(expected.get(&name));
            let socket = self.sockets.get_mut(&name).expect("it was just there");
            let mut packets: Vec<_> = socket.handshake.take().into_iter().collect();
            let heard = unmarked(&socket.client.heard.all());
            packets.extend(heard[socket.seen..].iter().cloned());
            socket.seen = heard.len();
            if closed {
                packets.push(ending(socket.client.heard.ending().await));
                self.sockets.remove(&name);
            }
            all.insert(name, packets);
        }
        all
    }

    async fn connect(&mut self, name: &str, room: &str, human: bool, cookie_of: Option<&str>) {
        let cookie = cookie_of.map(|other| self.cookies[other].clone());
        let entrance = Entrance { human, cookie, silent: true, ..Entrance::default() };
        let client = Client::connect(&self.base, room, entrance).await.unwrap_or_else(|refused| panic!("{refused:?}"));
        let cookie = client.cookie();
        let protocol = client.handshake.get("sec-websocket-protocol").map(|name| name.to_str().expect("text"));
        let cookie_name = cookie.split('=').next();
        let handshake = json!({ "type": "handshake", "status": 101, "cookie": cookie_name, "protocol": protocol });
        self.cookies.insert(name.to_owned(), cookie);
        self.sockets.insert(name.to_owned(), Socket { client, seen: 0, handshake: Some(handshake) });
    }

    async fn text(&self, socket: &str, text: &str) {
        assert!(self.socket(socket).client.text(text).await, "{socket} is gone before {text:.200}");
    }

    async fn close(&self, socket: &str) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        assert!(self.socket(socket).client.frame(Message::Close(Some(frame))).await, "{socket} is gone already");
    }

    /// Replies come in order, so the reply to a ping comes behind all others.
    async fn mark(&mut self, name: &str) {
        self.marks += 1;
        let id = format!("{MARK}{}", self.marks);
        self.text(name, &json!({ "id": id, "type": "ping", "data": { "time": 0 } }).to_string()).await;
        let is_there = |heard: &[Heard]| heard.iter().any(|heard| heard.packet["id"] == id).then_some(());
        self.socket(name).client.heard.wait_for(&id, is_there).await;
    }

    fn socket(&self, name: &str) -> &Socket {
        self.sockets.get(name).unwrap_or_else(|| panic!("{name} is not connected"))
    }
}

/// Keeps the pace of somebody who tries one thing after the other.
pub(crate) async fn pause() {
    sleep(PAUSE).await;
}

fn is_closed(expected: Option<&Vec<&Value>>) -> bool {
    expected.is_some_and(|packets| packets.iter().any(|packet| packet["type"] == "closed"))
}

fn unmarked(heard: &[Heard]) -> Vec<Value> {
    let is_mark = |packet: &Value| packet["id"].as_str().is_some_and(|id| id.starts_with(MARK));
    heard.iter().map(|heard| heard.packet.clone()).filter(|packet| !is_mark(packet)).collect()
}

fn ending(ending: Ending) -> Value {
    let code = match ending {
        Ending::Closed(code) => code,
        Ending::Cut => Some(1006),
    };
    json!({ "type": "closed", "code": code })
}
