//! Ends a session from outside of it, and says why.

use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// Why a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// News pile up before it: it is to come again.
    TooSlow,
    /// News could not be read for it: it is to come again.
    Unread,
    /// The room has another passcode since.
    AccessChanged,
    /// The room is gone.
    RoomDeleted,
}

impl Why {
    /// What a `disconnect-event` says of it. Who only has to come again is told
    /// so by the close frame.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::TooSlow | Self::Unread => None,
            Self::AccessChanged => Some("access changed"),
            Self::RoomDeleted => Some("room deleted"),
        }
    }

    /// The word for it.
    fn as_str(self) -> &'static str {
        match self {
            Self::TooSlow => "too-slow",
            Self::Unread => "unread",
            Self::AccessChanged => "access-changed",
            Self::RoomDeleted => "room-deleted",
        }
    }

    /// Why members of a room that was closed have to go.
    pub(crate) fn closed(deleted: bool) -> Self {
        if deleted { Self::RoomDeleted } else { Self::AccessChanged }
    }
}

/// The end of one session. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    token: CancellationToken,
    why: Arc<OnceLock<Why>>,
}

impl End {
    /// Ends the session; the first reason counts.
    pub(crate) fn end(&self, why: Why) {
        // It has been ended already where there is a reason.
        if self.why.set(why).is_ok() {
            metrics::counter!("heim_sockets_ended_total", "why" => why.as_str()).increment(1);
        }
        self.token.cancel();
    }

    /// Stops what belongs to a session that ends by itself.
    pub(crate) fn stop(&self) {
        self.token.cancel();
    }

    /// Returns when the session ends.
    pub(crate) async fn ended(&self) {
        self.token.cancelled().await;
    }

    /// Runs `work` unless the session ends before.
    pub(crate) async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.token.run_until_cancelled(work).await
    }

    /// Why it was ended from outside.
    pub(crate) fn why(&self) -> Option<Why> {
        self.why.get().copied()
    }
}
