//! The state machine as a person would write it down: media objects, their
//! messages, the room. Jobs are in `jobs`.

use crate::step::{Answer, Name, Object, Step};
use heim_common::{
    job::{Attempts, JobState, Reason},
    media::MediaState,
};
use std::{collections::BTreeMap, time::Duration};

pub(crate) const OBJECTS: usize = 2;
pub(crate) const ATTEMPTS: Attempts = Attempts { failures_max: 3, deaths_max: 2, away_max: Duration::from_hours(1) };
/// What is to be made of every second object; of the others, only the first.
pub(crate) const SPECS: usize = 2;

/// The names of the specs of an object.
pub(crate) fn specs(object: Object) -> std::ops::RangeInclusive<Name> {
    1..=SPECS - object % 2
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column that is there or not")]
pub(crate) struct Media {
    pub(crate) state: MediaState,
    pub(crate) failure: Option<Reason>,
    pub(crate) uploaded: bool,
    /// Which upload won.
    pub(crate) upload: u64,
    pub(crate) attached: bool,
    pub(crate) expired: bool,
    /// Its times lie far back: of the creation, the upload, the giving up.
    pub(crate) old: bool,
    pub(crate) old_upload: bool,
    pub(crate) old_gone: bool,
    pub(crate) gone: bool,
    pub(crate) seq: i64,
    /// Version, whether altered, event.
    pub(crate) transcodings: BTreeMap<Name, (u32, bool, i64)>,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column that is there or not")]
pub(crate) struct Job {
    pub(crate) state: JobState,
    pub(crate) fence: i64,
    pub(crate) failures: u32,
    pub(crate) deaths: u32,
    pub(crate) engine: Option<u32>,
    pub(crate) reason: Option<Reason>,
    pub(crate) lease_ended: bool,
    pub(crate) rests: bool,
    /// It has rested, or does, and nobody has seen that it is over.
    pub(crate) set_aside: bool,
    pub(crate) told: bool,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column or a row that is there or not")]
pub(crate) struct Message {
    pub(crate) shows: Object,
    pub(crate) there: bool,
    /// Whether it shows the object still.
    pub(crate) linked: bool,
    pub(crate) deleted: bool,
    pub(crate) old: bool,
    pub(crate) edit: Option<u64>,
}

impl Message {
    pub(crate) fn shows(&self, object: Object) -> bool {
        self.there && self.linked && self.shows == object
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Open,
    Deleted,
    Swept,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) room: Room,
    pub(crate) paused: bool,
    pub(crate) media: [Option<Media>; OBJECTS],
    pub(crate) jobs: [Option<Job>; OBJECTS],
    pub(crate) messages: Vec<Message>,
    pub(crate) edits: u64,
    pub(crate) seq: i64,
    pub(crate) events: Vec<(i64, Object, Name)>,
}

impl Model {
    pub(crate) fn after(seq: i64) -> Self {
        let (media, jobs) = Default::default();
        Self { room: Room::Open, paused: false, media, jobs, messages: Vec::new(), edits: 0, seq, events: Vec::new() }
    }

    pub(crate) fn step(&mut self, step: Step) -> Answer {
        match step {
            Step::Create(object) => self.create(object),
            Step::Upload(object, upload) => self.upload(object, upload),
            Step::Refuse(object, reason) => self.refuse(object, reason),
            Step::Send(object) => self.send(object),
            Step::DeleteMessage(message) => self.delete_message(message),
            Step::RestoreMessage(message) => self.restore_message(message),
            Step::DeleteRoom
            | Step::SweepRoom
            | Step::Release
            | Step::ForgetMessages
            | Step::Forget(_)
            | Step::Purge(_) => self.end(step),
            Step::Retry(_) | Step::Discard(_) | Step::PauseLane | Step::ResumeLane => self.steer(step),
            Step::Expire => self.expire(),
            Step::HandleEnds(object) => self.of_media(object, |media| media.expired = true),
            Step::Ages(object) => self.ages(object),
            jobs => self.step_of_job(jobs),
        }
    }

    pub(crate) fn live(&mut self, object: Object) -> Option<&mut Media> {
        self.media[object].as_mut().filter(|media| !media.gone)
    }

    pub(crate) fn record(&mut self, object: Object, name: Name) -> i64 {
        self.seq += 1;
        self.events.push((self.seq, object, name));
        if let Some(media) = &mut self.media[object] {
            media.seq = self.seq;
        }
        self.seq
    }

    fn of_media(&mut self, object: Object, change: impl FnOnce(&mut Media)) -> Answer {
        if let Some(media) = &mut self.media[object] {
            change(media);
        }
        Answer::Yes
    }

    fn create(&mut self, object: Object) -> Answer {
        if self.room != Room::Open {
            return Answer::Closed;
        }
        self.media[object] = Some(Media {
            state: MediaState::Created,
            failure: None,
            uploaded: false,
            upload: 0,
            attached: false,
            expired: false,
            old: false,
            old_upload: false,
            old_gone: false,
            gone: false,
            seq: 0,
            transcodings: BTreeMap::new(),
        });
        Answer::Yes
    }

    fn upload(&mut self, object: Object, upload: u64) -> Answer {
        let room = self.room;
        let Some(media) = self.live(object) else { return Answer::NotThere };
        if room != Room::Open {
            return Answer::NotThere;
        }
        if media.uploaded {
            // Asked again about the one that won, the first answer is repeated.
            let won = (media.upload == upload).then(|| media.transcodings[&0].2);
            return won.map_or(Answer::AlreadyUploaded, Answer::Stored);
        }
        if media.state != MediaState::Created {
            return Answer::NotThere;
        }
        (media.uploaded, media.upload, media.state) = (true, upload, MediaState::Uploaded);
        let seq = self.record(object, 0);
        self.live(object).unwrap().transcodings.insert(0, (0, false, seq));
        self.jobs[object] = Some(Job {
            state: JobState::Pending,
            fence: 0,
            failures: 0,
            deaths: 0,
            engine: None,
            reason: None,
            lease_ended: false,
            rests: false,
            set_aside: false,
            told: false,
        });
        Answer::Stored(seq)
    }

    fn waits(&mut self, object: Object) -> bool {
        self.live(object).is_some_and(|media| media.state == MediaState::Created)
    }

    fn is_linked(&self, object: Object) -> bool {
        self.messages.iter().any(|message| message.shows(object))
    }

    fn end_handle(&mut self, object: Object, reason: Reason) -> Option<i64> {
        if !self.is_linked(object) {
            self.media[object] = None;
            return None;
        }
        let media = self.live(object).unwrap();
        (media.state, media.failure) = (MediaState::Failed, Some(reason));
        Some(self.record(object, 0))
    }

    fn refuse(&mut self, object: Object, reason: Reason) -> Answer {
        if !self.waits(object) {
            return Answer::Ended(Vec::new());
        }
        Answer::Ended(vec![(object, self.end_handle(object, reason))])
    }

    fn expire(&mut self) -> Answer {
        let mut over: Vec<_> = (0..OBJECTS)
            .filter(|&object| self.waits(object) && self.media[object].as_ref().is_some_and(|media| media.expired))
            .collect();
        over.sort_by_key(|&object| self.is_linked(object));
        Answer::Ended(over.into_iter().map(|object| (object, self.end_handle(object, Reason::NeverUploaded))).collect())
    }

    fn send(&mut self, object: Object) -> Answer {
        // A message that is refused takes its place as well: ids are drawn before.
        let refused = Message { shows: object, there: false, linked: false, deleted: false, old: false, edit: None };
        self.messages.push(refused);
        if self.room != Room::Open {
            return Answer::Closed;
        }
        match self.live(object) {
            Some(media) if media.failure.is_none() || media.uploaded => media.attached = true,
            _ => return Answer::NotThere,
        }
        let message = self.messages.last_mut().unwrap();
        (message.there, message.linked) = (true, true);
        Answer::Yes
    }

    fn delete_message(&mut self, index: usize) -> Answer {
        self.edits += 1;
        let edit = self.edits;
        let open = self.room == Room::Open;
        let Some(message) = self.messages.get_mut(index).filter(|message| message.there && open) else {
            return Answer::NotThere;
        };
        if message.deleted {
            return Answer::No;
        }
        (message.deleted, message.edit) = (true, Some(edit));
        Answer::Yes
    }

    fn restore_message(&mut self, index: usize) -> Answer {
        self.edits += 1;
        let edit = self.edits;
        if self.room != Room::Open {
            return Answer::Closed;
        }
        let Some(message) = self.messages.get(index).filter(|message| message.there) else { return Answer::NotThere };
        let (shows, hides) = (message.shows, message.deleted && message.linked);
        if hides && self.live(shows).is_none() {
            return Answer::NotThere;
        }
        let message = &mut self.messages[index];
        (message.deleted, message.old, message.edit) = (false, false, Some(edit));
        Answer::Yes
    }

    fn ages(&mut self, object: Object) -> Answer {
        for message in self.messages.iter_mut().filter(|message| message.shows(object)) {
            message.old |= message.deleted;
        }
        self.of_media(object, |media| {
            media.old = true;
            media.old_upload |= media.uploaded;
            media.old_gone |= media.gone;
        })
    }
}
