//! Reads the recording: sections, steps, what was heard in each.
//!
//! The steps were made some 350 ms apart and what they cause came at once, so a
//! pause is the border between two. What came after a pause without anything
//! having been done belongs to the step before: it was held back.

use crate::cut::{self, Mender};
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};

/// A pause that separates steps.
const PAUSE: Duration = Duration::from_millis(100);
/// Between a heading and what stands under it.
const HEADING: &str = "######## ";

/// What was done.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A socket connected.
    Connect {
        /// The room.
        room: String,
        /// With `h=1`.
        human: bool,
        /// An earlier socket of the same agent.
        cookie_of: Option<String>,
    },
    /// It sent a text.
    Text(String),
    /// It closed the connection.
    Close,
}

/// Some actions of one socket, and what was heard then.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) socket: String,
    pub(crate) actions: Vec<Action>,
    /// By socket, in order. The handshake's answer and the end of a connection
    /// are packets too: `{"type":"handshake",…}` and `{"type":"closed",…}`.
    pub(crate) heard: Vec<(String, Value)>,
}

/// Steps under one heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
struct Line<'a> {
    at: Duration,
    socket: &'a str,
    what: What,
}

#[derive(Debug)]
enum What {
    Did(Action),
    Heard(Value),
}

/// All sections, in order.
pub(crate) fn read(text: &str) -> Vec<Section> {
    let mut mender = Mender::default();
    let mut agents = HashMap::new();
    let sections = text.split(HEADING).skip(1).map(|section| {
        let (title, body) = section.split_once('\n').expect("a heading ends its line");
        let mut steps = steps(lines(body, &mut mender));
        for step in &mut steps {
            reuse_cookie(step, &mut agents);
        }
        Section { title: title.trim().to_owned(), steps }
    });
    sections.collect()
}

fn lines<'a>(body: &'a str, mender: &mut Mender) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    // Connects have no time of their own: they get that of what follows.
    let mut connects = Vec::new();
    for line in body.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(connect) = line.strip_prefix("--- ") {
            connects.push(connect);
            continue;
        }
        // That there was no close frame is also said by the 1006 behind it.
        if line.ends_with(" exc no close frame received or sent") {
            continue;
        }
        let (at, rest) = line.trim_start().split_once(' ').expect("a time, and what was then");
        let at = Duration::from_secs_f64(at.parse().expect("seconds"));
        lines.extend(connects.drain(..).flat_map(|connect| connected(connect, at)));
        let (socket, rest) = rest.split_once(' ').expect("a socket, and what it did");
        let what = if let Some(text) = rest.strip_prefix("-> ") {
            vec![What::Did(Action::Text(cut::sent(text)))]
        } else if let Some(text) = rest.strip_prefix("<- ") {
            vec![What::Heard(serde_json::from_str(&mender.received(text)).expect("packets are JSON"))]
        } else {
            closed(rest)
        };
        lines.extend(what.into_iter().map(|what| Line { at, socket, what }));
    }
    lines
}

/// `B connected to testroom?h=1: HTTP 101 Set-Cookie=a=… proto=None`
fn connected(connect: &str, at: Duration) -> [Line<'_>; 2] {
    let parts = connect.split_once(" connected to ").and_then(|(socket, rest)| Some((socket, rest.split_once(": ")?)));
    let (socket, (target, answer)) = parts.expect("a socket, a room, an answer");
    let (room, query) = target.split_once('?').unwrap_or((target, ""));
    let [http, status, cookie, protocol] =
        answer.split(' ').collect::<Vec<_>>().try_into().expect("an answer of four words");
    assert_eq!((http, protocol), ("HTTP", "proto=None"), "{connect}");
    let cookie = cookie.split('=').nth(1).expect("a cookie has a name");
    let status: u16 = status.parse().expect("a status is a number");
    let action = Action::Connect { room: room.to_owned(), human: query == "h=1", cookie_of: None };
    let answer = json!({ "type": "handshake", "status": status, "cookie": cookie, "protocol": null });
    [What::Did(action), What::Heard(answer)].map(|what| Line { at, socket, what })
}

/// `CLOSED (1000, '')` by the client, or `CLOSED (<CloseCode.ABNORMAL_CLOSURE:
/// 1006>, '')` by the server.
fn closed(rest: &str) -> Vec<What> {
    let heard = |code| What::Heard(json!({ "type": "closed", "code": code }));
    match rest {
        "CLOSED (1000, '')" => vec![What::Did(Action::Close), heard(1000)],
        "CLOSED (<CloseCode.ABNORMAL_CLOSURE: 1006>, '')" => vec![heard(1006)],
        _ => panic!("neither sent nor received nor closed: {rest}"),
    }
}

fn steps(lines: Vec<Line<'_>>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut group: Vec<Line<'_>> = Vec::new();
    for line in lines {
        if group.last().is_some_and(|last| line.at > last.at + PAUSE) {
            add(std::mem::take(&mut group), &mut steps);
        }
        group.push(line);
    }
    add(group, &mut steps);
    steps
}

/// What was done and heard between two pauses: a step for each socket that
/// connected, and one for what was done beside.
fn add(group: Vec<Line<'_>>, steps: &mut Vec<Step>) {
    let (did, heard): (Vec<_>, Vec<_>) = group.into_iter().partition(|line| matches!(line.what, What::Did(_)));
    // Which step it is that a socket enters in, until its handshake is over.
    let mut entering = HashMap::new();
    let before = steps.len();
    for Line { socket, what, .. } in did {
        let What::Did(action) = what else { continue };
        if matches!(action, Action::Connect { .. }) {
            entering.insert(socket, steps.len());
        }
        match steps.get_mut(before..).and_then(<[Step]>::last_mut) {
            Some(step) if matches!(action, Action::Text(_)) && step.socket == socket => step.actions.push(action),
            _ => steps.push(Step { socket: socket.to_owned(), actions: vec![action], heard: Vec::new() }),
        }
    }
    for Line { socket, what, .. } in heard {
        let What::Heard(packet) = what else { continue };
        let last = steps.len() - 1;
        let step = entering.get(socket).copied().unwrap_or(last);
        if packet["type"] == "snapshot-event" || packet["type"] == "bounce-event" {
            entering.remove(socket);
        }
        steps[step].heard.push((socket.to_owned(), packet));
    }
}

/// A session id begins with its agent. Whoever has the agent of an earlier
/// socket came with its cookie.
fn reuse_cookie(step: &mut Step, agents: &mut HashMap<String, String>) {
    let [Action::Connect { cookie_of, .. }] = step.actions.as_mut_slice() else { return };
    let hello = step.heard.iter().find(|(_, packet)| packet["type"] == "hello-event").map(|(_, packet)| packet);
    let session = hello.and_then(|hello| hello["data"]["session"]["session_id"].as_str()).expect("a hello");
    let agent = session.split('-').next().unwrap_or_default();
    *cookie_of = agents.get(agent).cloned();
    agents.entry(agent.to_owned()).or_insert_with(|| step.socket.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RECORDING;

    #[test]
    fn nothing_in_the_recording_is_left_out() {
        let lines = |sign: &str| RECORDING.lines().filter(|line| line.contains(sign)).count();
        let steps: Vec<_> = read(RECORDING).into_iter().flat_map(|section| section.steps).collect();
        let did = |is: fn(&Action) -> bool| steps.iter().flat_map(|step| &step.actions).filter(|&did| is(did)).count();
        assert_eq!(did(|did| matches!(did, Action::Connect { .. })), lines("--- "));
        assert_eq!(did(|did| matches!(did, Action::Text(_))), lines(" -> "));
        assert_eq!(did(|did| matches!(did, Action::Close)), lines(" CLOSED (1000"));
        let heard: usize = steps.iter().map(|step| step.heard.len()).sum();
        assert_eq!(heard, lines(" <- ") + lines(" CLOSED ") + lines("--- "), "the handshakes and ends are heard too");
    }

    #[test]
    fn what_was_held_back_belongs_to_what_asked_for_it() {
        let sections = read(RECORDING);
        let flood = &sections.last().expect("there are sections").steps;
        let numbers: Vec<_> = flood.iter().map(|step| (step.actions.len(), step.heard.len())).collect();
        assert_eq!(numbers, [(1, 4), (1, 1), (24, 16)], "a handshake, a nick, a flood and its end");
    }

    #[test]
    fn agents_come_back_with_their_cookies() {
        let steps = read(RECORDING).into_iter().flat_map(|section| section.steps);
        let back = steps.filter_map(|step| match step.actions.into_iter().next()? {
            Action::Connect { cookie_of: Some(other), .. } => Some((step.socket, other)),
            _ => None,
        });
        let back: Vec<_> = back.collect();
        let expected = [("B2", "B"), ("M2", "M"), ("V", "M")].map(|(socket, other)| (socket.into(), other.into()));
        assert_eq!(back, expected);
    }
}
