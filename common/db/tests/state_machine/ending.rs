//! The part of the state machine that gives up what nobody is shown any more.

use crate::{
    model::{Message, Model, OBJECTS, Room},
    step::{Answer, Object, Step},
};
use heim_common::media::MediaState;

/// Numbers of changes that a purge may draw: more than there are messages.
pub(crate) const PURGE_EDITS: u64 = 100;

impl Model {
    pub(crate) fn end(&mut self, step: Step) -> Answer {
        match step {
            Step::DeleteRoom if self.room == Room::Open => {
                self.room = Room::Deleted;
                Answer::Yes
            }
            Step::DeleteRoom => Answer::No,
            Step::SweepRoom => self.sweep_room(),
            Step::Release => self.release(),
            Step::ForgetMessages => self.forget_messages(),
            Step::Forget(object) => self.forget(object),
            Step::Purge(object) => self.purge(object),
            other => panic!("not an ending: {other:?}"),
        }
    }

    /// By a message that is not deleted, or not for long.
    fn is_held(&self, object: Object) -> bool {
        let holds = |one: &Message| one.shows(object) && !(one.deleted && one.old);
        self.messages.iter().any(holds)
    }

    fn give_up(&mut self, objects: &[Object]) {
        for &object in objects {
            self.live(object).unwrap().gone = true;
            self.jobs[object] = None;
        }
    }

    fn release(&mut self) -> Answer {
        let mut chosen = Vec::new();
        for object in 0..OBJECTS {
            let is_linked = self.messages.iter().any(|message| message.shows(object));
            let is_held = self.is_held(object);
            let Some(media) = self.live(object) else { continue };
            let unattached = !media.attached
                && media.state != MediaState::Created
                && media.old
                && (!media.uploaded || media.old_upload)
                && !is_linked;
            if unattached || (is_linked && !is_held) {
                chosen.push(object);
            }
        }
        self.give_up(&chosen);
        Answer::These(chosen)
    }

    fn forget_messages(&mut self) -> Answer {
        let mut count = 0;
        for index in 0..self.messages.len() {
            let Message { shows, there, linked, deleted, old, edit: _ } = self.messages[index];
            let needed = linked && self.live(shows).is_some() && !self.is_held(shows);
            if there && deleted && old && !needed {
                self.messages[index].there = false;
                count += 1;
            }
        }
        Answer::Count(count)
    }

    fn forget(&mut self, object: Object) -> Answer {
        if !self.media[object].as_ref().is_some_and(|media| media.gone && media.old_gone) {
            return Answer::No;
        }
        self.media[object] = None;
        self.unlink(object);
        Answer::Yes
    }

    /// Takes an object from all messages that show it.
    fn unlink(&mut self, object: Object) -> Vec<usize> {
        let shown_by = (0..self.messages.len()).filter(|&index| self.messages[index].shows(object)).collect::<Vec<_>>();
        for &index in &shown_by {
            self.messages[index].linked = false;
        }
        shown_by
    }

    /// For good, whoever shows it. A message shows nothing else here.
    fn purge(&mut self, object: Object) -> Answer {
        let first = self.edits + 1;
        self.edits += PURGE_EDITS;
        if self.live(object).is_none() {
            return Answer::Purged(Vec::new(), Vec::new());
        }
        let is_open = self.room == Room::Open;
        let mut withdrawn = Vec::new();
        for index in self.unlink(object) {
            let message = &mut self.messages[index];
            if message.deleted || !is_open {
                continue;
            }
            let edit = first + withdrawn.len() as u64;
            withdrawn.push((index, edit, message.edit, true));
            (message.deleted, message.edit) = (true, Some(edit));
        }
        self.live(object).unwrap().transcodings.clear();
        self.give_up(&[object]);
        Answer::Purged(vec![object], withdrawn)
    }

    fn sweep_room(&mut self) -> Answer {
        if self.room == Room::Deleted {
            let all: Vec<_> = (0..OBJECTS).filter(|&object| self.live(object).is_some()).collect();
            self.give_up(&all);
            for message in &mut self.messages {
                message.there = false;
            }
            self.room = Room::Swept;
        }
        Answer::Yes
    }
}
