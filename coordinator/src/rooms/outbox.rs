//! What waits to be written to one session, bounded in bytes: news and the
//! replies to its own commands have an account each.
//!
//! News never wait: a session that lets too many of them pile up is too slow.
//! Replies do, and so does the session that asks for them: who does not read is
//! not read either.

use super::viewed::MediaNews;
use axum::extract::ws::Utf8Bytes;
use heim_common::{MediaId, MessageId, SessionId};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What even the smallest packet counts for.
const PACKET_BYTES_MIN: u32 = 1 << 10;

/// A packet on its way to a session. While it is there, its bytes count.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) text: Utf8Bytes,
    pub(crate) about: About,
    /// The views of media objects that are in it.
    pub(crate) views: Views,
    pub(crate) place: OwnedSemaphorePermit,
}

/// Views of media objects: each with the newest event that it takes in.
pub(crate) type Views = Arc<[(MediaId, i64)]>;

/// What a packet tells: a session that learnt it from its snapshot does not
/// hear it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// This message was sent.
    Message(MessageId),
    /// This session joined.
    Join(SessionId),
    /// This session left.
    Part(SessionId),
    /// This event about a media object.
    Media(MediaNews),
    /// The reply to a command.
    Reply,
    /// Whether there is anybody: a ping of the `WebSocket` itself.
    Knock,
    /// Anything else.
    Else,
}

/// The way to one session.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    /// Without a bound of its own: the accounts are its bound.
    queue: mpsc::UnboundedSender<Outgoing>,
    news: Arc<Semaphore>,
    replies: Arc<Semaphore>,
    /// Commands that were begun.
    asked: Arc<AtomicU64>,
    /// Bytes that may wait in one account. A packet that is larger waits alone.
    bytes_max: u32,
}

impl Outbox {
    /// An empty one with accounts of this size, and the end from which it is
    /// written.
    pub(crate) fn new(bytes_max: u32) -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (queue, end) = mpsc::unbounded_channel();
        let bytes_max = bytes_max.max(PACKET_BYTES_MIN);
        let account = || Arc::new(Semaphore::new(bytes_max as usize));
        (Self { queue, news: account(), replies: account(), asked: Arc::default(), bytes_max }, end)
    }

    /// Queues news. False if too much waits already.
    pub(crate) fn tell(&self, text: Utf8Bytes, about: About, views: Views) -> bool {
        match Arc::clone(&self.news).try_acquire_many_owned(self.bytes(&text)) {
            Ok(place) => self.queue.send(Outgoing { text, about, views, place }).is_ok(),
            Err(_) => false,
        }
    }

    /// Asks whether there is anybody, unless so much waits that it would be asked
    /// too late.
    pub(crate) fn knock(&self) {
        self.tell(Utf8Bytes::default(), About::Knock, Views::default());
    }

    /// Whether this reply would be queued at once.
    pub(crate) fn has_place_for(&self, text: &str) -> bool {
        self.replies.available_permits() >= self.bytes(text) as usize
    }

    /// Queues a packet of the session's own as soon as there is place for it: the
    /// reply to a command ([`About::Reply`]), or a ping.
    pub(crate) async fn reply(&self, text: Utf8Bytes, about: About, views: Views) {
        if let Ok(place) = Arc::clone(&self.replies).acquire_many_owned(self.bytes(&text)).await {
            // Whoever would read it is gone, and the session about to end.
            let _ = self.queue.send(Outgoing { text, about, views, place });
        }
    }

    /// Notes that a command begins, which will have one reply. What it reads of
    /// media objects may be older than events that are queued before the reply.
    pub(crate) fn ask(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
    }

    /// How many commands were begun.
    pub(crate) fn asked(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.asked)
    }

    /// Waits until every reply was written.
    pub(crate) async fn written(&self) {
        let _ = self.replies.acquire_many(self.bytes_max).await;
    }

    fn bytes(&self, text: &str) -> u32 {
        u32::try_from(text.len()).unwrap_or(u32::MAX).clamp(PACKET_BYTES_MIN, self.bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const BYTES_MAX: u32 = 1 << 20;

    #[test]
    fn news_pile_up_to_their_bound_and_no_further() {
        let (outbox, mut end) = Outbox::new(BYTES_MAX);
        let quarter: Utf8Bytes = "x".repeat(BYTES_MAX as usize / 4).into();
        for _ in 0..4 {
            assert!(outbox.tell(quarter.clone(), About::Else, Views::default()));
        }
        assert!(!outbox.tell("{}".into(), About::Else, Views::default()));
        drop(end.try_recv().unwrap());
        for _ in 0..BYTES_MAX / 4 / PACKET_BYTES_MIN {
            assert!(outbox.tell("{}".into(), About::Else, Views::default()));
        }
        assert!(!outbox.tell("{}".into(), About::Else, Views::default()), "small ones are bounded in number");
    }

    #[test]
    fn a_reply_waits_until_the_ones_before_it_are_written() {
        let (outbox, mut end) = Outbox::new(BYTES_MAX);
        let huge: Utf8Bytes = "x".repeat(3 * BYTES_MAX as usize).into();
        assert!(outbox.has_place_for(&huge));
        assert_eq!(outbox.reply(huge, About::Reply, Views::default()).now_or_never(), Some(()));
        assert!(!outbox.has_place_for("{}"));
        assert!(outbox.tell("{}".into(), About::Else, Views::default()), "news are counted apart");
        let mut second = Box::pin(outbox.reply("{}".into(), About::Reply, Views::default()));
        assert_eq!((&mut second).now_or_never(), None);
        assert_eq!(outbox.written().now_or_never(), None);
        drop(end.try_recv().unwrap());
        assert_eq!(second.now_or_never(), Some(()));
        while end.try_recv().is_ok() {}
        assert_eq!(outbox.written().now_or_never(), Some(()));
    }
}
