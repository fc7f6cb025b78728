//! Writes what waits for a session, until the session ends, and leaves out what
//! the session knows already.

use super::{
    end::End,
    outbox::{About, Outgoing},
    viewed::{Judgement, Viewed},
};
use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures_util::{SinkExt, stream::SplitSink};
use heim_common::{MessageId, SessionId};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// How long news of who is in the snapshot may still be under way. Shorter than
/// the lease of a session: who was lost and comes back is news.
const LISTING_KEPT: Duration = Duration::from_secs(10);

/// What a session knows from its snapshot and from what was written to it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) messages: HashSet<MessageId>,
    /// Who was in the snapshot, for a while.
    sessions: HashSet<SessionId>,
    listed: Instant,
    pub(crate) media: Viewed,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Write,
    /// It would tell nothing new; it will not come again.
    Leave,
    /// The reply to the command at hand decides.
    Keep,
}

impl Known {
    /// What a snapshot with these messages and sessions tells.
    pub(crate) fn new(messages: HashSet<MessageId>, sessions: HashSet<SessionId>) -> Self {
        Self { messages, sessions, listed: Instant::now(), media: Viewed::default() }
    }

    fn turn(&mut self, about: &About, is_asking: bool) -> Turn {
        if !self.sessions.is_empty() && self.listed.elapsed() > LISTING_KEPT {
            self.sessions = HashSet::new();
        }
        let is_known = match about {
            About::Message(id) => self.messages.remove(id),
            About::Join(session) => self.sessions.remove(session),
            // If it joins again, that is new.
            About::Part(session) => {
                self.sessions.remove(session);
                false
            }
            &About::Media(event) => match self.media.judge(event) {
                Judgement::Tell => false,
                Judgement::Unseen if is_asking => return Turn::Keep,
                Judgement::Known | Judgement::Unseen => true,
            },
            About::Reply | About::Knock | About::Else => false,
        };
        if is_known { Turn::Leave } else { Turn::Write }
    }
}

/// One session's writer.
pub(crate) struct Writer {
    sink: SplitSink<WebSocket, Message>,
    known: Known,
    /// Commands that were begun, and replies that were written.
    asked: Arc<AtomicU64>,
    answered: u64,
    /// Events that wait for the reply at hand. Their bytes still count as
    /// waiting, which bounds them.
    kept: Vec<Outgoing>,
    end: End,
}

/// The connection is broken, or the session ends.
struct Over {
    is_broken: bool,
}

impl Writer {
    pub(crate) fn new(sink: SplitSink<WebSocket, Message>, known: Known, asked: Arc<AtomicU64>, end: End) -> Self {
        Self { sink, known, asked, answered: 0, kept: Vec::new(), end }
    }

    /// Writes what is queued, until the session ends; gives the sink back for the
    /// last frames unless it is broken.
    pub(crate) async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<Outgoing>,
    ) -> Option<SplitSink<WebSocket, Message>> {
        loop {
            let outgoing = tokio::select! {
                biased;
                () = self.end.ended() => return Some(self.sink),
                outgoing = queue.recv() => outgoing?,
            };
            if let Err(Over { is_broken }) = self.take(outgoing).await {
                self.end.stop();
                return (!is_broken).then_some(self.sink);
            }
        }
    }

    async fn take(&mut self, outgoing: Outgoing) -> Result<(), Over> {
        let is_asking = self.asked.load(Ordering::Acquire) != self.answered;
        match self.known.turn(&outgoing.about, is_asking) {
            Turn::Leave => return Ok(()),
            Turn::Keep => {
                self.kept.push(outgoing);
                return Ok(());
            }
            Turn::Write => {}
        }
        let is_reply = outgoing.about == About::Reply;
        self.write(outgoing).await?;
        if is_reply {
            self.answered += 1;
            // A command that began since has read what these tell.
            for kept in std::mem::take(&mut self.kept) {
                if self.known.turn(&kept.about, false) == Turn::Write {
                    self.write(kept).await?;
                }
            }
        }
        Ok(())
    }

    async fn write(&mut self, outgoing: Outgoing) -> Result<(), Over> {
        let Outgoing { text, about, views, place } = outgoing;
        let frame = if about == About::Knock { Message::Ping(Bytes::new()) } else { Message::Text(text) };
        for &(media, seq) in views.iter() {
            self.known.media.give(media, seq);
        }
        // What was begun when the session ends is kept by the sink.
        let sent = tokio::select! {
            biased;
            () = self.end.ended() => return Err(Over { is_broken: false }),
            sent = self.sink.send(frame) => sent,
        };
        drop(place);
        sent.map_err(|_| Over { is_broken: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::viewed::MediaNews;
    use heim_common::MediaId;

    fn about() -> About {
        let media = MediaId::from_i64(1);
        About::Media(MediaNews { media, seq: 3, is_uploaders: false, is_failure: false })
    }

    fn knows_of(session: &SessionId) -> Known {
        Known::new(HashSet::new(), [session.clone()].into())
    }

    #[test]
    fn who_is_in_the_snapshot_is_told_of_once_more_only_when_it_comes_back() {
        let session = SessionId::from_stored("s".into());
        let mut known = knows_of(&session);
        assert_eq!(known.turn(&About::Join(session.clone()), false), Turn::Leave);
        assert_eq!(known.turn(&About::Join(session.clone()), false), Turn::Write);
        let mut known = knows_of(&session);
        assert_eq!(known.turn(&About::Part(session.clone()), false), Turn::Write);
        assert_eq!(known.turn(&About::Join(session), false), Turn::Write);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_lost_with_its_coordinator_and_comes_back_is_told_of() {
        let session = SessionId::from_stored("s".into());
        let mut known = knows_of(&session);
        tokio::time::advance(LISTING_KEPT + Duration::from_millis(1)).await;
        assert_eq!(known.turn(&About::Join(session), false), Turn::Write);
    }

    #[test]
    fn an_event_without_a_view_waits_for_the_reply_at_hand() {
        let mut known = Known::new(HashSet::new(), HashSet::new());
        assert_eq!(known.turn(&about(), true), Turn::Keep);
        // The reply had an older view: the event comes after it.
        known.media.give(MediaId::from_i64(1), 2);
        assert_eq!(known.turn(&about(), false), Turn::Write);
    }

    #[test]
    fn without_a_reply_at_hand_an_event_without_a_view_is_left_out() {
        let mut known = Known::new(HashSet::new(), HashSet::new());
        assert_eq!(known.turn(&about(), false), Turn::Leave);
    }
}
