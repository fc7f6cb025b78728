//! What clients were told, held against what is there.

use super::{
    Entry,
    together::{self, Told},
};
use crate::packets::{Heard, subject};
use heim_common::{
    MediaId, MessageId,
    media::{MediaObject, MediaState},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Instant,
};

/// What is there at the end.
#[derive(Debug, Default)]
pub struct Kept {
    /// The media objects that clients know of.
    pub media: BTreeMap<MediaId, MediaObject>,
    /// All events: the object and the transcoding's name.
    pub events: Vec<(MediaId, String)>,
    /// All messages.
    pub messages: BTreeSet<MessageId>,
    /// What each room was told.
    pub rooms: BTreeMap<String, Told>,
    /// Keys of transcodings whose object the store does not have.
    pub without_object: Vec<String>,
}

/// What is wrong: nothing, where all three are empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Was promised and is not there.
    pub lost: Vec<String>,
    /// Is there, or was told, more than once.
    pub doubled: Vec<String>,
    /// Has not ended.
    pub stuck: Vec<String>,
    /// Uploads that were accepted.
    pub accepted: usize,
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.stuck.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, stuck, accepted } = self;
        write!(f, "{accepted} accepted: {} lost, {} doubled, {} stuck", lost.len(), doubled.len(), stuck.len())?;
        for (word, list) in [("lost", lost), ("doubled", doubled), ("stuck", stuck)] {
            for one in list {
                write!(f, "\n  {word}: {one}")?;
            }
        }
        Ok(())
    }
}

/// Holds a ledger against what is there.
#[must_use]
pub fn judge(entries: &[Entry], kept: &Kept) -> Verdict {
    let mut verdict = Verdict { lost: kept.without_object.clone(), ..Verdict::default() };
    uploads(entries, kept, &mut verdict);
    for entry in entries {
        if let Entry::Said { message } = entry
            && !kept.messages.contains(message)
        {
            verdict.lost.push(format!("the message {message}"));
        }
    }
    events(kept, &mut verdict);
    sockets(entries, &mut verdict);
    verdict.lost.extend(together::missed(entries, &kept.rooms));
    verdict
}

fn uploads(entries: &[Entry], kept: &Kept, verdict: &mut Verdict) {
    let (mut sent, mut back, mut accepted) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for entry in entries {
        match entry {
            Entry::Begun { media, sha256 } => {
                sent.insert(*media, sha256);
            }
            Entry::ReadBack { media, sha256 } => {
                back.insert(*media, sha256.as_ref());
            }
            Entry::Answered { media, accepted: true, .. } => {
                accepted.insert(*media);
            }
            _ => {}
        }
    }
    verdict.accepted = accepted.len();
    for id in accepted {
        let Some(media) = kept.media.get(&id).filter(|media| media.uploaded.is_some()) else {
            verdict.lost.push(format!("{id}, accepted and not there"));
            continue;
        };
        if back.get(&id).copied().flatten() != sent.get(&id).copied() {
            verdict.lost.push(format!("{id}, accepted and not what was uploaded: {:?}", back.get(&id)));
        }
        let is_over = match media.state {
            MediaState::Ready => media.failure.is_none(),
            MediaState::Failed => media.failure.is_some(),
            MediaState::Created | MediaState::Uploaded => false,
        };
        if !is_over {
            verdict.stuck.push(format!("{id}: {:?}, {:?}", media.state, media.failure));
        }
    }
}

/// One for each transcoding that is there, and none twice.
fn events(kept: &Kept, verdict: &mut Verdict) {
    let mut told: BTreeMap<(MediaId, &str), usize> = BTreeMap::new();
    for (id, name) in &kept.events {
        *told.entry((*id, name)).or_default() += 1;
    }
    for ((id, name), times) in &told {
        if *times > 1 {
            verdict.doubled.push(format!("the event {id}/{name}, {times} times"));
        }
    }
    for media in kept.media.values() {
        for transcoding in &media.transcodings {
            if !told.contains_key(&(media.id, transcoding.name.as_str())) {
                verdict.lost.push(format!("the event {}/{}", media.id, transcoding.name));
            }
        }
    }
}

/// No connection hears of one thing twice.
fn sockets(entries: &[Entry], verdict: &mut Verdict) {
    let mut heard: BTreeMap<(u64, String), usize> = BTreeMap::new();
    for entry in entries {
        let Entry::Heard { socket, packet } = entry else { continue };
        let packet = Heard { at: Instant::now(), packet: packet.clone() };
        let what = match (packet.kind(), packet.media_event()) {
            (_, Some(event)) => {
                let (id, name) = subject(&event);
                format!("{id}/{name}")
            }
            ("send-event", None) => format!("the message {}", packet.data()["id"]),
            _ => continue,
        };
        *heard.entry((*socket, what)).or_default() += 1;
    }
    for ((socket, what), times) in heard {
        if times > 1 {
            verdict.doubled.push(format!("connection {socket} heard of {what} {times} times"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::{
        Millis, Snowflake, UserId,
        key::ObjectKey,
        media::{Transcoding, Uploader},
    };
    use serde_json::json;

    const ID: MediaId = MediaId(Snowflake(7));

    fn object(state: MediaState) -> MediaObject {
        let name: heim_common::spec::TranscodingName = "original".parse().expect("a name");
        let original = Transcoding {
            key: ObjectKey::original(ID, Snowflake(8)),
            name,
            version: 0,
            content_type: "image/bmp".to_owned(),
            size: 3,
            width: None,
            height: None,
        };
        let (name, server_id, server_era) = ("ana".to_owned(), "a".to_owned(), "b".to_owned());
        MediaObject {
            id: ID,
            room: "one".parse().expect("a room"),
            uploader: Uploader { id: UserId::from_stored("agent:ana".to_owned()), name, server_id, server_era },
            created: Millis(1),
            uploaded: Some(Millis(2)),
            state,
            failure: None,
            content_type: None,
            size: None,
            width: None,
            height: None,
            placeholder: None,
            color: None,
            frames: None,
            alpha: None,
            encryption: None,
            transcodings: vec![original],
            seq: 1,
        }
    }

    fn heard(socket: u64) -> Entry {
        let data = json!({ "media_id": ID, "name": "original", "error": "x", "state": "failed" });
        Entry::Heard { socket, packet: json!({ "type": "media-upload-event", "data": data }) }
    }

    fn joined(socket: u64) -> Entry {
        Entry::Joined { client: socket, room: "one".to_owned(), socket }
    }

    /// Of an upload that went as it should.
    fn good() -> (Vec<Entry>, Kept) {
        let sha = "abc".to_owned();
        let entries = vec![
            joined(1),
            joined(2),
            Entry::Begun { media: ID, sha256: sha.clone() },
            Entry::Answered { media: ID, status: Some(201), accepted: true },
            Entry::Said { message: MessageId(Snowflake(9)) },
            heard(1),
            heard(2),
            Entry::ReadBack { media: ID, sha256: Some(sha) },
        ];
        let kept = Kept {
            media: BTreeMap::from([(ID, object(MediaState::Ready))]),
            events: vec![(ID, "original".to_owned())],
            messages: BTreeSet::from([MessageId(Snowflake(9))]),
            rooms: BTreeMap::from([(
                "one".to_owned(),
                Told { messages: BTreeSet::new(), media: BTreeSet::from([(ID, "original".to_owned())]) },
            )]),
            ..Kept::default()
        };
        (entries, kept)
    }

    fn counts(entries: &[Entry], kept: &Kept) -> (usize, usize, usize) {
        let verdict = judge(entries, kept);
        assert_eq!(
            verdict.is_clean(),
            verdict.lost.is_empty() && verdict.doubled.is_empty() && verdict.stuck.is_empty()
        );
        (verdict.lost.len(), verdict.doubled.len(), verdict.stuck.len())
    }

    #[test]
    fn what_went_well_is_clean() {
        let (entries, kept) = good();
        assert_eq!(counts(&entries, &kept), (0, 0, 0));
    }

    #[test]
    fn each_planted_loss_is_found() {
        let (entries, kept) = good();
        assert_eq!(counts(&entries, &Kept { media: BTreeMap::new(), ..good().1 }), (1, 0, 0));
        assert_eq!(counts(&entries, &Kept { messages: BTreeSet::new(), ..good().1 }), (1, 0, 0));
        assert_eq!(counts(&entries, &Kept { events: Vec::new(), ..good().1 }), (1, 0, 0));
        assert_eq!(counts(&entries, &Kept { without_object: vec!["a key".to_owned()], ..good().1 }), (1, 0, 0));
        let mut altered = entries.clone();
        altered[7] = Entry::ReadBack { media: ID, sha256: Some("abd".to_owned()) };
        assert_eq!(counts(&altered, &kept), (1, 0, 0));
        assert_eq!(counts(&entries[..7], &kept), (1, 0, 0), "never read back");
        let mut deaf = entries;
        deaf.remove(6);
        assert_eq!(counts(&deaf, &kept), (1, 0, 0), "one of two did not hear of it");
    }

    #[test]
    fn each_planted_double_is_found() {
        let (mut entries, mut kept) = good();
        entries.push(heard(2));
        assert_eq!(counts(&entries, &kept), (0, 1, 0));
        kept.events.push((ID, "original".to_owned()));
        assert_eq!(counts(&entries, &kept), (0, 2, 0));
    }

    #[test]
    fn what_is_stuck_is_found() {
        let (entries, kept) = good();
        for state in [MediaState::Uploaded, MediaState::Failed] {
            let media = BTreeMap::from([(ID, object(state))]);
            assert_eq!(counts(&entries, &Kept { media, ..good().1 }), (0, 0, 1), "{state:?} without a reason");
        }
        assert_eq!(counts(&entries, &kept), (0, 0, 0));
    }
}
