//! Writes what waits for a session, until the session ends.

use super::outbox::{About, Outgoing};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt, stream::SplitSink};
use heim_common::{MessageId, SessionId};
use std::collections::HashSet;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What a session knows from its snapshot.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) messages: HashSet<MessageId>,
    pub(crate) sessions: HashSet<SessionId>,
}

impl Known {
    /// Whether this packet would tell nothing new; it will not come again.
    fn tells(&mut self, about: &About) -> bool {
        match about {
            About::Message(id) => self.messages.remove(id),
            About::Join(session) => self.sessions.remove(session),
            // If it joins again, that is new.
            About::Part(session) => {
                self.sessions.remove(session);
                false
            }
            About::Else => false,
        }
    }
}

/// Writes what is queued, until the session ends; gives the sink back for the
/// last frame unless it is broken.
pub(crate) async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
    mut known: Known,
    end: CancellationToken,
) -> Option<SplitSink<WebSocket, Message>> {
    loop {
        let Outgoing { text, about, place } = tokio::select! {
            outgoing = queue.recv() => outgoing?,
            () = end.cancelled() => return Some(sink),
        };
        if known.tells(&about) {
            continue;
        }
        // What was begun when the session ends is kept by the sink.
        let sent = tokio::select! {
            sent = sink.send(Message::Text(text)) => sent,
            () = end.cancelled() => return Some(sink),
        };
        drop(place);
        if sent.is_err() {
            end.cancel();
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_the_snapshot_is_told_of_once_more_only_when_it_comes_back() {
        let session = SessionId::from_stored("s".into());
        let mut known = Known { sessions: [session.clone()].into(), ..Known::default() };
        assert!(known.tells(&About::Join(session.clone())));
        assert!(!known.tells(&About::Join(session.clone())));
        let mut known = Known { sessions: [session.clone()].into(), ..Known::default() };
        assert!(!known.tells(&About::Part(session.clone())));
        assert!(!known.tells(&About::Join(session)));
    }
}
