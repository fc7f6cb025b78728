//! Which views of media objects a session was given, so that it hears of each
//! transcoding once: inside of a view, or by an event after it.
//!
//! A view takes in every event about its object up to a number, and no later
//! one. So an event with a higher number than the session's newest view is news,
//! and one with a lower number is not. Who has no view of an object needs no
//! event: whatever view comes later takes the event in.
//!
//! Two kinds of events are told whatever the views say: the uploader hears of all
//! that becomes of an upload, and what will never be there has no place in a
//! view. What somebody asked for with `get-media` is no message: they want to
//! hear of the object from then on, and rather twice than never.
//!
//! One view may be read before an event and queued after it: the reply to a
//! command that is being carried out. While one is, events about objects without
//! a view are kept back; the reply decides about them.

use heim_common::MediaId;
use std::collections::{HashMap, VecDeque};

/// Objects that are remembered of one session.
const VIEWED_MAX: usize = 2048;

/// An event about a media object, for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MediaNews {
    pub(crate) media: MediaId,
    /// Its place among all events.
    pub(crate) seq: i64,
    /// Whether this session's agent uploaded the object.
    pub(crate) is_uploaders: bool,
    /// Whether it tells of what will never be there.
    pub(crate) is_failure: bool,
}

/// What to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is news.
    Tell,
    /// A view that the session has takes it in.
    Known,
    /// The session has no view of the object.
    Unseen,
}

/// The views that one session was given.
#[derive(Debug, Default)]
pub(crate) struct Viewed {
    newest: HashMap<MediaId, i64>,
    order: VecDeque<MediaId>,
    /// Whether some were forgotten: then an object without a view may be one of
    /// them, and it is told of rather twice than never.
    has_forgotten: bool,
}

impl Viewed {
    /// Notes that a view was given.
    pub(crate) fn give(&mut self, media: MediaId, seq: i64) {
        if let Some(newest) = self.newest.get_mut(&media) {
            *newest = seq.max(*newest);
            return;
        }
        self.newest.insert(media, seq);
        self.order.push_back(media);
        if self.order.len() > VIEWED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.newest.remove(&oldest);
            self.has_forgotten = true;
        }
    }

    /// Judges an event. Only views count: events about one object may come in
    /// another order than they happened in, and each comes once.
    pub(crate) fn judge(&self, event: MediaNews) -> Judgement {
        let MediaNews { media, seq, is_uploaders, is_failure } = event;
        match self.newest.get(&media) {
            _ if is_uploaders => Judgement::Tell,
            Some(newest) if *newest >= seq && !is_failure => Judgement::Known,
            None if !self.has_forgotten => Judgement::Unseen,
            _ => Judgement::Tell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(id: i64) -> MediaId {
        MediaId::from_i64(id)
    }

    fn event(id: i64, seq: i64) -> MediaNews {
        MediaNews { media: media(id), seq, is_uploaders: false, is_failure: false }
    }

    #[test]
    fn an_event_is_told_after_the_view_that_does_not_take_it_in() {
        let mut viewed = Viewed::default();
        assert_eq!(viewed.judge(event(1, 5)), Judgement::Unseen);
        viewed.give(media(1), 5);
        assert_eq!(viewed.judge(event(1, 5)), Judgement::Known);
        // Told by two coordinators, they come in the wrong order.
        assert_eq!(viewed.judge(event(1, 7)), Judgement::Tell);
        assert_eq!(viewed.judge(event(1, 6)), Judgement::Tell);
        viewed.give(media(1), 7);
        // An older view that comes later takes nothing back.
        viewed.give(media(1), 5);
        assert_eq!(viewed.judge(event(1, 7)), Judgement::Known);
    }

    #[test]
    fn the_uploader_hears_of_everything() {
        let mut viewed = Viewed::default();
        let event = |seq| MediaNews { is_uploaders: true, ..event(1, seq) };
        assert_eq!(viewed.judge(event(1)), Judgement::Tell);
        viewed.give(media(1), 2);
        assert_eq!(viewed.judge(event(2)), Judgement::Tell);
    }

    #[test]
    fn a_view_does_not_say_what_will_never_be_there() {
        let mut viewed = Viewed::default();
        let failure = MediaNews { is_failure: true, ..event(1, 3) };
        assert_eq!(viewed.judge(failure), Judgement::Unseen);
        viewed.give(media(1), 3);
        assert_eq!(viewed.judge(failure), Judgement::Tell);
    }

    #[test]
    fn what_was_forgotten_is_rather_told_twice_than_never() {
        let mut viewed = Viewed::default();
        for id in 0..=VIEWED_MAX {
            viewed.give(media(i64::try_from(id).unwrap() + 1), 1);
        }
        assert_eq!(viewed.newest.len(), VIEWED_MAX);
        assert_eq!(viewed.judge(event(1, 1)), Judgement::Tell);
    }
}
