//! Who tells rooms, and the dispatcher, of what an operator did: a coordinator itself,
//! or the command line by way of the queue.

use crate::{app::App, measures, rooms};
use futures_util::{FutureExt, future::BoxFuture};
use heim_common::{
    RoomName,
    job::Reason,
    room_event::{News, RoomEvent},
};
use heim_queue::Queue;
use heim_runtime::telemetry::chain;

/// What was done is committed by then: who does not hear of it finds it in the rows,
/// within seconds.
pub(crate) trait Voice: Send + Sync {
    /// Tells a room.
    fn tell<'a>(&'a self, room: &'a RoomName, news: News) -> BoxFuture<'a, ()>;

    /// Says that there is something to dispatch.
    fn ring(&self);

    /// Counts that a job was given up.
    fn gave_up(&self, reason: Reason);
}

impl Voice for App {
    fn tell<'a>(&'a self, room: &'a RoomName, news: News) -> BoxFuture<'a, ()> {
        rooms::announce(self, room, news).boxed()
    }

    fn ring(&self) {
        self.bell.ring();
    }

    fn gave_up(&self, reason: Reason) {
        measures::job_ended(Some(reason));
    }
}

/// That of the command line, as far as there is a queue.
#[derive(Clone, Copy)]
pub(super) struct ByQueue<'a>(pub(super) Option<&'a Queue>);

impl Voice for ByQueue<'_> {
    fn tell<'a>(&'a self, room: &'a RoomName, news: News) -> BoxFuture<'a, ()> {
        let origin = format!("admin.{:016x}", rand::random::<u64>());
        let event = RoomEvent { room: room.clone(), origin, n: 0, news };
        async move {
            let Some(queue) = self.0 else { return };
            if let Err(error) = queue.publish(&event).await {
                tracing::warn!(error = chain(&error), "coordinators are not told; they will see it in the database");
            }
        }
        .boxed()
    }

    /// A dispatcher looks by itself every `jobs.sweep_ms`.
    fn ring(&self) {}

    /// Nobody reads the numbers of a command.
    fn gave_up(&self, _: Reason) {}
}
