//! The last frames of a session.

use super::{
    end::Why,
    session::{Frames, Sink, text},
};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use futures_util::{SinkExt, StreamExt};
use heim_common::wire::Reply;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// WebSocket close codes (IANA registry): the service restarts; try again
/// later; what was asked for is against the rules of the place.
const RESTART: u16 = 1012;
const TOO_SLOW: (u16, &str) = (1013, "too slow");
const UNAVAILABLE: (u16, &str) = (1013, "not available right now");
const CLOSED: u16 = 1008;
/// How long the last frames may take.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long they may take where the client was too slow before. Nothing else is
/// kept of the session then.
const SLOW_TIMEOUT: Duration = Duration::from_secs(5);

/// How a session ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// Without a word, as heim does.
    Cut,
    /// The client said goodbye.
    Asked,
    /// This coordinator stops. The client is told over how long all who go now
    /// should spread their way back, by a word that those who know it read.
    Restarting { spread_ms: u64 },
    /// The room cannot be shown now: the client is to try again later.
    Unavailable,
    /// From outside, for the reason that its end says.
    Ended,
}

/// `disconnect-event`.
#[derive(Serialize)]
struct Disconnect {
    reason: &'static str,
}

/// How a session ends, and the ways to say so.
pub(super) struct Goodbye {
    pub(super) ending: Ending,
    pub(super) why: Option<Why>,
    /// Unless it is broken.
    pub(super) sink: Option<Sink>,
    pub(super) stream: Frames,
}

impl Goodbye {
    /// Says goodbye, as far as that is due.
    pub(super) async fn close(self) {
        let Self { ending, why, sink, mut stream } = self;
        let (frames, patience) = match ending {
            Ending::Cut => return,
            // The answer to a close frame is ready, and sent by reading on.
            Ending::Asked => return drop(timeout(CLOSE_TIMEOUT, stream.next()).await),
            Ending::Restarting { spread_ms } => {
                (vec![close_frame((RESTART, format!("restarting; retry-ms={spread_ms}")))], CLOSE_TIMEOUT)
            }
            Ending::Unavailable => (vec![close_frame(UNAVAILABLE)], CLOSE_TIMEOUT),
            Ending::Ended => match why.and_then(Why::reason) {
                Some(reason) => {
                    let event = text(&Reply::event("disconnect-event", Disconnect { reason }));
                    (event.into_iter().chain([close_frame((CLOSED, reason))]).collect(), CLOSE_TIMEOUT)
                }
                None if why == Some(Why::Unread) => (vec![close_frame(UNAVAILABLE)], CLOSE_TIMEOUT),
                None => (vec![close_frame(TOO_SLOW)], SLOW_TIMEOUT),
            },
        };
        if let Some(mut sink) = sink {
            let last = async {
                for frame in frames {
                    if sink.send(frame).await.is_err() {
                        return;
                    }
                }
            };
            let _ = timeout(patience, last).await;
        }
    }
}

fn close_frame((code, reason): (u16, impl Into<Utf8Bytes>)) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}
