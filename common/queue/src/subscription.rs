//! The listener's end of pub/sub.

use heim_common::room_event::RoomEvent;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::task::AbortOnDropHandle;

/// How many events a listener may lag behind before the oldest are dropped.
pub(crate) const EVENTS_MAX: usize = 1024;

/// What a listener is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something happened in a room.
    Event(RoomEvent),
    /// Something may have been missed: heal from the database. Comes when the
    /// listener lagged, when Redis was lost and when it is heard again. While
    /// it is away one comes every few seconds, so that who heals at each of
    /// them follows the database meanwhile.
    Gap,
}

/// Hears the events of all rooms. Ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    events: Receiver<Heard>,
    /// What brings the events, where that is a task.
    _pump: Option<AbortOnDropHandle<()>>,
}

impl Subscription {
    pub(crate) fn new(events: Receiver<Heard>, pump: Option<AbortOnDropHandle<()>>) -> Self {
        Self { events, _pump: pump }
    }

    /// The next event. Waits for ever where there is none. A call that is
    /// dropped loses nothing.
    pub async fn next(&mut self) -> Heard {
        match self.events.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => Heard::Gap,
            // The last handle of an in-process queue is gone: nobody is left to speak.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
