//! What is to be done and heard on our server: the recording, with the
//! differences in its course.
//!
//! A difference that does not find its place in the recording fails here.

use crate::{
    difference::{Change, Course},
    recording::{Action, Section, Step},
};
use serde_json::Value;

/// What is done.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// As in the recording.
    Recorded(Action),
    /// This text is sent besides, for this reason.
    Besides(&'static str, &'static str),
    /// The connection is closed, for this reason.
    Close(&'static str),
    /// The API makes this agent a manager of a room, for this reason.
    Manager { of: &'static str, room: &'static str, why: &'static str },
}

/// What is heard.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// On both servers.
    Both(Value),
    /// Only on heim, for this reason.
    Heim(Value, &'static str),
    /// Only on ours, for this reason.
    Ours(Value, &'static str),
}

/// Some acts of one socket, and what is heard then, by socket.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) socket: String,
    pub(crate) acts: Vec<Act>,
    pub(crate) expected: Vec<(String, Expected)>,
}

/// The stages of a section.
pub(crate) fn plan(section: &Section, courses: &[Course]) -> Vec<Stage> {
    let mut stages: Vec<_> = section.steps.iter().map(stage).collect();
    for course in courses.iter().filter(|course| course.section == section.title) {
        let place = position(&stages, course.at);
        apply(&course.change, course.why, place, &mut stages);
    }
    stages
}

fn stage(step: &Step) -> Stage {
    let Step { socket, actions, heard } = step.clone();
    let expected = heard.into_iter().map(|(socket, packet)| (socket, Expected::Both(packet))).collect();
    Stage { socket, acts: actions.into_iter().map(Act::Recorded).collect(), expected }
}

fn apply(change: &Change, why: &'static str, place: usize, stages: &mut Vec<Stage>) {
    let stage = &mut stages[place];
    match *change {
        Change::Unsent { to, packet } => {
            let unsent = find(stage, to, packet);
            stage.expected[unsent].1 = only_heims(&stage.expected[unsent].1, why);
        }
        Change::Open { of } => {
            let end = find(stage, of, "closed");
            let mut rest = stage.expected.split_off(end);
            stage.expected.push((of.to_owned(), only_heims(&rest[0].1, why)));
            rest.splice(0..1, ours(of, &[r#"{"type":"closed","code":1000}"#], why));
            let closing = Stage { socket: of.to_owned(), acts: vec![Act::Close(why)], expected: rest };
            stages.insert(place + 1, closing);
        }
        Change::Manager { of, room } => stage.acts.insert(0, Act::Manager { of, room, why }),
        Change::Detour { instead_of, hears, sends, then } => {
            let socket = stage.socket.clone();
            let mut rest = stage.expected.split_off(find(stage, &socket, instead_of));
            // Others are told at the end of the detour, even if heim told them first.
            let told: Vec<_> = stage.expected.extract_if(.., |(to, _)| *to != socket).collect();
            rest.splice(0..0, told);
            rest.splice(0..0, ours(&socket, then, why));
            stage.expected.extend(ours(&socket, hears, why));
            stages.insert(place + 1, Stage { socket, acts: vec![Act::Besides(sends, why)], expected: rest });
        }
    }
}

fn ours(to: &str, packets: &[&str], why: &'static str) -> Vec<(String, Expected)> {
    let packet = |text: &&str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    packets.iter().map(|text| (to.to_owned(), Expected::Ours(packet(text), why))).collect()
}

fn only_heims(expected: &Expected, why: &'static str) -> Expected {
    let Expected::Both(packet) = expected else { panic!("listed twice: {expected:?}") };
    Expected::Heim(packet.clone(), why)
}

/// Where in a stage a socket hears a packet of this type for the first time.
fn find(stage: &Stage, to: &str, kind: &str) -> usize {
    let found = stage.expected.iter().position(|(socket, expected)| socket == to && is(expected, kind));
    found.unwrap_or_else(|| panic!("{to} does not hear {kind} there"))
}

fn is(expected: &Expected, kind: &str) -> bool {
    let (Expected::Both(packet) | Expected::Heim(packet, _) | Expected::Ours(packet, _)) = expected;
    packet["type"] == kind
}

/// The stage in which a socket does something.
fn position(stages: &[Stage], what: &str) -> usize {
    let (socket, deed) = what.split_once(' ').expect("a socket, and what it does");
    let is_it = |act: &Act| match act {
        Act::Recorded(Action::Connect { .. }) => deed == "connects",
        Act::Recorded(Action::Text(text)) => {
            serde_json::from_str::<Value>(text).is_ok_and(|packet| packet["id"] == deed)
        }
        _ => false,
    };
    let found = stages.iter().position(|stage| stage.socket == socket && stage.acts.iter().any(is_it));
    found.unwrap_or_else(|| panic!("the recording does not have: {what}"))
}
