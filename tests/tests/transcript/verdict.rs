//! Runs a part of the recording, and says whether it went as it should.

use crate::{
    compare,
    difference::Differences,
    names::Names,
    plan::{Act, Expected, Stage, plan},
    recording::{Action, Section},
    replay::{Replay, pause},
    snapshot::{self, Snapshot},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What is seen so far.
#[derive(Debug)]
struct Verdict<'a> {
    differences: &'a Differences,
    heim: Names,
    ours: Names,
    snapshot: Snapshot,
    /// How often each listed field differs.
    found: Vec<usize>,
    unlisted: Vec<String>,
}

/// Makes the steps, compares what is heard, and compares the text of it all with
/// the one that is kept.
pub(crate) async fn check(file: &str, sections: &[Section], differences: &Differences, mut replay: Replay) {
    let (heim, ours, snapshot) = (Names::default(), Names::default(), Snapshot::new());
    let found = vec![0; differences.fields.len()];
    let mut verdict = Verdict { differences, heim, ours, snapshot, found, unlisted: Vec::new() };
    for section in sections {
        verdict.snapshot.section(&section.title);
        for stage in plan(section, differences.courses) {
            pause().await;
            verdict.stage(&stage, &mut replay).await;
        }
    }
    verdict.conclude(file, sections);
}

impl Verdict<'_> {
    async fn stage(&mut self, stage: &Stage, replay: &mut Replay) {
        for act in &stage.acts {
            let text = match act {
                Act::Recorded(Action::Text(text)) => self.heim.sent(text),
                Act::Besides(text, _) => self.heim.sent(text),
                _ => String::new(),
            };
            self.ours.sent(&text);
            self.snapshot.act(&stage.socket, act, &text);
            replay.act(&stage.socket, act, &self.heim, &self.ours).await;
        }
        let mut expected: BTreeMap<&str, Vec<&Expected>> = BTreeMap::new();
        for (socket, packet) in &stage.expected {
            expected.entry(socket).or_default().push(packet);
        }
        let awaited = expected.iter().map(|(socket, packets)| {
            let packets = packets.iter().filter_map(|packet| match packet {
                Expected::Both(packet) | Expected::Ours(packet, _) => Some(packet),
                Expected::Heim(..) => None,
            });
            ((*socket).to_owned(), packets.collect())
        });
        let heard = replay.heard(&awaited.collect()).await;
        // Who did something comes first, then the others by name.
        let mut sockets: Vec<_> = expected
            .keys()
            .copied()
            .chain(heard.keys().map(String::as_str))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        sockets.sort_by_key(|socket| *socket != stage.socket);
        for socket in sockets {
            let expected = expected.get(socket).map(Vec::as_slice).unwrap_or_default();
            self.socket(socket, expected, heard.get(socket).map(Vec::as_slice).unwrap_or_default());
        }
    }

    fn socket(&mut self, socket: &str, expected: &[&Expected], heard: &[Value]) {
        let mut heard = heard.iter();
        for expected in expected {
            let (expected, heim) = match expected {
                Expected::Both(packet) => {
                    let packet = self.heim.packet(packet);
                    (Expected::Both(packet.clone()), packet)
                }
                Expected::Heim(packet, why) => {
                    let packet = Expected::Heim(self.heim.packet(packet), why);
                    self.snapshot.heard(socket, &packet, None);
                    continue;
                }
                Expected::Ours(packet, why) => (Expected::Ours(packet.clone(), why), packet.clone()),
            };
            let ours = heard.next().map(|packet| self.ours.packet(packet));
            self.snapshot.heard(socket, &expected, ours.as_ref());
            match ours {
                Some(ours) => self.packet(socket, &heim, &ours),
                None => self.unlisted.push(format!("{socket} does not hear {heim}")),
            }
        }
        for packet in heard {
            let packet = self.ours.packet(packet);
            self.snapshot.surplus(socket, &packet);
            self.unlisted.push(format!("{socket} also hears {packet}"));
        }
    }

    fn packet(&mut self, socket: &str, heim: &Value, ours: &Value) {
        for place in compare::places(heim, ours) {
            let listed = self.differences.fields.iter().position(|field| field.is(&place));
            let why = if let Some(listed) = listed {
                self.found[listed] += 1;
                self.differences.fields[listed].why
            } else {
                let [heim, ours] = [&place.heim, &place.ours].map(|value| snapshot::value(value.as_ref()));
                self.unlisted.push(format!("{socket} {}{}: heim {heim}, ours {ours}", place.packet, place.path));
                "NOT LISTED"
            };
            self.snapshot.differs(&place.path, place.heim.as_ref(), why);
        }
    }

    fn conclude(self, file: &str, sections: &[Section]) {
        let Self { differences, found, unlisted, snapshot, .. } = self;
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/transcript").join(file);
        let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        let text = snapshot.with_reasons(differences);
        fs::write(&written, &text).expect("a file can be written for the reader of this failure");
        let shown = written.display();
        assert!(unlisted.is_empty(), "not listed:\n{}\nall of it is in {shown}", unlisted.join("\n"));
        for (field, found) in differences.fields.iter().zip(found) {
            assert_eq!(found, field.times, "{field:?} is not what differs any more");
        }
        for course in differences.courses {
            assert!(sections.iter().any(|section| section.title == course.section), "{course:?} is in no section");
        }
        let reasons: BTreeSet<_> = differences.reasons.iter().map(|(key, _)| *key).collect();
        let fields = differences.fields.iter().map(|field| field.why);
        let used: BTreeSet<_> = fields.chain(differences.courses.iter().map(|course| course.why)).collect();
        assert_eq!(used, reasons, "the keys that are used, and those that have a reason");
        let same = fs::read_to_string(&kept).is_ok_and(|kept| kept == text);
        assert!(same, "another text than is kept. If it is right: cp {shown} {}", kept.display());
    }
}
